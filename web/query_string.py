"""A search as a URL: what is searched with, the filter, the order, and how many results."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import url_for
from werkzeug.datastructures import MultiDict

from stylesearch.errors import InputError
from stylesearch.search.conditions import ByArtist, Keyworded, Made, condition
from stylesearch.search.cursor import Cursor
from stylesearch.search.examples import (
    LARGEST_ID,
    ArtistExample,
    Example,
    FileExample,
    ImageExample,
    WordsExample,
    WorkExample,
    parse_example,
)
from stylesearch.search.filters import EVERYTHING, Filter, either, every, negated, simplest
from stylesearch.search.grammar import parse, write
from stylesearch.search.listing import MOST_PAGES, ORDERS
from stylesearch.search.query import MOST_EXAMPLES, MOST_RESULTS, StyleQuery

CHOICES = ("reuse", "license", "collection", "medium", "movement", "period", "type")
"""Fields of a form of whose values any may hold; their names are those of a written filter."""

FORM_FIELDS = (*CHOICES, "artist", "artist_not", "keyword", "year_from", "year_to")
"""What a form sends for its boxes; an address carries the filter that they make instead."""

EXAMPLES = ("image", "work", "like", "unlike")
PARAMETERS = (*EXAMPLES, "q", "sort", "per_artist", "k", "page", "after", *FORM_FIELDS)
SORTS = ("style", *ORDERS)
PAGE = 24
MOST_BY_ARTIST = 10

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class SearchAddress:
    """Everything that a results page shows, as its URL carries it.

    Attributes
    ----------
    examples:
        What is searched with, for and against; without any, works are listed and not ranked.
    where:
        The filter, which the address carries as it is written.
    sort:
        ``style``, ``title``, ``oldest`` or ``newest``; the nearest works may be put in order of their dates.
    per_artist:
        At most so many works by one artist.
    k:
        How many results.
    page:
        Which page of a list.
    after:
        Where the page before of a ranking ended.
    """

    examples: tuple[Example, ...] = ()
    where: Filter = EVERYTHING
    sort: str = ""
    per_artist: int | None = None
    k: int = PAGE
    page: int = 1
    after: str | None = None

    def __post_init__(self) -> None:
        usual = "style" if self.examples else "title"
        fitting = self.sort if self.sort not in ("", "style", "title") else usual
        object.__setattr__(self, "sort", fitting)
        object.__setattr__(self, "examples", tuple(dict.fromkeys(self.examples)))

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
        where = every(*map(parse, given.get("q", [])), *_chosen(given))
        sort = _single(given, "sort") or ""
        if sort and sort not in SORTS:
            raise InputError(
                f"Results cannot be sorted by {sort[:50]!r}.",
                hint=f"Orders: {', '.join(SORTS)}.",
                code="bad_parameter",
            )
        return cls(
            examples=tuple(_examples(given)),
            where=simplest(where),
            sort=sort,
            per_artist=_whole(given, "per_artist", 1, MOST_BY_ARTIST),
            k=_whole(given, "k", 1, MOST_RESULTS) or PAGE,
            page=_whole(given, "page", 1, MOST_PAGES) or 1,
            after=_single(given, "after"),
        )

    def pairs(self) -> list[tuple[str, str]]:
        """Return the parameters in their order, as a URL or hidden fields carry them."""
        return [
            *self.example_pairs(),
            *self.filter_pairs(),
            *self.order_pairs(),
            *([("k", str(self.k))] if self.k != PAGE else []),
            *([("page", str(self.page))] if self.page != 1 and not self.examples else []),
            *([("after", self.after)] if self.after is not None and self.examples else []),
        ]

    def example_pairs(self) -> list[tuple[str, str]]:
        """Return the parameters that name what is searched with."""
        return [_pair(one) for one in self.examples]

    def filter_pairs(self) -> list[tuple[str, str]]:
        """Return the parameter of the filter."""
        return [("q", write(self.where))] if self.where != EVERYTHING else []

    def order_pairs(self) -> list[tuple[str, str]]:
        """Return the parameters of the order, and of how many works by one artist."""
        pairs = [("sort", self.sort)] if self.sort not in ("style", "title") else []
        if self.per_artist is not None and self.examples:
            pairs.append(("per_artist", str(self.per_artist)))
        return pairs

    @property
    def wanted(self) -> tuple[Example, ...]:
        """The examples that works should be like."""
        return tuple(one for one in self.examples if not one.against)

    @property
    def query(self) -> StyleQuery:
        """The question to the gallery.

        Raises
        ------
        InputError
            ``bad_cursor``, if ``after`` is no page of it.
        """
        query = StyleQuery(examples=self.examples, where=self.where, k=self.k, per_artist=self.per_artist)
        return query if self.after is None else query.with_(after=Cursor.parse(self.after))

    @property
    def url(self) -> str:
        """The address of the results page."""
        return self.to("portal.results")

    def to(self, endpoint: str, **values: str) -> str:
        """Return the address of another page about the same search."""
        pairs = [*self.pairs(), *values.items()]
        return f"{url_for(endpoint)}{'?' if pairs else ''}{urlencode(pairs)}"

    def showing(self, k: int) -> SearchAddress:
        """Return the same search with another number of results."""
        return dataclasses.replace(self, k=k)

    def page_after(self, after: str) -> SearchAddress:
        """Return the next page of the same search."""
        return dataclasses.replace(self, after=after)

    def at_page(self, page: int) -> SearchAddress:
        """Return a page of the same list."""
        return dataclasses.replace(self, page=page)

    def of_work(self, work_id: int) -> SearchAddress:
        """Return the search from a work, under the same filter."""
        return self.with_examples([WorkExample(work_id)])

    def filtered(self, where: Filter) -> SearchAddress:
        """Return the search under another filter, from the top."""
        return dataclasses.replace(self, where=where, k=PAGE, page=1, after=None)

    def unfiltered(self) -> SearchAddress:
        """Return the search without any filter."""
        return self.filtered(EVERYTHING)

    def sorted_by(self, sort: str) -> SearchAddress:
        """Return the search in another order, from the top."""
        return dataclasses.replace(self.with_examples(self.examples), sort=sort)

    def with_examples(self, examples: Iterable[Example]) -> SearchAddress:
        """Return the search from other examples, from the top."""
        return dataclasses.replace(self, examples=tuple(examples), k=PAGE, page=1, after=None)

    def adding(self, example: Example) -> SearchAddress:
        """Return the search with one example more; what was for and is now against, or the other way, changes sides."""
        turned = dataclasses.replace(example, against=not example.against)
        return self.with_examples([*(one for one in self.examples if one != turned), example])

    def without(self, example: Example) -> SearchAddress:
        """Return the search with an example less."""
        return self.with_examples(one for one in self.examples if one != example)

    def replacing(self, example: Example, other: Example) -> SearchAddress:
        """Return the search with an example in the place of another."""
        return self.with_examples(other if one == example else one for one in self.examples)


def written(example: Example) -> str:
    """Return an example as `parse_example` reads it, whatever side it is on."""
    value = getattr(example, example.kind)
    region = getattr(example, "region", None)
    ambiguous = re.search(r"\^[\d.]{1,10}$", str(value)) is not None  # a name may end like a weight
    weight = f"^{example.weight:g}" if example.weight != 1 or ambiguous else ""
    return f"{example.kind}:{value}{'' if region is None else f'@{region}'}{weight}"


def of_a_form(values: MultiDict[str, str]) -> bool:
    """Whether a query string comes from a form's boxes, and can be written shorter."""
    return any(name in values for name in FORM_FIELDS)


