"""The filters beside the results: what can be chosen, what is chosen, and how to take it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from stylesearch.errors import StylesearchError
from stylesearch.search.clauses import clause
from stylesearch.search.conditions import ByArtist, Condition, Keyworded, Made
from stylesearch.search.facets import Choice, Facets, facets
from stylesearch.search.filters import (
    EVERYTHING,
    Filter,
    Not,
    alternatives,
    either,
    every,
    negated,
    parts_of,
)
from stylesearch.search.grammar import write
from web.identity import current_access
from web.query_string import CHOICES, SearchAddress
from web.showcase import artist_names

LEGENDS = {
    "reuse": "Reuse",
    "license": "Licence",
    "collection": "Collection",
    "medium": "Medium",
    "movement": "Movement",
    "period": "Period",
    "type": "Kind",
    "keyword": "Keywords",
}
"""The filters that are chosen from a list, in their order on the page."""


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
class Chosen:
    """A filter as the panel shows it: by boxes where it can, and written where it cannot.

    Attributes
    ----------
    parts:
        Of each field whose boxes are ticked, the part of the filter that they make.
    without:
        Artists that are left out.
    rest:
        All that has no box.
    """

    parts: dict[str, Filter] = field(default_factory=dict)
    keywords: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    years: Made | None = None
    rest: list[Filter] = field(default_factory=list)

    @classmethod
    def of(cls, where: Filter) -> Chosen:
        """Tell a filter apart."""
        chosen = cls()
        years: list[Made] = []
        for part in parts_of(where) if where != EVERYTHING else ():
            name = _field_of(alternatives(part))
            left_out = _artists_left_out(part)
            if isinstance(part, Keyworded):
                chosen.keywords.append(part.word)
            elif isinstance(part, Made) and not years:
                years.append(part)
            elif left_out:
                chosen.without.extend(left_out)
            elif name is not None and name not in chosen.parts:
                chosen.parts[name] = part
            else:
                chosen.rest.append(part)
        return cls(chosen.parts, chosen.keywords, chosen.without, years[0] if years else None, chosen.rest)

    def ticked(self, name: str) -> tuple[str, ...]:
        """Return the values of a field whose boxes are ticked."""
        if name == "keyword":
            return tuple(self.keywords)
        conditions = alternatives(self.parts[name]) if name in self.parts else ()
        return tuple(one.value for one in conditions if isinstance(one, Condition))


def _field_of(conditions: Sequence[Filter]) -> str | None:
    """Return the field of alternatives that a box each can stand for."""
    fields = {one.field if isinstance(one, Condition) else "" for one in conditions}
    name = fields.pop() if len(fields) == 1 else ""
    return name if name in (*CHOICES, "artist") else None


def _artists_left_out(part: Filter) -> list[str]:
    inner = alternatives(part.part) if isinstance(part, Not) else ()
    names = [one.name for one in inner if isinstance(one, ByArtist) and one.qualifier is None]
    return names if len(names) == len(inner) else []


@dataclass(frozen=True, slots=True)
class FilterPanel:
    """All of it; ``rest`` is what of the filter has no box, as it is written."""

    groups: tuple[Group, ...]
    artists: tuple[ArtistOption, ...]
    names: tuple[str, ...]
    chips: tuple[Chip, ...]
    years: Made | None
    rest: str


def filter_panel(
    session: Session,
    address: SearchAddress,
    *,
    counted: Facets | None = None,
    count_under: Filter | None = None,
) -> FilterPanel:
    """Return the panel of a search.

    Parameters
    ----------
    counted:
        The choices under the search's filter, where they have been counted already.
    count_under:
        A filter to count under, where the search's own names something unknown.

    Raises
    ------
    NotFoundError, InputError
        If a filter to count under names something unknown.
    """
    where = address.where if count_under is None else count_under
    chosen = Chosen.of(address.where)
    choices = _choices(session, where, counted)
    groups = (
        Group(name, legend, _options(choices[name], chosen.ticked(name))) for name, legend in LEGENDS.items()
    )
    return FilterPanel(
        groups=tuple(group for group in groups if group.options),
        artists=_artists(choices["artist"], chosen),
        names=tuple(artist_names(session)),
        chips=_chips(session, address),
        years=chosen.years,
        rest=write(every(*chosen.rest)),
    )


def _choices(session: Session, where: Filter, counted: Facets | None) -> Facets:
    """Count each filter's values under all *other* filters: a second value of the same filter is an alternative."""
    found = dict(counted) if counted is not None else facets(session, where, access=current_access())
    chosen = Chosen.of(where)
    for name, part in chosen.parts.items():
        others = every(*(one for one in parts_of(where) if one != part and not _is_of(one, name)))
        found[name] = facets(session, others, access=current_access())[name]
    if chosen.without and "artist" not in chosen.parts:
        others = every(*(one for one in parts_of(where) if not _artists_left_out(one)))
        found["artist"] = facets(session, others, access=current_access())["artist"]
    return found


def _is_of(part: Filter, name: str) -> bool:
    """Whether a part is about the same field from the other side: artists that are left out."""
    return name == "artist" and bool(_artists_left_out(part))


def _options(choices: list[Choice], ticked: tuple[str, ...]) -> tuple[Option, ...]:
    known = {choice.value for choice in choices}
    strays = [Option(value, value, None, ticked=True) for value in ticked if value not in known]
    found = [Option(one.value, one.label, one.count, one.value in ticked) for one in choices]
    return (*strays, *sorted(found, key=lambda option: not option.ticked))


def _artists(choices: list[Choice], chosen: Chosen) -> tuple[ArtistOption, ...]:
    wanted, unwanted = chosen.ticked("artist"), chosen.without
    known = {choice.value for choice in choices}
    strays = [(name, None) for name in dict.fromkeys([*wanted, *unwanted]) if name not in known]
    found = [(one.value, one.count) for one in choices]
    options = [
        ArtistOption(name, count, name in wanted, name in unwanted) for name, count in [*strays, *found]
    ]
    return tuple(sorted(options, key=lambda option: not (option.wanted or option.unwanted)))


def _chips(session: Session, address: SearchAddress) -> tuple[Chip, ...]:
    """Return a chip for each value that was chosen; of alternatives, one each."""
    parts = parts_of(address.where) if address.where != EVERYTHING else ()
    chips = []
    for part in parts:
        others = [one for one in parts if one != part]
        inverse = isinstance(part, Not)
        inner = alternatives(part.part if isinstance(part, Not) else part)
        for one in inner:
            left = either(*(other for other in inner if other != one))
            kept = [negated(left) if inverse else left] if len(inner) > 1 else []
            shown = negated(one) if inverse else one
            chips.append(Chip(_label(session, shown), address.filtered(every(*others, *kept)).url))
    return tuple(chips)


def _label(session: Session, part: Filter) -> str:
    try:
        phrase = clause(session, part, current_access()).phrase
    except StylesearchError:  # it names something unknown, and can be taken back all the same
        return write(part)
    return phrase[:1].upper() + phrase[1:]
