import threading

import pytest
from sqlalchemy import select, text

from stylesearch.accounts.roles import Role
from stylesearch.accounts.users import add_user, change_user, check_sign_in, find_user, set_password
from stylesearch.catalog.audit import Actor, AuditEvent, acting_as
from stylesearch.catalog.people import User
from stylesearch.catalog.versions import ChangedMeanwhileError
from stylesearch.errors import ConflictError, InputError, NotFoundError, SignInError

PASSWORD = "four quiet herons wade"


def events(database) -> list[tuple]:
    with database.session() as session:
        rows = session.scalars(select(AuditEvent).order_by(AuditEvent.id))
        return [(one.action, one.subject, one.actor, one.detail) for one in rows]


def test_a_user_signs_in_by_address_and_password(database, add):
    add(" Ann@Example.ORG ", password=PASSWORD)
    with database.session() as session:
        user = check_sign_in(session, "ANN@example.org", PASSWORD)
        assert (user.email, user.role) == ("ann@example.org", "viewer")
    with database.session() as session:
        assert find_user(session, user.id).signed_in_at is not None


@pytest.mark.parametrize(
    ("email", "password"),
    [("ann@example.org", "four quiet herons fly"), ("bob@example.org", PASSWORD), ("", ""), ("\0", PASSWORD)],
)
def test_a_wrong_address_and_a_wrong_password_are_told_alike(database, add, email, password):
    add(password=PASSWORD)
    with database.session() as session, pytest.raises(SignInError) as caught:
        check_sign_in(session, email, password)
    assert caught.value.code == "wrong_password"


def test_who_has_no_password_or_is_disabled_does_not_sign_in(database, add):
    add("none@example.org")
    gone = add("gone@example.org", password=PASSWORD)
    with database.session() as session:
        change_user(session, gone.id, disabled=True)
    with database.session() as session:
        for email in ("none@example.org", "gone@example.org"):
            with pytest.raises(SignInError):
                check_sign_in(session, email, PASSWORD)


def test_a_password_kept_with_weaker_parameters_is_made_anew(database, add):
    from argon2 import PasswordHasher

    user = add()
    with database.session() as session:
        weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
        find_user(session, user.id).password_hash = weak
    with database.session() as session:
        check_sign_in(session, user.email, PASSWORD)
    with database.session() as session:
        assert find_user(session, user.id).password_hash != weak
        check_sign_in(session, user.email, PASSWORD)


@pytest.mark.parametrize("email", ["", "ann", "a@b@c d", "@x", "x" * 250 + "@example.org", "a\n@example.org"])
def test_what_is_no_address(database, email):
    with database.session() as session, pytest.raises(InputError) as caught:
        add_user(session, email=email, name="Ann", role=Role.VIEWER)
    assert caught.value.code == "email"


def test_an_address_is_had_by_one(database, add):
    add()
    with pytest.raises(InputError) as caught:
        add("ANN@example.org")
    assert caught.value.code == "email_taken"
    with database.session() as session, pytest.raises(InputError):
        add_user(session, email="v@example.org", name="V", role=Role.VISITOR)
    with database.session() as session, pytest.raises(InputError):
        add_user(session, email="v@example.org", name=" \0 ", role=Role.VIEWER)


def test_each_change_is_written_down_with_who_made_it(database, add):
    user = add()
    with acting_as(Actor("Bea <bea@example.org>")), database.session() as session:
        change_user(session, user.id, role=Role.CURATOR, name="Ann B.")
    with database.session() as session:
        change_user(session, user.id, role=Role.CURATOR)  # as it is already
        set_password(session, find_user(session, user.id), PASSWORD)
    found = events(database)
    assert [one[0] for one in found] == ["user.add", "user.change", "user.password"]
    assert found[1][1:] == (
        "user:ann@example.org",
        "Bea <bea@example.org>",
        {"before": {"name": "Ann", "role": "viewer"}, "after": {"name": "Ann B.", "role": "curator"}},
    )
    assert found[0][2].endswith("at the command line")
    assert PASSWORD not in str(found)


def test_the_second_of_two_who_change_a_user_is_told_what_the_first_did(database, add):
    user = add()
    with acting_as(Actor("Bea")), database.session() as session:
        change_user(session, user.id, version=user.version, role=Role.ADMIN)
    with database.session() as session, pytest.raises(ChangedMeanwhileError) as caught:
        change_user(session, user.id, version=user.version, name="Anna", role=Role.VIEWER)
    error = caught.value
    assert error.by == "Bea"
    assert {(one.name, one.now, one.wanted) for one in error.differences} == {
        ("name", "Ann", "Anna"),
        ("role", "admin", "viewer"),
    }
    with database.session() as session:
        assert (
            change_user(session, user.id, version=user.version, role=Role.ADMIN).role == "admin"
        )  # as it is
        assert find_user(session, user.id).name == "Ann"


def test_one_administrator_always_stays(database, add):
    user = add(role="admin")
    with database.session() as session:
        for change in ({"role": Role.CURATOR}, {"disabled": True}):
            with pytest.raises(ConflictError) as caught:
                change_user(session, user.id, **change)
            assert caught.value.code == "last_admin"
    other = add("bea@example.org", role="admin")
    with database.session() as session:
        change_user(session, user.id, role=Role.VIEWER)
    with database.session() as session, pytest.raises(ConflictError):
        change_user(session, other.id, disabled=True)


def test_of_two_administrators_who_let_go_of_each_other_at_once_one_stays(database, add):
    ids = [add(f"{name}@example.org", role="admin").id for name in "ab"]
    start = threading.Barrier(2)

    def let_go(user_id: int) -> None:
        start.wait()
        try:
            with database.session() as session:
                change_user(session, user_id, disabled=True)
        except ConflictError:
            pass

    threads = [threading.Thread(target=let_go, args=(one,)) for one in ids]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    with database.session() as session:
        left = session.scalars(select(User).where(User.role == "admin", User.disabled_at.is_(None))).all()
        assert len(left) == 1


def test_a_user_that_is_not_there(database):
    with database.session() as session:
        for who in (99, "nobody@example.org"):
            with pytest.raises(NotFoundError) as caught:
                find_user(session, who)
            assert caught.value.code == "unknown_user"


def test_the_log_outlives_the_user(database, add):
    user = add()
    with acting_as(Actor("Ann", user.id)), database.session() as session:
        change_user(session, user.id, name="Anne")
    with database.session() as session:
        session.execute(text('DELETE FROM "user"'))
    assert events(database)[-1][2] == "Ann"
