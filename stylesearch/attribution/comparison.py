"""What people would name when they say how two pictures are made alike or differently, in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stylesearch.attribution.palette import Palette, only_in, palette_distance
from stylesearch.attribution.traits import Traits

PALETTES_ALIKE, PALETTES_APART = 8.0, 20.0
"""Up to the one :func:`~stylesearch.attribution.palette.palette_distance` two palettes are called alike, from the other
on different."""

_MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence.

    Attributes
    ----------
    trait:
        What it is about, as a field of :class:`~stylesearch.attribution.traits.Traits`.
    alike:
        Whether it says what the two have in common.
    sentence:
        In words; "the first" and "the second" are the pictures.
    strength:
        How far the difference goes: 1 is the least that is named. 0 for what is alike.
    """

    trait: str
    alike: bool
    sentence: str
    strength: float


@dataclass(frozen=True, slots=True)
class _Rule:
    """How two values of a trait are compared.

    Attributes
    ----------
    by:
        Whether the quotient of two values counts, or their difference.
    alike, apart:
        Up to the one they are called alike, from the other on different; between the two nothing is said.
    more:
        What the picture with the larger value is said to do, as in "The first ...".
    same:
        What is said of both.
    unit:
        What the numbers are followed by.
    kinds:
        What is said instead where both values lie between two bounds.
    has:
        What it is to have a value at all, where a picture may have none.
    digits:
        Of the numbers shown.
    least:
        Values below it count as this much, so that the quotient of two small ones is no difference.
    """

    trait: str
    by: Literal["quotient", "difference"]
    alike: float
    apart: float
    more: str
    same: str
    unit: str
    kinds: tuple[tuple[float, float, str], ...] = ()
    has: str = ""
    digits: int = 0
    least: float = 0.1

    def distance(self, one: float, other: float) -> float:
        """Return how far two values are apart, on the scale of the bounds."""
        if self.by == "difference":
            return abs(one - other)
        return max(one, other, self.least) / max(min(one, other), self.least)


_SIDE = "% of the longer side"
_RULES = (
    _Rule("colourfulness", "difference", 5, 15, "is more colourful", "Both are about as colourful", "units of chroma", ((0, 4, "Neither has colour"),)),
    _Rule("lightness", "difference", 8, 20, "is lighter on the whole", "Both are about as light on the whole", "of 100 steps"),
    _Rule("contrast", "difference", 10, 25, "has more contrast", "Both have about the same contrast", "of 100 steps"),
    _Rule("line_weight", "quotient", 1.3, 1.7, "has thicker lines", "Both have lines of about the same thickness", _SIDE, has="dark lines", digits=1),
    _Rule("outlines", "difference", 15, 35, "has dark lines along more of its edges", "In both, dark lines run along about as many of the edges", "% of the edges", has="edges"),
    _Rule("edge_softness", "quotient", 1.4, 2, "has softer edges", "Edges are about as sharp in both", _SIDE, has="edges", digits=1),
    _Rule("texture_scale", "quotient", 1.12, 1.35, "has a coarser texture", "Both have a texture of about the same scale", f"{_SIDE} from crest to crest", has="texture", digits=1),
    _Rule("detail", "quotient", 1.3, 2, "has more fine detail", "Both have about as much fine detail", "steps of lightness on average", digits=1, least=0.5),
    _Rule("flatness", "difference", 10, 30, "has smoother surfaces", "Surfaces are about as smooth in both", "% of them are even", ((90, 100, "Surfaces are smooth in both"), (0, 60, "Surfaces are textured or steeply shaded in both"))),
)  # fmt: skip


def compare(first: Traits, second: Traits) -> tuple[Finding, ...]:
    """Say what two pictures, measured at one size, have in common and what not.

    What differs comes first, the plainest difference at its head. What lies between alike and different is left out. The
    bounds are a judgement of what people would name unasked, not of what they could just tell apart; a picture and the
    same scaled, or kept as a good JPEG, are hardly ever told apart by them.
    """
    found = [_palettes(first.palette, second.palette)]
    found += [_by_rule(rule, getattr(first, rule.trait), getattr(second, rule.trait)) for rule in _RULES]
    findings = [one for one in found if one is not None]
    return tuple(sorted(findings, key=lambda one: -one.strength))


def _by_rule(rule: _Rule, one: float | None, other: float | None) -> Finding | None:
    if one is None or other is None:
        if one is None and other is None:
            return _alike(rule.trait, f"Neither has {rule.has}.")
        which = "first" if other is None else "second"
        return Finding(rule.trait, False, f"Only the {which} has {rule.has}.", 1.0)
    distance = rule.distance(one, other)
    shown = f"{one:.{rule.digits}f}", f"{other:.{rule.digits}f}"
    for low, high, said in rule.kinds:
        if low <= min(one, other) and max(one, other) <= high:
            return _alike(rule.trait, f"{said}: {shown[0]} and {shown[1]} {rule.unit}.")
    if distance <= rule.alike:
        return _alike(rule.trait, f"{rule.same}: {shown[0]} and {shown[1]} {rule.unit}.")
    if distance < rule.apart:
        return None
    which, larger, smaller = ("first", *shown) if one > other else ("second", *shown[::-1])
    sentence = f"The {which} {rule.more}: {larger} against {smaller} {rule.unit}."
    return Finding(rule.trait, False, sentence, distance / rule.apart)


def _alike(trait: str, sentence: str) -> Finding:
    return Finding(trait, True, sentence, 0.0)


def _palettes(first: Palette, second: Palette) -> Finding | None:
    distance = palette_distance(first, second)
    if distance <= PALETTES_ALIKE:
        return _alike("palette", f"They share their colours, mainly {_listed(_names(first))}.")
    if distance < PALETTES_APART:
        return None
    ones, others = _names(only_in(first, second)), _names(only_in(second, first))
    shades = [name for name in ones if name in others]
    parts = [
        f"only the {which} has {_listed([name for name in names if name not in shades])}"
        for which, names in (("first", ones), ("second", others))
        if set(names) - set(shades)
    ]
    if shades:
        parts.append(f"each has a {_listed(shades)} of its own")
    return Finding("palette", False, f"Their colours differ: {', '.join(parts)}.", distance / PALETTES_APART)


def _names(palette: Palette) -> list[str]:
    return list(dict.fromkeys(swatch.name for swatch in palette))[:_MOST_NAMES]


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
