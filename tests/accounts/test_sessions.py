from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from stylesearch.accounts import sessions
from stylesearch.accounts.users import change_user, find_user, set_password
from stylesearch.catalog.audit import AuditEvent
from stylesearch.catalog.people import LoginSession


@pytest.fixture
def begun(database, add):
    """A sign-in: its user and its token."""
    user = add()
    with database.session() as session:
        _, token = sessions.begin(session, find_user(session, user.id), agent="Browser\0 " + "x" * 999)
    return user, token


def age(database, **times: timedelta) -> None:
    """Put a sign-in's times back."""
    with database.session() as session:
        session.execute(
            update(LoginSession).values({name: datetime.now(UTC) - back for name, back in times.items()})
        )


def find(database, token: str):
    with database.session() as session:
        return sessions.find(session, token)


def number(database) -> int:
    with database.session() as session:
        return session.scalar(select(func.count(LoginSession.id)))


def test_a_sign_in_is_found_by_its_token_alone_which_is_not_kept(database, begun):
    user, token = begun
    found = find(database, token)
    assert found.user.id == user.id
    assert found.token is None
    for other in ("", token[:-1], token + "x", "\0", "é" * 40, "\udcff"):
        assert find(database, other) is None
    with database.session() as session:
        row = session.scalars(select(LoginSession)).one()
        assert token.encode() not in bytes(row.token_sha256)
        assert row.agent.startswith("Browser x")
        assert len(row.agent) == sessions.LONGEST_AGENT


@pytest.mark.parametrize(
    "times",
    [
        {"seen_at": sessions.IDLE + timedelta(minutes=1)},
        {"expires_at": timedelta(seconds=1)},
    ],
)
def test_it_ends_by_itself(database, begun, times):
    age(database, **times)
    assert find(database, begun[1]) is None
    assert number(database) == 0


def test_it_goes_on_while_it_is_used(database, begun):
    age(database, seen_at=sessions.IDLE - timedelta(minutes=5))
    assert find(database, begun[1])
    age_now = number(database)
    assert age_now == 1
    with database.session() as session:
        seen = session.scalars(select(LoginSession.seen_at)).one()
    assert datetime.now(UTC) - seen < timedelta(minutes=1)


def test_its_token_changes_and_the_one_before_holds_for_a_moment(database, begun):
    _, first = begun
    age(database, rotated_at=sessions.ROTATES + timedelta(seconds=1))
    second = find(database, first).token
    assert second
    assert second != first
    assert find(database, second).token is None
    assert find(database, first).token is None  # a request that was under way
    age(database, rotated_at=sessions.GRACE + timedelta(seconds=1))
    assert find(database, second)


def test_a_token_of_before_that_comes_late_is_a_copy_and_ends_it(database, begun):
    _, first = begun
    age(database, rotated_at=sessions.ROTATES + timedelta(seconds=1))
    second = find(database, first).token
    age(database, rotated_at=sessions.GRACE + timedelta(seconds=1))
    assert find(database, first) is None
    assert find(database, second) is None
    with database.session() as session:
        assert "session.reused" in session.scalars(select(AuditEvent.action)).all()


def test_who_is_disabled_or_gets_another_password_is_out_at_once(database, add, begun):
    user, token = begun
    with database.session() as session:
        change_user(session, user.id, disabled=True)
    assert find(database, token) is None
    other = add("bea@example.org")
    with database.session() as session:
        bea = find_user(session, other.id)
        _, token = sessions.begin(session, bea)
        set_password(session, bea, "four quiet herons wade")
    assert find(database, token) is None


def test_a_role_that_was_taken_is_gone_with_the_next_request(database, begun):
    from stylesearch.accounts.roles import Role

    user, token = begun
    with database.session() as session:
        change_user(session, user.id, role=Role.CURATOR)
    assert find(database, token).user.role == "curator"


def test_others_are_ended_and_only_ones_own(database, add, begun):
    user, token = begun
    stranger = add("bea@example.org")
    with database.session() as session:
        ann, bea = find_user(session, user.id), find_user(session, stranger.id)
        mine, kept = sessions.begin(session, ann)
        theirs, _ = sessions.begin(session, bea)
    with database.session() as session:
        assert not sessions.end(session, theirs, find_user(session, user.id))
        assert len(sessions.of_user(session, user.id)) == 2
        assert sessions.end_others(session, find_user(session, user.id), kept=mine) == 1
    assert find(database, token) is None
    assert find(database, kept)
    with database.session() as session:
        assert sessions.end(session, mine, find_user(session, user.id))
    assert find(database, kept) is None
    assert number(database) == 1
