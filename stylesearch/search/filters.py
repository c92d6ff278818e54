"""Each filter as SQL and as a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, text
from sqlalchemy.orm import Session

from stylesearch.catalog.artists import Artist, ArtistAlias, WorkArtist
from stylesearch.catalog.collections import find_collection, license_named
from stylesearch.catalog.rights import License
from stylesearch.catalog.works import Work
from stylesearch.errors import NotFoundError
from stylesearch.search.query import Filters

REUSE_WORDS = {
    "open": "openly licensed",
    "restricted": "with restricted reuse",
    "permission": "by permission only",
}


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition on ``work`` and what it says."""

    sql: ColumnElement[bool]
    sentence: str


def visible() -> ColumnElement[bool]:
    """Return the condition that every query carries: a withdrawn work is neither shown nor counted."""
    return Work.withdrawn_at.is_(None)


def clauses(session: Session, filters: Filters) -> list[Clause]:
    """Return the clauses of some filters.

    Raises
    ------
    NotFoundError, InputError
        If an artist, a licence or a collection is unknown; with what there is instead.
    """
    found: list[Clause] = []
    if filters.artist:
        ids = [artist_id for name in filters.artist for artist_id in _artist_ids(session, name)]
        found.append(Clause(_by_artist(ids), f"by {_alternatives(filters.artist)}"))
    if filters.artist_not:
        ids = [artist_id for name in filters.artist_not for artist_id in _artist_ids(session, name)]
        found.append(Clause(~_by_artist(ids), f"not by {_alternatives(filters.artist_not)}"))
    if filters.collection:
        collections = [find_collection(session, slug) for slug in filters.collection]
        found.append(
            Clause(
                Work.collection_id.in_([one.id for one in collections]),
                f"from {_alternatives([one.title for one in collections])}",
            )
        )
    if filters.license:
        licenses = [license_named(session, statement) for statement in filters.license]
        found.append(
            Clause(
                Work.image_license_id.in_([one.id for one in licenses]),
                f"under {_alternatives([one.label for one in licenses])}",
            )
        )
    if filters.reuse:
        of_class = select(License.id).where(License.reuse.in_(filters.reuse))
        words = _alternatives([REUSE_WORDS[name] for name in filters.reuse])
        found.append(Clause(Work.image_license_id.in_(of_class), words))
    found += _year_clauses(filters)
    if filters.medium:
        found.append(
            Clause(
                func.lower(Work.medium).in_([name.lower() for name in filters.medium]),
                f"in {_alternatives(filters.medium)}",
            )
        )
    if filters.keyword:
        keywords = [word.lower() for word in filters.keyword]
        found.append(Clause(Work.keywords.contains(keywords), f"about {' and '.join(filters.keyword)}"))
    return found


def sentence(found: list[Clause]) -> str:
    """Return some clauses as one sentence: "Works by X, openly licensed"."""
    if not found:
        return "All works"
    return "Works " + ", ".join(clause.sentence for clause in found)


def _year_clauses(filters: Filters) -> list[Clause]:
    start, end = filters.year_from, filters.year_to
    if start is None and end is None:
        return []
    conditions = []
    if start is not None:
        conditions.append(func.coalesce(Work.year_to, Work.year_from) >= start)
    if end is not None:
        conditions.append(func.coalesce(Work.year_from, Work.year_to) <= end)
    if start is None:
        words = f"made in {end} or earlier"
    elif end is None:
        words = f"made in {start} or later"
    else:
        words = f"made from {start} to {end}" if start != end else f"made in {start}"
    return [Clause(and_(*conditions), words)]


def _by_artist(ids: list[int]) -> ColumnElement[bool]:
    return exists().where(WorkArtist.work_id == Work.id, WorkArtist.artist_id.in_(ids))


def _artist_ids(session: Session, name: str) -> list[int]:
    aliases = select(ArtistAlias.artist_id).where(ArtistAlias.name == name)
    ids = list(session.scalars(select(Artist.id).where(or_(Artist.name == name, Artist.id.in_(aliases)))))
    if ids:
        return ids
    near = list(
        session.scalars(
            select(Artist.name)
            .where(text("artist.name % :name"))
            .order_by(text("similarity(artist.name, :name) DESC"), Artist.name)
            .limit(5)
            .params(name=name)
        )
    )
    hint = f"Did you mean: {', '.join(near)}?" if near else "Names are matched whole, as credited."
    raise NotFoundError(f"There is no artist {name!r} here.", hint=hint, code="unknown_artist")


def _alternatives(words: tuple[str, ...] | list[str]) -> str:
    return " or ".join(words)
