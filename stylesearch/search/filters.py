"""Filters: conditions joined by and, or and not. Filters that say the same in the same words are equal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from stylesearch.errors import InputError
from stylesearch.search.conditions import (
    FIELDS,
    Condition,
    FromCollection,
    Ingested,
    Named,
    Reusable,
    condition_from_json,
)

MOST_CONDITIONS, DEEPEST = 200, 20


@dataclass(frozen=True, slots=True)
class All:
    """What every part lets through; without parts, everything. Made by :func:`every`."""

    parts: tuple[Filter, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"all": [part.to_json() for part in self.parts]} if self.parts else {}


@dataclass(frozen=True, slots=True)
class Either:
    """What any of the parts lets through; without parts, nothing. Made by :func:`either`."""

    parts: tuple[Filter, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"any": [part.to_json() for part in self.parts]}


@dataclass(frozen=True, slots=True)
class Not:
    """What a part does not let through. Made by :func:`negated`."""

    part: Filter

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"not": self.part.to_json()}


Filter = Condition | All | Either | Not

EVERYTHING = All(())
NOTHING = Either(())


def every(*parts: Filter) -> Filter:
    """Return the filter that lets through what all of some filters do, in its simplest form."""
    flat = _flat(parts, All)
    if NOTHING in flat:
        return NOTHING
    return flat[0] if len(flat) == 1 else All(tuple(flat))


def either(*parts: Filter) -> Filter:
    """Return the filter that lets through what any of some filters does, in its simplest form."""
    flat = _flat(parts, Either)
    if EVERYTHING in flat:
        return EVERYTHING
    return flat[0] if len(flat) == 1 else Either(tuple(flat))


def negated(part: Filter) -> Filter:
    """Return the filter that lets through what another does not."""
    if isinstance(part, Not):
        return part.part
    return NOTHING if part == EVERYTHING else EVERYTHING if part == NOTHING else Not(part)


def simplest(part: Filter) -> Filter:
    """Return a filter in the form that :func:`every`, :func:`either` and :func:`negated` give it.

    Raises
    ------
    InputError
        ``filter_too_large``, if it has too many conditions or is nested too deep.
    """
    _check_size(part)
    return _rebuilt(part)


def from_json(values: object) -> Filter:
    """Return the filter of its JSON values.

    Raises
    ------
    InputError
        If they are none, or a condition cannot be used.
    """
    return simplest(_read(values, DEEPEST))


def conditions(part: Filter) -> Iterator[Condition]:
    """Yield every condition of a filter."""
    for node, _ in _walk(part):
        if isinstance(node, Condition):
            yield node


def parts_of(part: Filter) -> tuple[Filter, ...]:
    """Return what a filter demands, each of which must hold."""
    return part.parts if isinstance(part, All) else (part,)


def alternatives(part: Filter) -> tuple[Filter, ...]:
    """Return what a filter offers, any of which must hold."""
    return part.parts if isinstance(part, Either) else (part,)


def contradicts_itself(part: All) -> bool:
    """Whether two of the parts can never hold together, whatever the catalogue holds."""
    return any(_contradict(one, other) for one, other in combinations(part.parts, 2))


def _flat(parts: Iterable[Filter], kind: type[All] | type[Either]) -> list[Filter]:
    found: set[Filter] = set()
    for part in parts:
        found.update(part.parts if isinstance(part, kind) else [part])
    return sorted(found, key=_order)


def _order(part: Filter) -> tuple[int, int, str]:
    """Return the place of a part: by its field, what is let through before what is not, then by value."""
    inner = part.part if isinstance(part, Not) else part
    first = next(conditions(inner), None)
    place = FIELDS.index(first.field) if first is not None else -1
    return place, isinstance(part, Not), json.dumps(part.to_json(), sort_keys=True)


_SINGLE: dict[type[Condition], Callable[[Any], object]] = {
    FromCollection: lambda _: "collection",
    Reusable: lambda _: "reuse",
    Named: lambda one: one.kind,
}


def _contradict(one: Filter, other: Filter) -> bool:
    """Whether two different filters can never hold together: of some fields, a work has one value only."""
    if negated(one) == other:
        return True
    if isinstance(one, Ingested) and isinstance(other, Ingested):
        earlier, later = (one, other) if _ends_before(one, other) else (other, one)
        return _ends_before(earlier, later)
    if not isinstance(one, Condition) or type(one) is not type(other):
        return False
    single = _SINGLE.get(type(one))
    return single is not None and single(one) == single(other)


def _ends_before(one: Ingested, other: Ingested) -> bool:
    return one.end is not None and other.start is not None and one.end < other.start


def _rebuilt(part: Filter) -> Filter:
    if isinstance(part, All):
        return every(*map(_rebuilt, part.parts))
    if isinstance(part, Either):
        return either(*map(_rebuilt, part.parts))
    return negated(_rebuilt(part.part)) if isinstance(part, Not) else part


def _walk(part: Filter) -> Iterator[tuple[Filter, int]]:
    """Yield every node with its depth, without recursion, so that no depth is too deep to be found out."""
    waiting = [(part, 1)]
    while waiting:
        node, depth = waiting.pop(0)
        yield node, depth
        inner = (node.part,) if isinstance(node, Not) else () if isinstance(node, Condition) else node.parts
        waiting += [(one, depth + 1) for one in inner]


def _check_size(part: Filter) -> None:
    for number, (_, depth) in enumerate(_walk(part), 1):
        if depth > DEEPEST or number > MOST_CONDITIONS:
            raise too_large()


def too_large() -> InputError:
    """Return the error that a filter is larger than anybody needs."""
    return InputError(
        f"The filter is too large: at most {MOST_CONDITIONS} conditions, nested at most {DEEPEST} deep.",
        hint="Ask for less at a time.",
        code="filter_too_large",
    )


def _read(values: object, depth: int) -> Filter:
    if depth == 0:
        raise too_large()
    if not isinstance(values, dict):
        raise InputError("A filter is an object.", hint='Write {"medium": "ink"}.', code="bad_filter")
    if not values:
        return EVERYTHING
    for name, make in (("all", every), ("any", either)):
        if set(values) == {name} and isinstance(values[name], list):
            return make(*(_read(one, depth - 1) for one in values[name]))
    if set(values) == {"not"}:
        return negated(_read(values["not"], depth - 1))
    return condition_from_json(values)
