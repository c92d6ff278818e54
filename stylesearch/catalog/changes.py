"""When works changed, for those who keep a copy of the catalogue: withdrawn ones are among them, by their ids alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session

from stylesearch.catalog.access import Access, open_to
from stylesearch.catalog.works import Collection, Image, Work


@dataclass(frozen=True, slots=True)
class Change:
    """The latest change of a work.

    Attributes
    ----------
    image_id:
        Of its first image; ``None`` for a work that was withdrawn.
    at:
        When it was changed or withdrawn.
    """

    work_id: int
    collection: str
    at: datetime
    withdrawn: bool
    image_id: int | None


@dataclass(frozen=True, slots=True)
class Span:
    """Which changes are meant.

    Attributes
    ----------
    since, before:
        Bounds of the time; the latter is not within.
    collection:
        Slug of the only collection.
    """

    since: datetime | None = None
    before: datetime | None = None
    collection: str | None = None


def list_changes(
    session: Session,
    span: Span,
    *,
    limit: int,
    after: int | None = None,
    work_id: int | None = None,
    access: Access = Access.EVERYBODY,
) -> list[Change]:
    """Return changes in the order of the works' ids.

    Works with an image, and those that were withdrawn, of collections that may be seen. A work that changes while a list
    is gone through keeps its place in it, and is in the next list, of what came later.

    Parameters
    ----------
    after:
        Id of the work to go on behind.
    work_id:
        The only work.
    """
    first = select(Image.id).where(Image.work_id == Work.id).order_by(Image.id).limit(1)
    image = first.correlate(Work).scalar_subquery()
    statement = _within(
        select(Work.id, Collection.slug, _moment(), Work.withdrawn_at.is_not(None), image), span, access
    )
    if after is not None:
        statement = statement.where(Work.id > after)
    if work_id is not None:
        statement = statement.where(Work.id == work_id)
    rows = session.execute(statement.order_by(Work.id).limit(limit))
    return [
        Change(number, slug, at, withdrawn, None if withdrawn else image_id)
        for number, slug, at, withdrawn, image_id in rows
    ]


def count_changes(session: Session, span: Span, access: Access = Access.EVERYBODY) -> int:
    """Return how many changes :func:`list_changes` has in all."""
    return session.scalar(_within(select(func.count()), span, access)) or 0


def earliest_change(session: Session, access: Access = Access.EVERYBODY) -> datetime | None:
    """Return the time of the first change of all."""
    earliest: datetime | None = session.scalar(_within(select(func.min(_moment())), Span(), access))
    return earliest


def _moment() -> ColumnElement[datetime]:
    moment: ColumnElement[datetime] = func.greatest(Work.updated_at, Work.withdrawn_at)
    return moment


def _within(statement: Select[Any], span: Span, access: Access) -> Select[Any]:
    has_image = exists().where(Image.work_id == Work.id).correlate(Work)
    found = (
        statement.select_from(Work)
        .join(Collection, Collection.id == Work.collection_id)
        .where(or_(Work.withdrawn_at.is_not(None), has_image), open_to(access))
    )
    if span.since is not None:
        found = found.where(_moment() >= span.since)
    if span.before is not None:
        found = found.where(_moment() < span.before)
    if span.collection is not None:
        found = found.where(Collection.slug == span.collection)
    return found