def read_written(text: str, *, against: bool = False) -> Example:
    """Return the example that :func:`written` wrote.

    Raises
    ------
    InputError
        If it is none that an address can carry.
    """
    found = parse_example(text, against=against)
    if not isinstance(found, ImageExample | WorkExample | FileExample | ArtistExample | WordsExample):
        raise InputError(
            f"{text[:50]!r} is nothing that can be searched with.",
            hint="Write work:12, image:31, file:DIGEST, artist:NAME or words:WORDS.",
            code="bad_parameter",
        )
    return found


def _pair(example: Example) -> tuple[str, str]:
    """Return the parameter of an example; plain files and works have short ones of their own."""
    plain = not example.against and example.weight == 1
    if plain and isinstance(example, FileExample) and example.region is None:
        return "image", example.file
    if plain and isinstance(example, WorkExample):
        return "work", str(example.work)
    return ("unlike" if example.against else "like"), written(example)


def _examples(given: dict[str, list[str]]) -> Iterable[Example]:
    number = sum(len(given.get(name, [])) for name in EXAMPLES)
    if number > MOST_EXAMPLES:
        raise InputError(
            f"A search takes at most {MOST_EXAMPLES} examples.", hint="Take some out.", code="query_too_large"
        )
    for text in given.get("image", []):
        if not _DIGEST.fullmatch(text):
            raise InputError(
                "The address names no image.", hint="Upload the image again.", code="bad_parameter"
            )
        yield FileExample(text)
    for text in given.get("work", []):
        yield WorkExample(_number(text, "work", 1, LARGEST_ID))
    for text in given.get("like", []):
        yield read_written(text)
    for text in given.get("unlike", []):
        yield read_written(text, against=True)


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
    return None if text is None else _number(text, name, least, most)


def _number(text: str, name: str, least: int, most: int) -> int:
    if not re.fullmatch(r"-?[0-9]{1,19}", text) or not least <= int(text) <= most:
        bounds = f" from {least} to {most}" if most < LARGEST_ID else ""
        raise InputError(
            f"The parameter {name} must be a whole number{bounds}; {text[:50]!r} is none.",
            hint="Mend it in the address, or start a new search.",
            code="bad_parameter",
        )
    return int(text)
