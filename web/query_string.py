"""A search as a URL: what is searched with, the filter, and how many results."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import url_for
from werkzeug.datastructures import MultiDict

from stylesearch.errors import InputError
from stylesearch.search.conditions import ByArtist, Keyworded, Made, condition
from stylesearch.search.cursor import Cursor
from stylesearch.search.examples import LARGEST_ID, Example, FileExample, WorkExample
from stylesearch.search.filters import EVERYTHING, Filter, either, every, negated, simplest
from stylesearch.search.grammar import parse, write
from stylesearch.search.query import MOST_RESULTS, StyleQuery

CHOICES = ("reuse", "license", "collection", "medium", "movement", "period", "type")
"""Fields of a form of whose values any may hold; their names are those of a written filter."""

FORM_FIELDS = (*CHOICES, "artist", "artist_not", "keyword", "year_from", "year_to")
"""What a form sends for its boxes; an address carries the filter that they make instead."""

PARAMETERS = ("image", "work", "q", "k", "after", *FORM_FIELDS)
PAGE = 24

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
    where:
        The filter, which the address carries as it is written.
    k:
        How many results.
    after:
        Where the page before ended.
    """

    image: str | None = None
    work: int | None = None
    where: Filter = EVERYTHING
    k: int = PAGE
    after: str | None = None

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
        where = every(*map(parse, given.get("q", [])), *_chosen(given))
        k = _whole(given, "k", 1, MOST_RESULTS)
        return cls(image, work, simplest(where), PAGE if k is None else k, _single(given, "after"))

    def pairs(self) -> list[tuple[str, str]]:
        """Return the parameters in their order, as a URL or hidden fields carry them."""
        return [
            *self.example_pairs(),
            *self.filter_pairs(),
            *([("k", str(self.k))] if self.k != PAGE else []),
            *([("after", self.after)] if self.after is not None else []),
        ]

    def example_pairs(self) -> list[tuple[str, str]]:
        """Return the parameter that names what is searched with."""
        return [("image", self.image)] if self.image is not None else [("work", str(self.work))]

    def filter_pairs(self) -> list[tuple[str, str]]:
        """Return the parameter of the filter."""
        return [("q", write(self.where))] if self.where != EVERYTHING else []

    @property
    def example(self) -> Example:
        """What is searched with."""
        if self.work is not None:
            return WorkExample(self.work)
        assert self.image is not None
        return FileExample(self.image)

    @property
    def query(self) -> StyleQuery:
        """The question to the gallery.

        Raises
        ------
        InputError
            ``bad_cursor``, if ``after`` is no page of it.
        """
        query = StyleQuery(examples=(self.example,), where=self.where, k=self.k)
        return query if self.after is None else query.with_(after=Cursor.parse(self.after))

    @property
    def url(self) -> str:
        """The address of the results page."""
        return f"{url_for('portal.results')}?{urlencode(self.pairs())}"

    def showing(self, k: int) -> SearchAddress:
        """Return the same search with another number of results."""
        return dataclasses.replace(self, k=k)

    def page_after(self, after: str) -> SearchAddress:
        """Return the next page of the same search."""
        return dataclasses.replace(self, after=after)

    def of_work(self, work_id: int) -> SearchAddress:
        """Return the search from a work, under the same filter."""
        return SearchAddress(work=work_id, where=self.where)

    def filtered(self, where: Filter) -> SearchAddress:
        """Return the search under another filter, from the top."""
        return SearchAddress(image=self.image, work=self.work, where=where)

    def unfiltered(self) -> SearchAddress:
        """Return the search without any filter."""
        return self.filtered(EVERYTHING)


def of_a_form(values: MultiDict[str, str]) -> bool:
    """Whether a query string comes from a form's boxes, and can be written shorter."""
    return any(name in values for name in FORM_FIELDS)


def _chosen(given: dict[str, list[str]]) -> list[Filter]:
    """Return what a form's boxes ask for, each of which must hold."""
    parts = [either(*(condition(name, one) for one in given[name])) for name in CHOICES if given.get(name)]
    if given.get("artist"):
        parts.append(either(*map(ByArtist, given["artist"])))
    parts += [negated(ByArtist(name)) for name in given.get("artist_not", [])]
    parts += [Keyworded(word) for word in given.get("keyword", [])]
    start, end = (_whole(given, name, -LARGEST_ID, LARGEST_ID) for name in ("year_from", "year_to"))
    if start is not None or end is not None:
        parts.append(Made(start, end))
    return parts


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
