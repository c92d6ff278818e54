import pytest

from stylesearch.accounts.providers import Claims, user_of
from stylesearch.accounts.users import change_user
from stylesearch.errors import DeniedError, SignInError

TOLD = {
    "iss": "https://id.example", "sub": "7", "email": "Ann@example.org", "email_verified": True, "name": "Ann"
}  # fmt: skip


def come(database, role="none", **told):
    with database.session() as session:
        return user_of(session, Claims.read({**TOLD, **told}), role=role)


def test_a_user_is_known_by_address_first_and_by_the_providers_id_from_then_on(database, add):
    user = add()
    assert come(database).id == user.id
    assert come(database, email="other@example.org").id == user.id
    with pytest.raises(DeniedError):
        come(database, sub="8")  # the address is somebody else's by now


@pytest.mark.parametrize(
    "told", [{"email_verified": False}, {"email_verified": "true"}, {"email": None}, {"email": "x"}]
)
def test_an_address_that_was_not_checked_counts_for_nothing(database, add, told):
    add()
    with pytest.raises(DeniedError):
        come(database, role="curator", **told)


def test_newcomers_come_in_where_the_settings_say_so(database):
    with pytest.raises(DeniedError):
        come(database)
    user = come(database, role="viewer")
    assert (user.email, user.role, user.name) == ("ann@example.org", "viewer", "Ann")
    assert come(database).id == user.id
    assert come(database, role="viewer", sub="9", email="b@example.org", name=["odd"]).name == "b@example.org"


def test_the_disabled_stay_out(database, add):
    user = add()
    come(database)
    with database.session() as session:
        change_user(session, user.id, disabled=True)
    with pytest.raises(DeniedError):
        come(database)


@pytest.mark.parametrize("told", [{"sub": ""}, {"sub": None}, {"iss": 3}])
def test_a_provider_that_names_nobody(told):
    with pytest.raises(SignInError):
        Claims.read({**TOLD, **told})
