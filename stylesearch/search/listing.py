"""Works under a filter, in an order of their own and without an example, by the page."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from stylesearch.catalog.access import Access
from stylesearch.catalog.cards import WorkCard, cards_of_images
from stylesearch.catalog.works import Image, Work
from stylesearch.errors import NotFoundError
from stylesearch.search.clauses import clause, visible_conditions
from stylesearch.search.facets import Facets, facets, read_facets
from stylesearch.search.filters import Filter

Order = Literal["title", "oldest", "newest"]
ORDERS: tuple[Order, ...] = get_args(Order)
MOST_PAGES = 10_000
"""Nobody turns further, and the database would have to count to there."""

_BY: dict[Order, ColumnElement[Any]] = {
    "title": func.lower(Work.title),
    "oldest": Work.year_from.asc().nulls_last(),
    "newest": Work.year_to.desc().nulls_last(),
}


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of works.

    Attributes
    ----------
    matching:
        How many works there are on all pages; each has an image.
    page, pages:
        From 1.
    facets:
        Where they were asked for.
    """

    cards: tuple[WorkCard, ...]
    matching: int
    page: int
    pages: int
    facets: Facets | None = None


def list_works(
    session: Session,
    where: Filter,
    *,
    order: Order = "title",
    page: int = 1,
    size: int = 24,
    access: Access = Access.EVERYBODY,
    with_facets: bool = False,
) -> Listing:
    """Return one page of the works that a filter lets through.

    Undated works come last, whichever way dates are ordered.

    Raises
    ------
    NotFoundError
        ``unknown_page`` for a page behind the last; and as :func:`~stylesearch.search.clauses.clause` does.
    InputError
        If a filter cannot be used.
    """
    asked = clause(session, where, access)
    first = select(func.min(Image.id)).where(Image.work_id == Work.id).correlate(Work).scalar_subquery()
    pictured = select(Image.id).where(Image.work_id == Work.id).correlate(Work).exists()
    conditions = [*visible_conditions([asked], access), pictured]
    matching = 0
    if not asked.impossible:
        matching = session.scalar(select(func.count()).select_from(Work).where(*conditions)) or 0
    pages = max(1, min(MOST_PAGES, ceil(matching / size)))
    if page > pages:
        raise NotFoundError(
            f"There is no page {page}: "
            + ("there is one page." if pages == 1 else f"there are {pages} pages."),
            hint="Go back to the first page, or ask for less.",
            code="unknown_page",
        )
    found = (
        select(first).where(*conditions).order_by(_BY[order], Work.id).limit(size).offset((page - 1) * size)
    )
    ids = list(session.scalars(found)) if matching else []
    cards = cards_of_images(session, ids, access)
    counted = None
    if with_facets:
        counted = facets(session, where, access=access) if matching else read_facets([])
    return Listing(tuple(cards[one] for one in ids if one in cards), matching, page, pages, counted)
