import pytest
from sqlalchemy import select

from stylesearch.catalog.access import Access
from stylesearch.catalog.collections import set_visibility
from stylesearch.catalog.works import Work
from stylesearch.errors import NotFoundError
from stylesearch.search.filters import EVERYTHING, NOTHING
from stylesearch.search.grammar import parse
from stylesearch.search.listing import list_works


def test_works_come_in_order_each_once_over_all_pages(archive):
    with archive.database.session() as session:
        pages = [list_works(session, EVERYTHING, page=page, size=7) for page in range(1, 6)]
        titles = [card.title.lower() for page in pages for card in page.cards]
        assert len({card.work_id for page in pages for card in page.cards}) == 30
    assert titles == sorted(titles)
    assert {(page.matching, page.pages) for page in pages} == {(30, 5)}


@pytest.mark.parametrize(
    ("order", "expected"), [("oldest", [1700, 1800, 1900]), ("newest", [1900, 1800, 1700])]
)
def test_undated_works_come_last(archive, order, expected):
    with archive.database.session() as session:
        works = session.scalars(select(Work).order_by(Work.id)).all()
        for work in works:
            work.year_from = work.year_to = None
        for work, year in zip(works[5:8], (1900, 1700, 1800), strict=True):
            work.year_from = work.year_to = year
        session.flush()
        found = list_works(session, EVERYTHING, order=order, size=30)
        assert [card.year_from for card in found.cards] == [*expected, *[None] * 27]
        session.rollback()


def test_a_page_behind_the_last_is_told(archive):
    with archive.database.session() as session:
        with pytest.raises(NotFoundError) as caught:
            list_works(session, EVERYTHING, page=3)
        assert caught.value.code == "unknown_page"
        none = list_works(session, NOTHING, with_facets=True)
        assert (none.cards, none.matching, none.page, none.pages) == ((), 0, 1, 1)
        with pytest.raises(NotFoundError):
            list_works(session, NOTHING, page=2)


def test_facets_are_counted_under_the_filter(archive):
    with archive.database.session() as session:
        found = list_works(session, parse("cat"), with_facets=True)
        assert found.matching == 6
        assert sum(choice.count for choice in found.facets["artist"]) == 6


def test_what_is_hidden_is_not_listed(archive):
    with archive.database.session() as session:
        set_visibility(session, "drawn", Access.STAFF)
        session.flush()
        assert list_works(session, EVERYTHING).matching == 0
        assert list_works(session, EVERYTHING, access=Access.STAFF).matching == 30
        session.rollback()
