"""Works in an order of their own rather than by style, under a filter, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import SQLCoreOperations

from stylesearch.catalog.access import Access
from stylesearch.catalog.cards import WorkCard, cards_of_images
from stylesearch.catalog.database import Database
from stylesearch.catalog.records import EARLIEST_YEAR, LATEST_YEAR
from stylesearch.catalog.works import Image, Work
from stylesearch.errors import InputError
from stylesearch.search.clauses import clause, visible_conditions
from stylesearch.search.filters import Filter

Order = Literal["id", "title", "year", "-year", "added", "-added"]
ORDERS: tuple[Order, ...] = get_args(Order)
BATCH = 500
"""Works that are read at a time where all are wanted."""

# The key of each order, never null: works of no known year come last, from whichever end.
_KEYS: dict[Order, SQLCoreOperations[Any]] = {
    "id": Work.id,
    "title": func.lower(Work.title),
    "year": func.coalesce(Work.year_from, Work.year_to, LATEST_YEAR + 1),
    "-year": func.coalesce(Work.year_to, Work.year_from, EARLIEST_YEAR - 1),
    "added": Work.created_at,
    "-added": Work.created_at,
}


def list_works(
    session: Session,
    where: Filter,
    *,
    order: Order = "id",
    limit: int,
    after: int | None = None,
    access: Access = Access.EVERYBODY,
) -> list[WorkCard]:
    """Return works that a filter lets through and that have an image.

    Parameters
    ----------
    order:
        Works alike in it follow by their ids.
    after:
        Id of the work to go on behind.

    Raises
    ------
    InputError, NotFoundError
        ``bad_cursor`` if there is no work of the id to go on behind; or if a filter names something unknown.
    """
    asked = clause(session, where, access)
    if asked.impossible:
        return []
    first = select(Image.id).where(Image.work_id == Work.id).order_by(Image.id).limit(1)
    key = _KEYS[order]
    statement = (
        select(first.correlate(Work).scalar_subquery())
        .where(*visible_conditions([asked], access), _has_image())
        .order_by(key.desc() if order.startswith("-") else key, Work.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(_behind(session, order, after))
    image_ids = list(session.scalars(statement))
    cards = cards_of_images(session, image_ids, access)
    return [cards[image_id] for image_id in image_ids if image_id in cards]


def count_works(session: Session, where: Filter, access: Access = Access.EVERYBODY) -> int:
    """Return how many works :func:`list_works` has in all. Errors likewise."""
    asked = clause(session, where, access)
    if asked.impossible:
        return 0
    counted = select(func.count()).select_from(Work).where(*visible_conditions([asked], access), _has_image())
    return session.scalar(counted) or 0


def every_work(
    database: Database,
    where: Filter,
    *,
    order: Order = "id",
    after: int | None = None,
    access: Access = Access.EVERYBODY,
) -> Iterator[WorkCard]:
    """Yield all works of :func:`list_works`, each batch in a transaction of its own. Errors likewise."""
    while True:
        with database.session() as session:
            cards = list_works(session, where, order=order, limit=BATCH, after=after, access=access)
        yield from cards
        if len(cards) < BATCH:
            return
        after = cards[-1].work_id


def _has_image() -> ColumnElement[bool]:
    return exists().where(Image.work_id == Work.id).correlate(Work)


def _behind(session: Session, order: Order, after: int) -> ColumnElement[bool]:
    """Return the condition that a work comes behind another one."""
    if order == "id":
        return Work.id > after
    value = session.scalar(select(_KEYS[order]).where(Work.id == after))
    if value is None:
        raise InputError(
            "There is no such page of this list.", hint="Go back to its first page.", code="bad_cursor"
        )
    key, place = _KEYS[order], literal(value)
    beyond = key < place if order.startswith("-") else key > place
    return or_(beyond, and_(key == place, Work.id > after))
