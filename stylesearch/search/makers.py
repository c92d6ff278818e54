"""Artists of whom there are works to be seen, by name, under a filter on their works."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from stylesearch.catalog.access import Access
from stylesearch.catalog.artists import Artist, ArtistAlias, WorkArtist
from stylesearch.catalog.database import Database
from stylesearch.catalog.works import Work
from stylesearch.errors import InputError
from stylesearch.search.clauses import clause, visible_conditions
from stylesearch.search.filters import EVERYTHING, Filter

BATCH = 500
"""Artists that are read at a time where all are wanted."""


@dataclass(frozen=True, slots=True)
class Maker:
    """An artist; ``works`` is how many of the works that were asked for are credited to them."""

    artist: Artist
    works: int


def list_makers(
    session: Session,
    where: Filter = EVERYTHING,
    *,
    name: str | None = None,
    limit: int,
    after: int | None = None,
    access: Access = Access.EVERYBODY,
) -> list[Maker]:
    """Return artists by their sort names.

    Parameters
    ----------
    where:
        Only artists of works that it lets through; only these works are counted.
    name:
        Part of a name or an alias.
    after:
        Id of the artist to go on behind.

    Raises
    ------
    InputError, NotFoundError
        ``bad_cursor`` if there is no artist of the id to go on behind; or if a filter names something unknown.
    """
    credited = _credited(session, where, access)
    if credited is None:
        return []
    number = (
        select(func.count(WorkArtist.work_id.distinct())).where(*credited).correlate(Artist).scalar_subquery()
    )
    statement: Select[Any] = (
        select(Artist, number)
        .where(exists().where(*credited).correlate(Artist))
        .order_by(Artist.sort_name, Artist.id)
        .limit(limit)
    )
    if name is not None:
        statement = statement.where(_named(name))
    if after is not None:
        statement = statement.where(_behind(session, after))
    return [Maker(artist, works) for artist, works in session.execute(statement)]


def count_makers(
    session: Session,
    where: Filter = EVERYTHING,
    *,
    name: str | None = None,
    access: Access = Access.EVERYBODY,
) -> int:
    """Return how many artists :func:`list_makers` has in all. Errors likewise."""
    credited = _credited(session, where, access)
    if credited is None:
        return 0
    counted = select(func.count()).select_from(Artist).where(exists().where(*credited).correlate(Artist))
    return session.scalar(counted if name is None else counted.where(_named(name))) or 0


def every_maker(
    database: Database,
    where: Filter = EVERYTHING,
    *,
    name: str | None = None,
    after: int | None = None,
    access: Access = Access.EVERYBODY,
) -> Iterator[Maker]:
    """Yield all artists of :func:`list_makers`, each batch in a transaction of its own. Errors likewise."""
    while True:
        with database.session() as session:
            makers = list_makers(session, where, name=name, limit=BATCH, after=after, access=access)
        yield from makers
        if len(makers) < BATCH:
            return
        after = makers[-1].artist.id


def _credited(session: Session, where: Filter, access: Access) -> list[ColumnElement[bool]] | None:
    """Return the conditions that tie an artist to works that may be seen; ``None`` where there can be none."""
    asked = clause(session, where, access)
    if asked.impossible:
        return None
    return [
        WorkArtist.artist_id == Artist.id,
        WorkArtist.work_id == Work.id,
        *visible_conditions([asked], access),
    ]


def _named(name: str) -> ColumnElement[bool]:
    aliases = select(ArtistAlias.artist_id).where(ArtistAlias.name.icontains(name, autoescape=True))
    return or_(Artist.name.icontains(name, autoescape=True), Artist.id.in_(aliases))


def _behind(session: Session, after: int) -> ColumnElement[bool]:
    sort_name = session.scalar(select(Artist.sort_name).where(Artist.id == after))
    if sort_name is None:
        raise InputError(
            "There is no such page of this list.", hint="Go back to its first page.", code="bad_cursor"
        )
    return or_(Artist.sort_name > sort_name, and_(Artist.sort_name == sort_name, Artist.id > after))
