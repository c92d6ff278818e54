"""Pages: each goes on where the one before ended, whatever happens in between."""

import pytest
from sqlalchemy import text

from stylesearch.search.engine import search
from stylesearch.search.grammar import parse
from stylesearch.search.query import StyleQuery
from stylesearch.search.readout import Readout

WHERE = "keyword:barn -type:print"


def pages(gallery, vector, query: StyleQuery, **more):
    """Every page of a query, one after the other."""
    page = query
    while True:
        found = gallery.ask(vector, query=page, **more)
        yield found
        if len(found.ranked) < query.k:
            return
        last = found.ranked[-1]
        page = query.page_after(last.score, last.image_id)


@pytest.mark.parametrize("group", ["work", "image"])
@pytest.mark.parametrize("mode", ["exact", "hnsw", "binary", "auto"])
def test_pages_to_the_very_end_show_everything_once(gallery, mode, group):
    vector = gallery.query(1)
    query = StyleQuery(where=parse(WHERE), k=150, mode=mode, group=group)
    right = [image_id for image_id, _ in gallery.ranked([vector], [], query)]
    answers = list(pages(gallery, vector, query, settings={"search_exact_rows": 100}))
    found = [one for answer in answers for one in answer.ranked]
    assert all(answer.complete for answer in answers)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    shown = [one.work_id if group == "work" else one.image_id for one in found]
    assert len(shown) == len(set(shown))
    assert {one.image_id for one in found} <= {
        gallery.rows[place].image_id for place in gallery.chosen(WHERE)
    }
    assert len(found) >= 0.97 * len(right)  # an index may miss some, and does not come back to them
    if mode == "exact":
        assert [one.image_id for one in found] == right


@pytest.mark.parametrize(
    "query",
    [
        {"per_artist": 2},
        {"readout": Readout(measure="csls")},
        {"readout": Readout(measure="csls"), "group": "image"},
        {"per_artist": 5, "group": "image"},
    ],
)
def test_pages_of_other_queries_are_in_order_too(gallery, query):
    vector = gallery.query(2)
    asked = StyleQuery(where=parse(WHERE), k=40, mode="exact", **query)
    right = [image_id for image_id, _ in gallery.ranked([vector], [], asked)]
    found = [one.image_id for answer in pages(gallery, vector, asked) for one in answer.ranked]
    assert found == right


def test_among_equals_a_page_ends_anywhere(gallery):
    equal = [row.image_id for row in gallery.rows[100:170] if not row.hidden]
    query = StyleQuery(k=7, mode="exact")
    found = []
    for answer in pages(gallery, gallery.vectors[100], query):
        found += [one.image_id for one in answer.ranked]
        if len(found) >= len(equal):
            break
    assert found[: len(equal)] == equal


def test_what_is_withdrawn_or_added_in_between_shifts_nothing(small, gallery):
    session, row, wanted = small
    query = StyleQuery(k=4)
    first = search(session, row, wanted, query, gallery.settings)
    last = first.ranked[-1]
    following = query.page_after(last.score, last.image_id)
    before = search(session, row, wanted, following, gallery.settings).ranked
    gone = [first.ranked[0].work_id, last.work_id]
    session.execute(text("UPDATE work SET withdrawn_at = now() WHERE id = ANY(:ids)"), {"ids": gone})
    assert search(session, row, wanted, following, gallery.settings).ranked == before
