"""The filters beside the results: what can be chosen, what is chosen, and how to take it back."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from sqlalchemy.orm import Session

from stylesearch.search.facets import Choice, facets
from stylesearch.search.filters import REUSE_WORDS
from stylesearch.search.query import Filters
from web.query_string import SearchAddress
from web.showcase import artist_names

LEGENDS = {
    "reuse": "Reuse",
    "license": "Licence",
    "collection": "Collection",
    "medium": "Medium",
    "keyword": "Keywords",
}
"""The filters that are chosen from a list, in their order on the page."""

_CHIP_WORDS = {
    "artist": "By",
    "artist_not": "Not by",
    "year_from": "From",
    "year_to": "Until",
    "keyword": "About",
}


@dataclass(frozen=True, slots=True)
class Option:
    """A value that can be ticked; ``count`` is ``None`` where no work under the other filters has it."""

    value: str
    label: str
    count: int | None
    ticked: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The options of one filter."""

    name: str
    legend: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class ArtistOption:
    """An artist that can be asked for or left out."""

    name: str
    count: int | None
    wanted: bool
    unwanted: bool


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set, and the search without it."""

    label: str
    without: str


@dataclass(frozen=True, slots=True)
class FilterPanel:
    """All of it."""

    groups: tuple[Group, ...]
    artists: tuple[ArtistOption, ...]
    names: tuple[str, ...]
    chips: tuple[Chip, ...]


def filter_panel(
    session: Session, address: SearchAddress, *, count_under: Filters | None = None
) -> FilterPanel:
    """Return the panel of a search.

    Parameters
    ----------
    count_under:
        Filters to count under, where the search's own name something unknown.

    Raises
    ------
    NotFoundError, InputError
        If a filter to count under names something unknown.
    """
    filters = address.filters
    choices = _choices(session, filters if count_under is None else count_under)
    groups = (
        Group(name, legend, _options(choices[name], getattr(filters, name)))
        for name, legend in LEGENDS.items()
    )
    return FilterPanel(
        groups=tuple(group for group in groups if group.options),
        artists=_artists(choices["artist"], filters),
        names=tuple(artist_names(session)),
        chips=_chips(address, choices),
    )


def _choices(session: Session, filters: Filters) -> dict[str, list[Choice]]:
    """Count each filter's values under all *other* filters: a second value of the same filter is an alternative."""
    found = facets(session, filters)
    own: dict[str, dict[str, tuple[str, ...]]] = {
        name: {name: ()} for name in ("reuse", "license", "collection", "medium")
    }
    own["artist"] = {"artist": (), "artist_not": ()}
    for name, cleared in own.items():
        if any(getattr(filters, one) for one in cleared):
            others = dataclasses.replace(filters, **cleared)  # type: ignore[arg-type]
            found[name] = facets(session, others)[name]
    return found


def _options(choices: list[Choice], ticked: tuple[str, ...]) -> tuple[Option, ...]:
    known = {choice.value for choice in choices}
    strays = [Option(value, value, None, ticked=True) for value in ticked if value not in known]
    found = [Option(one.value, one.label, one.count, one.value in ticked) for one in choices]
    return (*strays, *sorted(found, key=lambda option: not option.ticked))


def _artists(choices: list[Choice], filters: Filters) -> tuple[ArtistOption, ...]:
    known = {choice.value for choice in choices}
    named = dict.fromkeys([*filters.artist, *filters.artist_not])
    strays = [(name, None) for name in named if name not in known]
    found = [(one.value, one.count) for one in choices]
    options = [
        ArtistOption(name, count, name in filters.artist, name in filters.artist_not)
        for name, count in [*strays, *found]
    ]
    return tuple(sorted(options, key=lambda option: not (option.wanted or option.unwanted)))


def _chips(address: SearchAddress, choices: dict[str, list[Choice]]) -> tuple[Chip, ...]:
    labels = {(name, one.value): one.label for name, found in choices.items() for one in found}
    chips = []
    for name, value in address.filter_pairs():
        if name == "reuse":
            label = REUSE_WORDS[value].capitalize()
        else:
            label = f"{_CHIP_WORDS.get(name, '')} {labels.get((name, value), value)}".strip()
        chips.append(Chip(label, address.without(name, value).url))
    return tuple(chips)
