"""A search as a URL: what is searched with, the filters, and how many results."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import url_for
from werkzeug.datastructures import MultiDict

from stylesearch.errors import InputError
from stylesearch.search.query import MOST_RESULTS, Filters

LIST_FIELDS = ("artist", "artist_not", "reuse", "license", "collection", "medium", "keyword")
YEAR_FIELDS = ("year_from", "year_to")
PARAMETERS = ("image", "work", *LIST_FIELDS, *YEAR_FIELDS, "k")
PAGE = 24
LARGEST_ID = 2**63 - 1

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class SearchAddress:
    """Everything that a results page shows, as its URL carries it.

    Attributes
    ----------
    image:
        SHA-256 in hex of an uploaded image.
    work:
        Id of a work; exactly one of the two is given.
    k:
        How many results.
    """

    image: str | None = None
    work: int | None = None
    filters: Filters = field(default_factory=Filters)
    k: int = PAGE

    @classmethod
    def read(cls, values: MultiDict[str, str]) -> SearchAddress:
        """Read a query string or a form; empty values count as not given.

        Raises
        ------
        InputError
            Naming the parameter that is unknown, repeated or has a value that cannot be used.
        """
        given = {
            name: [one.strip() for one in values.getlist(name) if one.strip()]
            for name in values
            if name != "csrf_token"
        }
        _check_names(given)
        image, work = _single(given, "image"), _whole(given, "work", 1, LARGEST_ID)
        if (image is None) == (work is None):
            raise InputError(
                "A search starts from one image."
                if image is None
                else "A search starts from one image, not two.",
                hint="Upload an image, or choose a work to start from.",
                code="no_example",
            )
        if image is not None and not _DIGEST.fullmatch(image):
            raise InputError(
                "The address names no image.", hint="Upload the image again.", code="bad_parameter"
            )
        years = {name: _whole(given, name, -LARGEST_ID, LARGEST_ID) for name in YEAR_FIELDS}
        lists = {name: given[name] for name in LIST_FIELDS if name in given}
        k = _whole(given, "k", 1, MOST_RESULTS)
        return cls(image, work, Filters.of(**lists, **years), PAGE if k is None else k)

    def pairs(self) -> list[tuple[str, str]]:
        """Return the parameters in their order, as a URL or hidden fields carry them."""
        return [
            *self.example_pairs(),
            *self.filter_pairs(),
            *([("k", str(self.k))] if self.k != PAGE else []),
        ]

    def example_pairs(self) -> list[tuple[str, str]]:
        """Return the parameter that names what is searched with."""
        return [("image", self.image)] if self.image is not None else [("work", str(self.work))]

    def filter_pairs(self) -> list[tuple[str, str]]:
        """Return the parameters of the filters."""
        found: list[tuple[str, str]] = []
        for name in LIST_FIELDS:
            found += [(name, value) for value in getattr(self.filters, name)]
        for name in YEAR_FIELDS:
            year = getattr(self.filters, name)
            found += [(name, str(year))] if year is not None else []
        return found

    @property
    def url(self) -> str:
        """The address of the results page."""
        return f"{url_for('portal.results')}?{urlencode(self.pairs())}"

    def showing(self, k: int) -> SearchAddress:
        """Return the same search with another number of results."""
        return dataclasses.replace(self, k=k)

    def of_work(self, work_id: int) -> SearchAddress:
        """Return the search from a work, under the same filters."""
        return SearchAddress(work=work_id, filters=self.filters)

    def without(self, name: str, value: str) -> SearchAddress:
        """Return the search without one value of one filter."""
        kept: Any = None
        if name in LIST_FIELDS:
            kept = tuple(one for one in getattr(self.filters, name) if one != value)
        return dataclasses.replace(self, filters=dataclasses.replace(self.filters, **{name: kept}), k=PAGE)

    def unfiltered(self) -> SearchAddress:
        """Return the search without any filter."""
        return SearchAddress(image=self.image, work=self.work)


def _check_names(given: dict[str, list[str]]) -> None:
    unknown = [name for name in given if name not in PARAMETERS]
    if unknown:
        raise InputError(
            f"A search has no parameter {', '.join(repr(name[:50]) for name in unknown)}.",
            hint=f"Parameters: {', '.join(PARAMETERS)}.",
            code="unknown_parameter",
        )
    for name, texts in given.items():
        if any("\0" in text for text in texts):
            raise InputError(
                f"The parameter {name} holds a character that no text has.",
                hint="Take it out.",
                code="bad_parameter",
            )


def _single(given: dict[str, list[str]], name: str) -> str | None:
    texts = given.get(name, [])
    if len(texts) > 1:
        raise InputError(
            f"The parameter {name} is given more than once.", hint="Keep one of them.", code="bad_parameter"
        )
    return texts[0] if texts else None


def _whole(given: dict[str, list[str]], name: str, least: int, most: int) -> int | None:
    text = _single(given, name)
    if text is None:
        return None
    if not re.fullmatch(r"-?[0-9]{1,19}", text) or not least <= int(text) <= most:
        bounds = f" from {least} to {most}" if most < LARGEST_ID else ""
        raise InputError(
            f"The parameter {name} must be a whole number{bounds}; {text[:50]!r} is none.",
            hint="Mend it in the address, or start a new search.",
            code="bad_parameter",
        )
    return int(text)
