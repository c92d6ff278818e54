"""A filter as SQL and as a sentence, with the names in it looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import reduce
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, func, literal_column, or_, select, text, true
from sqlalchemy.orm import Session

from stylesearch.catalog.access import Access, visible
from stylesearch.catalog.artists import Artist, ArtistAlias, WorkArtist
from stylesearch.catalog.collections import find_collection, license_named
from stylesearch.catalog.maps import MapPoint, StyleMap
from stylesearch.catalog.rights import License
from stylesearch.catalog.works import Image, Work
from stylesearch.errors import NotFoundError
from stylesearch.search.among import Among
from stylesearch.search.conditions import (
    LANGUAGES,
    NAMED_FIELDS,
    OWN,
    UNKNOWN,
    ByArtist,
    Condition,
    FromCollection,
    HasImage,
    Ingested,
    Keyworded,
    Licensed,
    Made,
    Named,
    OnMap,
    Qualified,
    Reusable,
    Says,
)
from stylesearch.search.filters import EVERYTHING, NOTHING, All, Filter, Not, contradicts_itself

REUSE_WORDS = {
    "open": "openly licensed",
    "restricted": "with restricted reuse",
    "permission": "by permission only",
    UNKNOWN: "with rights that are not stated",
}
_NAMED_LEADS = {
    "period": "of the period",
    "medium": "in",
    "movement": "of the movement",
    "type": "of the type",
}
_LANGUAGE_WORDS = {code: name.capitalize() for code, name in LANGUAGES.items()}
MOST_IDS = 1000
"""A reuse class of more licences than these is looked up by the database."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition on ``work`` and what it says.

    Attributes
    ----------
    lead, words:
        Its sentence in two parts, ``by`` and ``Jane Doe``; clauses of one lead are told together.
    joined:
        ``and`` or ``or`` where several parts are told in it.
    among:
        The same condition as a set of ids, where it is one.
    """

    sql: ColumnElement[bool]
    lead: str
    words: str
    joined: str = ""
    among: Among | None = None

    @property
    def phrase(self) -> str:
        """What it says, without a beginning."""
        return f"{self.lead} {self.words}".strip()

    @property
    def impossible(self) -> bool:
        """Whether it is known that nothing is let through, whatever works there are."""
        return self.among.empty if self.among is not None else isinstance(self.sql, type(false()))

    @property
    def everything(self) -> bool:
        """Whether every work is let through."""
        return isinstance(self.sql, type(true()))

    @property
    def sentence(self) -> str:
        """What it says of works: "Works by X, openly licensed"."""
        if self.everything:
            return "All works"
        return f"Works {self.phrase}" if self.phrase else "No works"


def clause(session: Session, part: Filter, access: Access = Access.EVERYBODY) -> Clause:
    """Return a filter as SQL and as words.

    A work of which something is not known is let through by *not* and by nothing else.

    Raises
    ------
    NotFoundError, InputError
        If an artist, a licence or a collection is unknown, or not to be seen; with what there is instead.
    """
    if part == EVERYTHING:
        return Clause(true(), "", "")
    if part == NOTHING:
        return Clause(false(), "", "")
    if isinstance(part, Condition):
        return _OF_CONDITION[type(part)](session, part, access)
    if isinstance(part, Not):
        return _negated(clause(session, part.part, access))
    found = [clause(session, one, access) for one in part.parts]
    if isinstance(part, All):
        whole = _all(found)
        return replace(whole, sql=false()) if contradicts_itself(part) else whole
    return _either(found)


def _all(found: list[Clause]) -> Clause:
    """Join clauses that hold together: sets of ids of one column become one set."""
    sets: dict[str, Among] = {}
    for one in found:
        if one.among is not None:
            key = one.among.column.key
            sets[key] = sets[key] & one.among if key in sets else one.among
    if any(one.impossible for one in found) or any(one.empty for one in sets.values()):
        sql: ColumnElement[bool] = false()
    else:
        sql = and_(*(one.sql for one in found if one.among is None), *(one.sql for one in sets.values()))
    return Clause(sql, "", ", ".join(_told(found, "and")), joined="and")


def _either(found: list[Clause]) -> Clause:
    possible = [one for one in found if not one.impossible]
    leads = {one.lead for one in found}
    told = _told(found, "or")
    lead, words = (
        (found[0].lead, told[0].removeprefix(found[0].lead).strip())
        if len(told) == 1
        else ("", " or ".join(told))
    )
    sets = [one.among for one in possible if one.among is not None]
    among = None
    if sets and len(sets) == len(possible) and len({one.column.key for one in sets}) == 1:
        among = reduce(Among.__or__, sets)
    sql: ColumnElement[bool] = false()
    if possible:
        sql = among.sql if among is not None else or_(*(one.sql for one in possible))
    return Clause(sql, lead if len(leads) == 1 else "", words, joined="or", among=among)


def _negated(one: Clause) -> Clause:
    # What is not known is not so; in SQL it would be neither.
    sql = (~one.among).sql if one.among is not None else one.sql.is_not(true())
    words = one.phrase if one.joined in ("", "or") and (one.lead or not one.joined) else f"({one.phrase})"
    among = ~one.among if one.among is not None else None
    return Clause(sql, "", f"not {words}", among=among)


def _told(found: list[Clause], word: str) -> list[str]:
    """Return the phrases of clauses; those of one lead are one phrase, those that are joined otherwise in parentheses."""
    by_lead: dict[str, list[str]] = {}
    for number, one in enumerate(found):
        single = one.lead and not one.joined
        key = one.lead if single else f"\0{number}"
        other = one.joined not in ("", word) and not one.lead and word == "or"
        by_lead.setdefault(key, []).append(
            one.words if single else f"({one.phrase})" if other else one.phrase
        )
    return [
        f"{lead} {f' {word} '.join(words)}" if not lead.startswith("\0") else words[0]
        for lead, words in by_lead.items()
    ]


def _by_artist(session: Session, one: ByArtist, access: Access) -> Clause:
    credited = WorkArtist.artist_id.in_(artist_ids(session, one.name, access))
    if one.qualifier is None:
        return Clause(_credited(credited), "by", one.name)
    if one.qualifier == OWN:
        return Clause(_credited(credited, WorkArtist.qualifier.is_(None)), "outright by", one.name)
    as_credited = f"“{one.qualifier} {one.name}”"
    return Clause(_credited(credited, WorkArtist.qualifier == one.qualifier), "credited as", as_credited)


def _credited(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(WorkArtist.work_id == Work.id, *conditions).correlate(Work)


def _qualified(_session: Session, one: Qualified, _access: Access) -> Clause:
    return Clause(
        _credited(WorkArtist.qualifier == one.qualifier), "credited as", f"“{one.qualifier}” somebody"
    )


def _licensed(session: Session, one: Licensed, _access: Access) -> Clause:
    found = license_named(session, one.statement)
    among = Among(Work.image_license_id, frozenset([found.id]))
    return Clause(among.sql, "under", found.label, among=among)


def _reusable(session: Session, one: Reusable, _access: Access) -> Clause:
    words = REUSE_WORDS[one.kind]
    if one.kind == UNKNOWN:
        among = Among(Work.image_license_id, frozenset([None]))
        return Clause(among.sql, "", words, among=among)
    of_class = select(License.id).where(License.reuse == one.kind)
    ids = list(session.scalars(of_class.limit(MOST_IDS + 1)))
    if len(ids) > MOST_IDS:
        return Clause(Work.image_license_id.in_(of_class), "", words)
    among = Among(Work.image_license_id, frozenset(ids))
    return Clause(among.sql, "", words, among=among)


def _from_collection(session: Session, one: FromCollection, access: Access) -> Clause:
    found = find_collection(session, one.slug, access)
    among = Among(Work.collection_id, frozenset([found.id]))
    return Clause(among.sql, "from", found.title, among=among)


def _made(_session: Session, one: Made, _access: Access) -> Clause:
    if one.start is None:
        words = f"made in {one.end} or earlier"
    elif one.end is None:
        words = f"made in {one.start} or later"
    else:
        words = f"made from {one.start} to {one.end}" if one.start != one.end else f"made in {one.start}"
    return Clause(Work.years.bool_op("&&")(func.int8range(one.start, one.end, "[]")), "", words)


def _named(_session: Session, one: Named, _access: Access) -> Clause:
    column = getattr(Work, NAMED_FIELDS[one.kind])
    return Clause(func.lower(column) == func.lower(one.name), _NAMED_LEADS[one.kind], one.name)


def _keyworded(_session: Session, one: Keyworded, _access: Access) -> Clause:
    return Clause(Work.keywords.contains([one.word]), "about", one.word)


def _says(_session: Session, one: Says, _access: Access) -> Clause:
    stems = LANGUAGES.values() if one.language is None else [LANGUAGES[one.language]]
    # A word counts as it stands, too: one that is too common in a language to be indexed may be a name in another.
    queries: list[ColumnElement[Any]] = [
        func.websearch_to_tsquery(literal_column(f"'pg_catalog.{name}'::regconfig"), one.words)
        for name in ("simple", *stems)
    ]
    shown = one.words if one.words.count('"') != 2 else one.words.strip('"')
    told = f"“{shown}”" + (f" in {_LANGUAGE_WORDS[one.language]}" if one.language else "")
    wanted = reduce(lambda left, right: left.op("||")(right), queries)
    return Clause(Work.words.bool_op("@@")(wanted.self_group()), "that say", told)


def _has_image(_session: Session, _one: HasImage, _access: Access) -> Clause:
    return Clause(exists().where(Image.work_id == Work.id).correlate(Work), "with", "an image")


def _ingested(_session: Session, one: Ingested, _access: Access) -> Clause:
    bounds: list[ColumnElement[bool]] = []
    if one.start is not None:
        bounds.append(Work.created_at >= datetime.combine(one.start, time(), UTC))
    if one.end is not None:
        bounds.append(Work.created_at < datetime.combine(one.end, time(), UTC) + timedelta(days=1))
    if one.start is None:
        words = f"taken in on {one.end} or earlier"
    elif one.end is None:
        words = f"taken in on {one.start} or later"
    else:
        words = (
            f"taken in from {one.start} to {one.end}" if one.start != one.end else f"taken in on {one.start}"
        )
    return Clause(and_(*bounds), "", words)


def _on_map(session: Session, one: OnMap, _access: Access) -> Clause:
    if session.get(StyleMap, one.map) is None:
        raise NotFoundError(
            "The style map has been drawn anew since this part of it was chosen.",
            hint="Choose a part of the map as it is now.",
            code="unknown_map",
        )
    part = one.region
    inside = exists().where(
        MapPoint.work_id == Work.id,
        MapPoint.map_id == one.map,
        MapPoint.x.between(part.left, part.left + part.width - 1),
        MapPoint.y.between(part.top, part.top + part.height - 1),
    )
    return Clause(inside.correlate(Work), "in", "a part of the style map")


_OF_CONDITION: dict[type[Condition], Callable[[Session, Any, Access], Clause]] = {
    ByArtist: _by_artist,
    Qualified: _qualified,
    Licensed: _licensed,
    Reusable: _reusable,
    FromCollection: _from_collection,
    Made: _made,
    Named: _named,
    Keyworded: _keyworded,
    Says: _says,
    HasImage: _has_image,
    Ingested: _ingested,
    OnMap: _on_map,
}


def artist_ids(session: Session, name: str, access: Access) -> list[int]:
    """Return the ids of the artists of a name or alias, of whom there is a work that may be seen.

    Raises
    ------
    NotFoundError
        ``unknown_artist``, with names that are near.
    """
    seen = (
        exists()
        .where(WorkArtist.artist_id == Artist.id, WorkArtist.work_id == Work.id, visible(access))
        .correlate(Artist)
    )
    aliases = select(ArtistAlias.artist_id).where(ArtistAlias.name == name)
    ids = list(
        session.scalars(select(Artist.id).where(or_(Artist.name == name, Artist.id.in_(aliases)), seen))
    )
    if ids:
        return ids
    near = session.scalars(
        select(Artist.name)
        .where(text("artist.name % :name"), seen)
        .order_by(text("similarity(artist.name, :name) DESC"), Artist.name)
        .limit(5)
        .params(name=name)
    ).all()
    hint = f"Did you mean: {', '.join(near)}?" if near else "Names are matched whole, as credited."
    raise NotFoundError(f"There is no artist {name!r} here.", hint=hint, code="unknown_artist")


def visible_conditions(found: Iterable[Clause], access: Access) -> list[ColumnElement[bool]]:
    """Return what stands behind WHERE: that a work may be seen, and what filters ask."""
    return [visible(access), *(one.sql for one in found if not one.everything)]
