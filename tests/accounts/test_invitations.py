from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from stylesearch.accounts.invitations import accept, invite, invited
from stylesearch.accounts.users import check_sign_in, find_user
from stylesearch.catalog.people import Invitation
from stylesearch.errors import InputError, NotFoundError

PASSWORD = "four quiet herons wade"


@pytest.fixture
def link(database, add):
    user = add()
    with database.session() as session:
        return invite(session, find_user(session, user.id))


def test_a_link_sets_a_password_once(database, link):
    with database.session() as session:
        assert invited(session, link).email == "ann@example.org"
        accept(session, link, PASSWORD)
    with database.session() as session:
        assert check_sign_in(session, "ann@example.org", PASSWORD)
        with pytest.raises(NotFoundError):
            accept(session, link, PASSWORD)


def test_a_password_that_is_none_leaves_the_link(database, link):
    with pytest.raises(InputError), database.session() as session:
        accept(session, link, "short")
    with database.session() as session:
        assert invited(session, link)


def test_a_link_ends_and_a_new_one_takes_its_place(database, link):
    with database.session() as session:
        newer = invite(session, find_user(session, "ann@example.org"))
    with database.session() as session:
        with pytest.raises(NotFoundError):
            invited(session, link)
        assert invited(session, newer)
        session.execute(update(Invitation).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
        with pytest.raises(NotFoundError):
            invited(session, newer)
        for wrong in ("", "x", "\0"):
            with pytest.raises(NotFoundError):
                invited(session, wrong)
