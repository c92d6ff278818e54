"""From a source's fields to a record of the catalogue: lenient in what is read, strict in what comes out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from stylesearch.catalog.licenses import recognise
from stylesearch.catalog.records import Credit, WorkRecord
from stylesearch.ingest.metadata import attribution, dates
from stylesearch.ingest.metadata.values import (
    MOST_VALUES,
    listed,
    plain_and_links,
    storable,
    texts,
    web_address,
)

MOST_CREDITS = 50
MOST_GATHERED = 1000
"""Of one field, before doubles are left out; who lists more is not in earnest."""
MOST_KEYWORDS = 200
LARGEST_EXTRA = 64 * 1024
"""In characters of JSON; of larger ones, the values that do not fit are left out."""
_ADDRESS = re.compile(r"https?://[^\s<>\"'()\[\]]+", re.IGNORECASE)


@dataclass
class Gathering:
    """The values of a work's fields as they are found, in the order of preference."""

    values: dict[str, list[str]] = field(default_factory=dict)
    credits: list[Credit] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, value: object) -> None:
        """Add one or several values of a field, named as in :class:`WorkRecord`.

        ``artist`` and ``contributor`` are read as people. A value may be text, a number, an object with a name, as
        schema.org writes it, or a list of these.
        """
        for one in listed(value):
            text, links = _named(one) if isinstance(one, Mapping) else plain_and_links(one)
            if name in ("artist", "contributor"):
                others = texts(one.get("alternateName")) if isinstance(one, Mapping) else []
                role = "creator" if name == "artist" else "contributor"
                self.credit(text, role=role, links=links, aliases=tuple(others))
            elif text is not None and len(self.values.get(name, ())) < MOST_GATHERED:
                self.values.setdefault(name, []).extend(
                    [*links, text] if name.endswith(("_rights", "_url")) else [text]
                )

    def credit(
        self, text: str | None, *, role: str = "creator", links: Iterable[str] = (), **changes: Any
    ) -> None:
        """Add somebody's part in the work.

        Parameters
        ----------
        text:
            The name, perhaps with a qualifier.
        links:
            Addresses that stand with the name; those of ULAN and Wikidata say who it is.
        changes:
            What else is known, as fields of :class:`Credit`.
        """
        credit = attribution.read_credit(text, role=role) if len(self.credits) < MOST_GATHERED else None
        if credit is None:
            return
        if text != credit.name:
            self.note("credited_as", text)
        known: dict[str, Any] = {name: value for name, value in changes.items() if value}
        for link in links:
            known["ulan_id"] = known.get("ulan_id") or attribution.ulan_id(link)
            known["wikidata_id"] = known.get("wikidata_id") or attribution.wikidata_id(link)
        self.credits.append(replace(credit, **{name: value for name, value in known.items() if value}))

    def note(self, name: str, value: object) -> None:
        """Keep what the catalogue has no field for; several values of one name become a list."""
        value = storable(value)
        if value is None or value == self.extra.get(name):
            return
        if name in self.extra:
            before = self.extra[name]
            kept = before if isinstance(before, list) else [before]
            self.extra[name] = [*kept, value] if len(kept) < MOST_VALUES else kept
        else:
            self.extra[name] = value

    def record(self) -> WorkRecord:
        """Return the record: every text tidy and of a length that can be stored."""
        titles = self._all("title")
        date_text, year_from, year_to = self._date()
        if titles[1:]:
            self.note("other_titles", titles[1:])
        return WorkRecord(
            title=titles[0] if titles else "",
            description=self._joined("description", " "),
            credits=tuple(_merged(self.credits))[:MOST_CREDITS],
            date_text=date_text,
            year_from=year_from,
            year_to=year_to,
            medium=self._joined("medium", ", "),
            movement=self._joined("movement", ", "),
            period=self._joined("period", ", "),
            object_type=self._joined("object_type", ", "),
            keywords=tuple(dict.fromkeys(word.lower() for word in self._all("keywords")))[:MOST_KEYWORDS],
            source_url=next(filter(None, map(web_address, self._all("source_url"))), None),
            work_rights=best_rights(self._all("work_rights")),
            image_rights=best_rights(self._all("image_rights")),
            credit_line=self._joined("credit_line", " "),
            extra=fitting(self.extra),
        ).clipped()

    def _all(self, name: str) -> list[str]:
        return list(dict.fromkeys(self.values.get(name, ())))

    def _joined(self, name: str, glue: str) -> str | None:
        return glue.join(self._all(name)) or None

    def _date(self) -> tuple[str | None, int | None, int | None]:
        """Return the date: the first that has years in it, else the first; years of their own fields come before."""
        stated = self._all("date_text")
        date_text = next((one for one in stated if dates.read_years(one)[0] is not None), None)
        date_text = date_text or next(iter(stated), None)
        year_from, year_to = dates.read_years(date_text)
        begin = [year for one in self._all("year_from") if (year := dates.read_year(one)) is not None]
        end = [year for one in self._all("year_to") if (year := dates.read_year(one)) is not None]
        if begin or end:
            year_from, year_to = min(begin or end), max(end or begin)
        if year_from is not None and year_to is not None and year_from > year_to:
            year_from, year_to = None, None
        return date_text, year_from, year_to


