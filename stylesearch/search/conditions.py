"""The conditions that a filter is made of, each about one thing; their JSON, and how they are written in a query."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, TypeVar

from stylesearch.catalog.artists import QUALIFIERS
from stylesearch.catalog.maps import SIZE
from stylesearch.catalog.records import EARLIEST_YEAR, LATEST_YEAR, LONGEST, LONGEST_NAME, tidy
from stylesearch.catalog.rights import REUSE_CLASSES
from stylesearch.errors import InputError
from stylesearch.search.examples import LARGEST_ID, Region

OWN = "own"
"""Stands for a credit without a qualifier: the work is the artist's, outright."""

UNKNOWN = "unknown"
"""Stands for the reuse class of works whose image's rights are not stated in words that the catalogue knows."""

LANGUAGES = {
    "en": "english", "de": "german", "fr": "french", "it": "italian", "es": "spanish", "nl": "dutch",
}  # fmt: skip
"""Languages whose inflections a search for words sees through, by their codes, as PostgreSQL calls them."""

NAMED_FIELDS = {"period": "period", "medium": "medium", "movement": "movement", "type": "object_type"}
"""Fields that are compared whole, as a query names them, with the columns of ``work``."""

LONGEST_WORDS = 500
Bound = TypeVar("Bound", int, date)


class Condition:
    """One condition on a work. Equal conditions are equal objects."""

    __slots__ = ()

    @property
    def field(self) -> str:
        """Its field in a written query."""
        raise NotImplementedError

    @property
    def value(self) -> str:
        """Its value in a written query, without quotation marks."""
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, for :func:`condition_from_json`."""
        return {self.field: self.value}


@dataclass(frozen=True, slots=True)
class ByArtist(Condition):
    """Credited to an artist, by whole name or alias.

    Attributes
    ----------
    qualifier:
        Only with this attribution qualifier, or :data:`OWN` for only without any; by default either.
    """

    name: str
    qualifier: str | None = None

    def __post_init__(self) -> None:
        _set(self, "name", _text(self.name, "artist", LONGEST_NAME))
        if self.qualifier is not None:
            _one_of(self.qualifier, (OWN, *QUALIFIERS), "attribution qualifier", "unknown_qualifier")

    @property
    def field(self) -> str:
        return f"artist-{self.qualifier.replace(' ', '-')}" if self.qualifier else "artist"

    @property
    def value(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Qualified(Condition):
    """Credited to anybody with an attribution qualifier."""

    qualifier: str

    field = "qualifier"

    def __post_init__(self) -> None:
        _set(self, "qualifier", self.qualifier.replace("-", " "))
        _one_of(self.qualifier, QUALIFIERS, "attribution qualifier", "unknown_qualifier")

    @property
    def value(self) -> str:
        return self.qualifier.replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Licensed(Condition):
    """Whose image is under a licence, named by URI, SPDX id or common name."""

    statement: str

    field = "license"

    def __post_init__(self) -> None:
        _set(self, "statement", _text(self.statement, "license", LONGEST["source_url"]))

    @property
    def value(self) -> str:
        return self.statement


@dataclass(frozen=True, slots=True)
class Reusable(Condition):
    """Whose image's rights are of a reuse class, or :data:`UNKNOWN`."""

    kind: str

    field = "reuse"

    def __post_init__(self) -> None:
        _one_of(self.kind, (*REUSE_CLASSES, UNKNOWN), "reuse class", "unknown_reuse")

    @property
    def value(self) -> str:
        return self.kind


@dataclass(frozen=True, slots=True)
class FromCollection(Condition):
    """Of a collection, by slug."""

    slug: str

    field = "collection"

    def __post_init__(self) -> None:
        _set(self, "slug", _text(self.slug, "collection", LONGEST_NAME))

    @property
    def value(self) -> str:
        return self.slug


