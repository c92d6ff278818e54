from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from stylesearch.accounts.roles import SCOPES, Role, read_scopes
from stylesearch.accounts.tokens import PREFIX, find_bearer, list_tokens, make_token, revoke_token
from stylesearch.accounts.users import change_user, find_user
from stylesearch.catalog.people import ApiToken
from stylesearch.errors import InputError, NotFoundError, SignInError


@pytest.fixture
def make(database, add):
    user = add(role="admin")
    add("bea@example.org", role="admin")  # so that the other need not stay one

    def new(scopes=("read",), days=30, label="Harvester"):
        with database.session() as session:
            row, text = make_token(
                session, find_user(session, user.id), label=label, scopes=scopes, days=days
            )
            return row.id, text

    new.user = user
    return new


def bearer(database, text):
    with database.session() as session:
        return find_bearer(session, text)


def test_a_token_asks_on_behalf_of_its_user(database, make):
    _, text = make(("report", "read"))
    assert text.startswith(PREFIX)
    found = bearer(database, text)
    assert found.user.id == make.user.id
    assert found.scopes == {"read", "report"}
    with database.session() as session:
        row = session.scalars(select(ApiToken)).one()
        assert row.last_used_at is not None
        assert row.scopes == ["read", "report"]
        assert text.startswith(row.beginning)
        assert len(row.beginning) < len(text) / 3
        assert text.encode() not in bytes(row.token_sha256)


@pytest.mark.parametrize("text", ["", PREFIX, "sst_wrong", "\0", "é"])
def test_what_is_no_token(database, make, text):
    make()
    with pytest.raises(SignInError) as caught:
        bearer(database, text)
    assert caught.value.code == "bad_token"


def test_a_token_ends(database, make):
    _, text = make()
    with database.session() as session:
        session.execute(update(ApiToken).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    with pytest.raises(SignInError):
        bearer(database, text)
    _, text = make(days=None)
    assert bearer(database, text)


def test_it_may_never_do_more_than_its_user_does_now(database, make):
    _, text = make(tuple(SCOPES))
    assert bearer(database, text).scopes == set(SCOPES)
    with database.session() as session:
        change_user(session, make.user.id, role=Role.VIEWER)
    assert bearer(database, text).scopes == {"read", "report"}
    with database.session() as session:
        change_user(session, make.user.id, disabled=True)
    with pytest.raises(SignInError):
        bearer(database, text)


@pytest.mark.parametrize(
    ("scopes", "role", "words"),
    [
        ([], "admin", "needs a scope"),
        (["all"], "admin", "no scope 'all'"),
        (["read", "admin"], "curator", "admin is not for a curator"),
        (["ingest"], "viewer", "ingest is not for a viewer"),
    ],
)
def test_scopes_that_cannot_be_had(scopes, role, words):
    with pytest.raises(InputError) as caught:
        read_scopes(scopes, Role(role))
    assert words in caught.value.message


@pytest.mark.parametrize(("label", "days"), [("", 3), ("x" * 101, 3), ("ok", 0), ("ok", 99999)])
def test_what_makes_no_token(make, label, days):
    with pytest.raises(InputError):
        make(label=label, days=days)


def test_tokens_are_listed_and_revoked_by_those_whose_they_are(database, make):
    number, text = make()
    with database.session() as session:
        assert [token.id for token, _ in list_tokens(session)] == [number]
        assert list_tokens(session, user_id=make.user.id + 1) == []
        with pytest.raises(NotFoundError):
            revoke_token(session, number, user_id=make.user.id + 1)
        revoke_token(session, number)
    with pytest.raises(SignInError):
        bearer(database, text)
    with database.session() as session, pytest.raises(NotFoundError):
        revoke_token(session, number)