def _named(value: Mapping[str, Any]) -> tuple[str | None, list[str]]:
    """Return what an object of JSON-LD is called, and its addresses."""
    names = (texts(value.get(key)) for key in ("name", "@value", "value", "label", "title", "@id", "id"))
    links = [
        text for key in ("@id", "id", "url", "sameAs", "ulan", "wikidata") for text in texts(value.get(key))
    ]
    return next((found[0] for found in names if found), None), links


def _merged(credits_: Iterable[Credit]) -> Iterable[Credit]:
    """Join credits of one name and part: what one lacks, the other may say."""
    found: dict[tuple[str, str, str | None], Credit] = {}
    for credit in credits_:
        key = (credit.name, credit.role, credit.qualifier)
        before = found.setdefault(key, credit)
        found[key] = replace(
            before,
            aliases=tuple(dict.fromkeys((*before.aliases, *credit.aliases))),
            ulan_id=before.ulan_id or credit.ulan_id,
            wikidata_id=before.wikidata_id or credit.wikidata_id,
        )
    return found.values()


def best_rights(statements: Sequence[str]) -> str | None:
    """Return the rights statement that says most: one that the catalogue knows, else an address, else the first.

    An address may stand within a sentence, as in ``Licensed under https://creativecommons.org/licenses/by/4.0/.``
    """
    addresses: list[str] = [match.rstrip(".,;") for one in statements for match in _ADDRESS.findall(one)]
    for statement in (*statements, *addresses):
        if recognise(statement) is not None:
            return statement
    whole = [address for one in statements if (address := web_address(one)) is not None]
    return next(iter([*whole, *statements]), None)


def fitting(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return further values as far as they fit the catalogue: fit for JSON, and not too large together."""
    kept: dict[str, Any] = {}
    room = LARGEST_EXTRA
    for name, value in (storable(extra) or {}).items():
        room_after = room - len(json.dumps({name: value}, ensure_ascii=False))
        if room_after >= 0:
            kept[name] = value
            room = room_after
    return kept


def from_fields(values: Mapping[str, object], fields: Mapping[str, str]) -> Gathering:
    """Gather the values of an object whose keys have been mapped.

    Parameters
    ----------
    values:
        Name to value.
    fields:
        Name to the field it stands for; what is not mapped is kept as it is.
    """
    gathering = Gathering()
    ulan = next(
        filter(
            None,
            (attribution.ulan_id(_one(values, name), source="ulan") for name in _of(fields, "artist_ulan")),
        ),
        None,
    )
    wikidata = next(
        filter(
            None,
            (
                attribution.wikidata_id(_one(values, name), source="wikidata")
                for name in _of(fields, "artist_wikidata")
            ),
        ),
        None,
    )
    for name, value in values.items():
        target = fields.get(name)
        if target is None:
            gathering.note(name, value)
        elif target not in ("id", "image", "version", "qualifier", "artist_ulan", "artist_wikidata"):
            gathering.add(target, value)
    _qualify(gathering, [text for name in _of(fields, "qualifier") for text in texts(values.get(name))])
    creators = [number for number, credit in enumerate(gathering.credits) if credit.role == "creator"]
    if len(creators) == 1:  # of several, nobody can say whose the identifier is
        only = gathering.credits[creators[0]]
        gathering.credits[creators[0]] = replace(
            only, ulan_id=only.ulan_id or ulan, wikidata_id=only.wikidata_id or wikidata
        )
    return gathering


def _qualify(gathering: Gathering, stated: Sequence[str]) -> None:
    for text in stated[:1]:
        qualifier = attribution.read_qualifier(text)
        if qualifier is None:
            gathering.note("qualifier", text)
        else:
            gathering.credits = [
                replace(credit, qualifier=credit.qualifier or qualifier)
                if credit.role == "creator"
                else credit
                for credit in gathering.credits
            ]


def _of(fields: Mapping[str, str], target: str) -> list[str]:
    return [name for name, field_ in fields.items() if field_ == target]


def _one(values: Mapping[str, object], name: str) -> str | None:
    return next(iter(texts(values.get(name))), None)
