"""What a person asks for: filters on metadata, how many works, and how to look."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

from stylesearch.catalog.records import EARLIEST_YEAR, LATEST_YEAR, tidy
from stylesearch.catalog.rights import REUSE_CLASSES
from stylesearch.errors import InputError

Mode = Literal["auto", "exact", "hnsw"]
MODES: tuple[Mode, ...] = ("auto", "exact", "hnsw")
MOST_RESULTS = 1000
YEARS = ("year_from", "year_to")


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions on the works that may be found. Values of one field are alternatives; fields hold together.

    Attributes
    ----------
    artist, artist_not:
        Names or aliases, whole.
    license:
        URIs, SPDX ids or common names, of the image's rights.
    reuse:
        Reuse classes of the image's rights: ``open``, ``restricted``, ``permission``.
    collection:
        Slugs.
    year_from, year_to:
        The work's range of years must meet this one; undated works do not.
    medium:
        Whole, without regard to case.
    keyword:
        Whole; a work must have every one of them.
    """

    artist: tuple[str, ...] = ()
    artist_not: tuple[str, ...] = ()
    license: tuple[str, ...] = ()
    reuse: tuple[str, ...] = ()
    collection: tuple[str, ...] = ()
    year_from: int | None = None
    year_to: int | None = None
    medium: tuple[str, ...] = ()
    keyword: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.reuse:
            if name not in REUSE_CLASSES:
                raise InputError(
                    f"{name!r} is no reuse class.",
                    hint=f"Use one of: {', '.join(REUSE_CLASSES)}.",
                    code="unknown_reuse",
                )
        for year in (self.year_from, self.year_to):
            if year is not None and not EARLIEST_YEAR <= year <= LATEST_YEAR:
                raise InputError(
                    f"The year {year} is out of range.", hint="Give a year such as 1890.", code="bad_year"
                )
        if self.year_from is not None and self.year_to is not None and self.year_from > self.year_to:
            raise InputError(
                f"The years {self.year_from} to {self.year_to} are the wrong way round.",
                hint="Swap them.",
                code="bad_year",
            )

    @classmethod
    def of(cls, **values: Any) -> Filters:
        """Return filters from lists, leaving out empty values.

        Raises
        ------
        InputError
            If a field does not exist, or a value cannot be used.
        """
        known = {one.name for one in fields(cls)}
        for name in values:
            if name not in known:
                raise InputError(
                    f"There is no filter {name!r}.",
                    hint=f"Filters: {', '.join(sorted(known))}.",
                    code="unknown_filter",
                )
        clean: dict[str, Any] = {}
        for name, value in values.items():
            if name in YEARS:
                clean[name] = _year(value)
            else:
                texts = [tidy(str(one)) for one in ([value] if isinstance(value, str) else value or ())]
                clean[name] = tuple(dict.fromkeys(text for text in texts if text))
        return cls(**clean)

    def to_json(self) -> dict[str, Any]:
        """Return the filters that are set, as JSON values."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if value not in ((), None)
        }


@dataclass(frozen=True, slots=True)
class StyleQuery:
    """A question to the gallery, beside the descriptor that it is asked with.

    Attributes
    ----------
    k:
        How many works, 1 to 1000.
    mode:
        ``exact`` looks at every matching descriptor; ``hnsw`` uses the index; ``auto`` chooses by how many match.
    exclude_images:
        Image ids to leave out: the example itself, and its copies.
    """

    filters: Filters = field(default_factory=Filters)
    k: int = 24
    mode: Mode = "auto"
    exclude_images: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if not 1 <= self.k <= MOST_RESULTS:
            raise InputError(
                f"{self.k} is no number of results.", hint=f"Ask for 1 to {MOST_RESULTS}.", code="bad_k"
            )
        if self.mode not in MODES:
            raise InputError(
                f"{self.mode!r} is no search mode.", hint=f"Use one of: {', '.join(MODES)}.", code="bad_mode"
            )


def _year(value: int | str | None) -> int | None:
    if value is None or value == "":
        return None
    try:
        return int(value)
    except ValueError:
        raise InputError(
            f"{str(value)[:20]!r} is no year.", hint="Give a year such as 1890.", code="bad_year"
        ) from None
