import pytest
from sqlalchemy import select, text

from stylesearch.catalog.access import VISIBLE_SQL, Access, visible
from stylesearch.catalog.cards import card_of_work
from stylesearch.catalog.collections import find_collection, set_visibility
from stylesearch.catalog.works import Work
from stylesearch.errors import NotFoundError


@pytest.fixture
def works(toy, make_work) -> list[int]:
    """Three works of a collection: the first is withdrawn."""
    toy.write(*(make_work(name) for name in "abc"))
    with toy.database.session() as session:
        session.execute(text("UPDATE work SET withdrawn_at = now() WHERE source_id = 'a'"))
        return list(session.scalars(select(Work.id).order_by(Work.source_id)))


@pytest.mark.parametrize("who", list(Access))
def test_who_sees_what(toy, works, who):
    with toy.database.session() as session:
        set_visibility(session, "toys", who)
        for access in Access:
            seen = works[1:] if who.value not in access.hidden else []
            statement = select(Work.id).where(visible(access)).order_by(Work.source_id)
            assert list(session.scalars(statement)) == seen
            assert [card_of_work(session, work, access) is not None for work in works] == [
                work in seen for work in works
            ]
        by_hand = session.scalars(text(f"SELECT id FROM work WHERE {VISIBLE_SQL} ORDER BY source_id"))
        assert list(by_hand) == (works[1:] if who is Access.EVERYBODY else [])


def test_what_is_kept_for_the_staff_is_unknown_to_everybody(toy, works):
    with toy.database.session() as session:
        set_visibility(session, "toys", Access.STAFF)
        assert find_collection(session, "toys").slug == "toys"
        with pytest.raises(NotFoundError) as caught:
            find_collection(session, "toys", Access.EVERYBODY)
    assert caught.value.hint == "Collections: none yet."


def test_the_commands_say_and_set_who_sees_a_collection(environment, database, run_command):
    assert "There is no collection yet" in run_command("collections", "list").out
    with database.session() as session:
        session.execute(text("INSERT INTO collection (slug, title) VALUES ('vault', 'The vault')"))
    assert run_command("collections", "visibility", "vault", "staff").out == "vault: seen by staff\n"
    listed = run_command("collections", "list").out
    assert "The vault" in listed
    assert "staff" in listed
    with database.session() as session:
        event = session.execute(text("SELECT action, subject, detail FROM audit_event")).one()
    assert tuple(event) == (
        "collection.visibility",
        "collection:vault",
        {"before": "everybody", "after": "staff"},
    )
    assert run_command("collections", "visibility", "vault", "nobody").code == 2
    assert "There is no collection" in run_command("collections", "visibility", "cellar", "staff").err
