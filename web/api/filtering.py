"""Filters as the API takes them: written, or as JSON."""

from __future__ import annotations

from collections.abc import Iterable

from stylesearch.search import filters
from stylesearch.search.filters import Filter, every, simplest
from stylesearch.search.grammar import parse, write
from stylesearch.wire.searches import Where
from web.api.links import Pairs


def filter_of_lines(lines: Iterable[str]) -> Filter:
    """Return the filter that some lines stand for, all of which must hold.

    Raises
    ------
    InputError
        If one cannot be read.
    """
    return simplest(every(*map(parse, lines)))


def filter_of(where: Where) -> Filter:
    """Return the filter of a body. Errors as :func:`filter_of_lines`."""
    return filter_of_lines([where]) if isinstance(where, str) else filters.from_json(where)


def filter_pairs(where: Filter) -> Pairs:
    """Return the parameter of a filter."""
    line = write(where)
    return [("q", line)] if line else []
