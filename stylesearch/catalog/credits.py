"""From credits to artists: who is meant, by authority file or by name, made where nobody is known yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from stylesearch.catalog.artists import Artist, ArtistAlias
from stylesearch.catalog.records import Credit

IDENTIFIERS_LOCK = 4_702_117_533_201
"""Key of the lock under which artists are given identifiers, which are unique over all collections."""


@dataclass(frozen=True, slots=True)
class _Known:
    id: int
    name: str
    ulan_id: str | None
    wikidata_id: str | None

    def may_be(self, credit: Credit) -> bool:
        """Whether no authority file says that this is another of the same name."""
        pairs = ((self.ulan_id, credit.ulan_id), (self.wikidata_id, credit.wikidata_id))
        return all(ours is None or theirs is None or ours == theirs for ours, theirs in pairs)


class _Artists:
    """The artists that some credits may mean."""

    def __init__(self, session: Session, wanted: list[Credit]) -> None:
        rows = session.execute(
            select(Artist.id, Artist.name, Artist.ulan_id, Artist.wikidata_id).where(
                or_(
                    Artist.name.in_({credit.name for credit in wanted}),
                    Artist.ulan_id.in_({credit.ulan_id for credit in wanted if credit.ulan_id}),
                    Artist.wikidata_id.in_({credit.wikidata_id for credit in wanted if credit.wikidata_id}),
                )
            )
        )
        known = [_Known(*row) for row in rows]
        self._names = {one.name: one for one in known}
        self._ulan = {one.ulan_id: one for one in known if one.ulan_id}
        self._wikidata = {one.wikidata_id: one for one in known if one.wikidata_id}

    def find(self, credit: Credit) -> _Known | None:
        by_id = self._ulan.get(credit.ulan_id or "") or self._wikidata.get(credit.wikidata_id or "")
        if by_id is not None:
            return by_id
        by_name = self._names.get(credit.name)
        return by_name if by_name is not None and by_name.may_be(credit) else None

    def is_taken(self, name: str) -> bool:
        return name in self._names


def ensure_artists(session: Session, credits_: Iterable[Credit]) -> dict[Credit, int]:
    """Return the artist id of each credit.

    A ULAN or Wikidata id says who is meant, however the name is spelt; without one the name does. An artist who has no
    such id yet is given the credit's; one who has another is somebody else, and a new artist's name then tells the two
    apart. Other names become aliases.
    """
    wanted = sorted(set(credits_), key=_order)
    if not wanted:
        return {}
    if any(credit.ulan_id or credit.wikidata_id for credit in wanted):
        session.execute(select(func.pg_advisory_xact_lock(IDENTIFIERS_LOCK)))
    artists = _Artists(session, wanted)
    for distinguish in (False, True):  # the second time, who turned out to be another of the same name
        unknown = [credit for credit in wanted if artists.find(credit) is None]
        if unknown:
            _insert(session, unknown, distinguish=distinguish)
            artists = _Artists(session, wanted)
    found: dict[Credit, _Known] = {}
    for credit in wanted:
        artist = artists.find(credit)
        assert artist is not None, "every credit has been given an artist"
        found[credit] = artist
    _give_identifiers(session, found)
    _give_aliases(session, found)
    return {credit: artist.id for credit, artist in found.items()}


def _order(credit: Credit) -> tuple[str, ...]:
    # By name, so that two writers insert in the same order and wait for each other in turn.
    return credit.name, credit.ulan_id or "", credit.wikidata_id or "", repr(credit)


def _insert(session: Session, credits_: list[Credit], *, distinguish: bool) -> None:
    rows: dict[str, dict[str, str | None]] = {}
    for credit in credits_:
        name = _distinct_name(credit) if distinguish else credit.name
        values = {
            "name": name,
            "sort_name": name.casefold(),
            "ulan_id": credit.ulan_id,
            "wikidata_id": credit.wikidata_id,
        }
        # Of several credits of one name, the one that says most about who it is.
        if name not in rows or not (rows[name]["ulan_id"] or rows[name]["wikidata_id"]):
            rows[name] = values
    session.execute(insert(Artist).values(list(rows.values())).on_conflict_do_nothing())


def _distinct_name(credit: Credit) -> str:
    which = f"ULAN {credit.ulan_id}" if credit.ulan_id else f"Wikidata {credit.wikidata_id}"
    return f"{credit.name} ({which})"


def _give_identifiers(session: Session, found: dict[Credit, _Known]) -> None:
    """Give artists the identifiers that they lack; one that is another artist's already stays there."""
    for column in ("ulan_id", "wikidata_id"):
        for credit, artist in found.items():
            value = getattr(credit, column)
            if value is not None and getattr(artist, column) is None:
                session.execute(
                    text(
                        f"UPDATE artist SET {column} = :value WHERE id = :id AND {column} IS NULL"
                        f" AND NOT EXISTS (SELECT FROM artist AS other WHERE other.{column} = :value)"
                    ),
                    {"value": value, "id": artist.id},
                )


def _give_aliases(session: Session, found: dict[Credit, _Known]) -> None:
    rows = sorted(
        {
            (artist.id, name)
            for credit, artist in found.items()
            for name in (credit.name, *credit.aliases)
            if name and name != artist.name
        }
    )
    if rows:
        session.execute(
            insert(ArtistAlias)
            .values([{"artist_id": artist_id, "name": name} for artist_id, name in rows])
            .on_conflict_do_nothing()
        )