@dataclass(frozen=True, slots=True)
class Made(Condition):
    """Whose range of years meets this one, either end of which may be open; undated works never do."""

    start: int | None = None
    end: int | None = None

    field = "year"

    def __post_init__(self) -> None:
        for year in (self.start, self.end):
            if year is not None and not EARLIEST_YEAR <= year <= LATEST_YEAR:
                raise InputError(
                    f"The year {year} is out of range.", hint="Give a year such as 1890.", code="bad_year"
                )
        _in_order(self.start, self.end, "years", "bad_year")

    @property
    def value(self) -> str:
        return _range_text(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Named(Condition):
    """Whose period, medium, movement or object type is this, whole and without regard to case."""

    kind: str
    name: str

    def __post_init__(self) -> None:
        _one_of(self.kind, tuple(NAMED_FIELDS), "field", "unknown_filter")
        _set(self, "name", _text(self.name, self.kind, LONGEST["medium"]).lower())

    @property
    def field(self) -> str:
        return self.kind

    @property
    def value(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Keyworded(Condition):
    """With a keyword, whole and without regard to case."""

    word: str

    field = "keyword"

    def __post_init__(self) -> None:
        _set(self, "word", _text(self.word, "keyword", LONGEST_NAME).lower())

    @property
    def value(self) -> str:
        return self.word


@dataclass(frozen=True, slots=True)
class Says(Condition):
    """Whose title, description, keywords or other texts say some words, all of them, inflected or not.

    Attributes
    ----------
    words:
        Words; within quotation marks, they must stand side by side.
    language:
        The language whose inflections count, a code of :data:`LANGUAGES`; by default any of them.
    """

    words: str
    language: str | None = None

    def __post_init__(self) -> None:
        _set(self, "words", _text(self.words, "text", LONGEST_WORDS))
        if self.language is not None:
            _one_of(self.language, tuple(LANGUAGES), "language that is searched in", "unknown_language")

    @property
    def field(self) -> str:
        return f"text-{self.language}" if self.language else "text"

    @property
    def value(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True)
class HasImage(Condition):
    """Of which there is an image."""

    field = "has"
    value = "image"


@dataclass(frozen=True, slots=True)
class Ingested(Condition):
    """Taken in on one of some days, in universal time, first and last included; either end may be open."""

    start: date | None = None
    end: date | None = None

    field = "ingested"

    def __post_init__(self) -> None:
        _in_order(self.start, self.end, "days", "bad_date")

    @property
    def value(self) -> str:
        return _range_text(self.start, self.end)


@dataclass(frozen=True, slots=True)
class OnMap(Condition):
    """Lying in a part of a style map.

    Attributes
    ----------
    map:
        Number of the map: on another one, the same place means something else.
    region:
        The part, in steps from the upper left corner.
    """

    map: int
    region: Region

    field = "map"

    def __post_init__(self) -> None:
        self.region.check_inside(SIZE + 1, SIZE + 1)

    @property
    def value(self) -> str:
        return f"{self.map}@{self.region}"


def _set(condition: Condition, name: str, value: object) -> None:
    object.__setattr__(condition, name, value)


def _text(value: str, field: str, longest: int) -> str:
    tidied = tidy(value)
    if tidied is None or len(tidied) > longest:
        raise InputError(
            f"The value of {field} is {'empty' if tidied is None else f'longer than {longest} characters'}.",
            hint="Give another one.",
            code="bad_filter",
        )
    return tidied


def _one_of(value: str, known: tuple[str, ...], what: str, code: str) -> None:
    if value not in known:
        raise InputError(f"{value[:50]!r} is no {what}.", hint=f"Use one of: {', '.join(known)}.", code=code)


def _in_order(start: Bound | None, end: Bound | None, what: str, code: str) -> None:
    if start is None and end is None:
        raise InputError(f"A range of {what} needs at least one end.", hint="Give one.", code=code)
    if start is not None and end is not None and start > end:
        raise InputError(
            f"The {what} {start} to {end} are the wrong way round.", hint="Swap them.", code=code
        )


def _range_text(start: object, end: object) -> str:
    if start == end:
        return str(start)
    return f"{'' if start is None else start}..{'' if end is None else end}"


def _year(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,6}", text):
        raise InputError(f"{text[:20]!r} is no year.", hint="Give a year such as 1890.", code="bad_year")
    return int(text)


def _day(text: str) -> date:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InputError(f"{text[:20]!r} is no day.", hint="Write it like 2024-12-31.", code="bad_date")


def _range(text: str, read: Callable[[str], Bound]) -> tuple[Bound | None, Bound | None]:
    start, dots, end = text.partition("..")
    if not dots:
        return read(text), read(text)
    return read(start) if start else None, read(end) if end else None


def _license(value: str) -> Condition:
    return Reusable(value) if value in (*REUSE_CLASSES, UNKNOWN) else Licensed(value)


def _has(value: str) -> Condition:
    _one_of(value, (HasImage.value,), "thing that a work can have", "unknown_filter")
    return HasImage()


def _on_map(value: str) -> Condition:
    found = re.fullmatch(r"([0-9]{1,19})@([0-9,]{7,40})", value)
    if found is None or not 1 <= int(found[1]) <= LARGEST_ID:
        raise InputError(
            f"{value[:40]!r} is no part of a map.", hint="Choose a part on the style map.", code="bad_region"
        )
    return OnMap(int(found[1]), Region.parse(found[2]))


_READERS: dict[str, Callable[[str], Condition]] = {
    "artist": ByArtist,
    **{
        f"artist-{qualifier.replace(' ', '-')}": partial(ByArtist, qualifier=qualifier)
        for qualifier in (OWN, *QUALIFIERS)
    },
    "qualifier": Qualified,
    "collection": FromCollection,
    "license": _license,
    "reuse": Reusable,
    "year": lambda value: Made(*_range(value, _year)),
    **{kind: partial(Named, kind) for kind in NAMED_FIELDS},
    "keyword": Keyworded,
    "text": Says,
    **{f"text-{code}": partial(Says, language=code) for code in LANGUAGES},
    "has": _has,
    "ingested": lambda value: Ingested(*_range(value, _day)),
    "map": _on_map,
}

FIELDS = tuple(_READERS)
"""Every field of a query, in the order in which conditions are told and written."""


def condition(field: str, value: str) -> Condition:
    """Return the condition that a field's value stands for.

    Raises
    ------
    InputError
        ``unknown_filter`` if there is no such field; otherwise, if the value cannot be used.
    """
    reader = _READERS.get(field)
    if reader is None:
        raise InputError(
            f"There is no filter {field[:50]!r}.",
            hint=f"Filters: {', '.join(FIELDS)}.",
            code="unknown_filter",
        )
    return reader(value)


def condition_from_json(values: Mapping[str, Any]) -> Condition:
    """Return the condition of :meth:`Condition.to_json`. Errors as :func:`condition`."""
    if len(values) != 1 or not all(isinstance(one, str) for pair in values.items() for one in pair):
        raise InputError(
            "A condition is one field with a text.", hint='Write {"medium": "ink"}.', code="bad_filter"
        )
    ((field, value),) = values.items()
    return condition(field, value)
