from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from stylesearch.catalog import withdrawing
from stylesearch.catalog.access import Access
from stylesearch.catalog.changes import Span, count_changes, earliest_change, list_changes
from stylesearch.catalog.collections import set_visibility
from stylesearch.catalog.works import Work

ASKED = {
    "address": "https://art.example/works/1", "ground": "rights", "name": "Ann", "email": "ann@example.org",
    "statement": "I drew it.",
}  # fmt: skip


@pytest.fixture
def works(toy, make_work) -> dict[str, int]:
    toy.write(make_work("a"), make_work("b"), make_work("c"))
    with toy.database.session() as session:
        session.execute(text("UPDATE work SET updated_at = now() - interval '1 day'"))
        return dict(session.execute(select(Work.source_id, Work.id)).all())


def changed(toy, **more) -> dict[int, bool]:
    """Ids of the works that changed within the last hour, and whether they are withdrawn."""
    span = Span(since=datetime.now(UTC) - timedelta(hours=1))
    with toy.database.session() as session:
        found = list_changes(session, span, limit=10, **more)
        assert count_changes(session, span, more.get("access", Access.EVERYBODY)) == len(found)
        return {one.work_id: one.withdrawn for one in found}


def test_a_work_that_is_withdrawn_and_shown_again_has_changed_both_times(toy, works):
    assert changed(toy) == {}
    with toy.database.session() as session:
        request = withdrawing.ask(session, work_id=works["b"], **ASKED)
        withdrawing.hide(session, request.id)
    assert changed(toy) == {works["b"]: True}
    with toy.database.session() as session:
        withdrawing.refuse(session, request.id)
    assert changed(toy) == {works["b"]: False}


def test_changes_are_in_the_order_of_ids_and_go_on_behind_one(toy, works):
    with toy.database.session() as session:
        ids = [one.work_id for one in list_changes(session, Span(), limit=2)]
        rest = [one.work_id for one in list_changes(session, Span(), limit=2, after=ids[-1])]
        assert ids + rest == sorted(works.values())
        (one,) = list_changes(session, Span(), limit=9, work_id=works["c"])
        assert (one.work_id, one.withdrawn) == (works["c"], False)
        assert one.image_id is not None
        assert earliest_change(session) == min(one.at for one in list_changes(session, Span(), limit=9))


def test_bounds_hold_their_beginning_and_not_their_end(toy, works):
    with toy.database.session() as session:
        moment = list_changes(session, Span(), limit=1)[0].at
        assert len(list_changes(session, Span(since=moment), limit=9)) == 3
        assert list_changes(session, Span(before=moment), limit=9) == []
        assert len(list_changes(session, Span(before=moment + timedelta(microseconds=1)), limit=9)) == 3
        assert list_changes(session, Span(collection="none"), limit=9) == []


def test_changes_of_hidden_collections_are_not_told_even_as_withdrawn(toy, works):
    with toy.database.session() as session:
        session.execute(text("UPDATE work SET withdrawn_at = now()"))
        slug = list_changes(session, Span(), limit=1)[0].collection
        set_visibility(session, slug, Access.VIEWERS)
    assert changed(toy) == {}
    assert len(changed(toy, access=Access.VIEWERS)) == len(changed(toy, access=Access.STAFF)) == 3
