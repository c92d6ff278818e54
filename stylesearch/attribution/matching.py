"""Which works an artist is compared with: those by others of the same movement, medium and period, where that is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stylesearch.attribution.sure_works import SureWorks, Traits
from stylesearch.evaluation.labels import Indices, Mask

PERIOD_YEARS = 25
"""Years before an artist's first dated work, and after the last, that still are the artist's period."""

FEWEST_MAKERS = 20
"""Makers that a matched null has at least; with fewer, works are matched by less."""

_BY = ("movement", "medium", "period")
_TRIED = (_BY, ("movement", "period"), ("movement",), ("period",), ())


@dataclass(frozen=True, slots=True)
class Matching:
    """What works are matched by, for one artist.

    Attributes
    ----------
    by:
        ``movement``, ``medium``, ``period``: those that the works of the null have in common with the artist's.
    movement, medium, years:
        What these are for the artist; ``None`` where it is not known or the artist's works differ.
    """

    by: tuple[str, ...]
    movement: str | None
    medium: str | None
    years: tuple[int, int] | None


def match(works: SureWorks, chosen: Indices, artists: Sequence[str]) -> tuple[Mask, list[Matching]]:
    """Return ``[chosen, artists]``: which works each artist is compared with; and what they are matched by.

    Parameters
    ----------
    chosen:
        ``[n]`` places of the works to choose from.
    artists:
        Names.
    """
    traits = [works.traits[place] for place in chosen]
    compared = np.zeros((len(chosen), len(artists)), dtype=bool)
    matchings = []
    for column, name in enumerate(artists):
        mine = works.by(works.artists.index(name))
        others = ~mine[chosen]
        profile = _profile([works.traits[place] for place in np.flatnonzero(mine)])
        matching, matched = _widest(profile, traits, others, works.makers[chosen])
        compared[:, column] = matched
        matchings.append(matching)
    return compared, matchings


def _widest(
    profile: Traits, traits: Sequence[Traits], others: Mask, makers: Indices
) -> tuple[Matching, Mask]:
    """Match by as much as is known and leaves enough makers to compare with."""
    known = {
        "movement": profile.movement is not None,
        "medium": profile.medium is not None,
        "period": profile.years is not None,
    }
    seen = set()
    matched: Mask = others
    by: tuple[str, ...] = ()
    for tried in _TRIED:
        by = tuple(name for name in tried if known[name])
        if by in seen:
            continue
        seen.add(by)
        matched = others & _alike(profile, traits, by)
        if len(np.unique(makers[matched])) >= FEWEST_MAKERS:
            break
    return Matching(by, profile.movement, profile.medium, profile.years), matched


def _alike(profile: Traits, traits: Sequence[Traits], by: tuple[str, ...]) -> Mask:
    alike = np.ones(len(traits), dtype=bool)
    if "movement" in by:
        alike &= np.array([one.movement == profile.movement for one in traits])
    if "medium" in by:
        alike &= np.array([one.medium == profile.medium for one in traits])
    if "period" in by:
        assert profile.years is not None
        first, last = profile.years
        alike &= np.array(
            [one.years is not None and one.years[0] <= last and one.years[1] >= first for one in traits]
        )
    return alike


def _profile(traits: Sequence[Traits]) -> Traits:
    dated = [one.years for one in traits if one.years is not None]
    years = None
    if 2 * len(dated) >= len(traits):
        first, last = min(year for year, _ in dated), max(year for _, year in dated)
        years = (first - PERIOD_YEARS, last + PERIOD_YEARS)
    return Traits(_common([one.movement for one in traits]), _common([one.medium for one in traits]), years)


def _common(values: Sequence[str | None]) -> str | None:
    """Return what more than half of the works have, else nothing."""
    (value, count), *_ = Counter(values).most_common(1)
    return value if 2 * count > len(values) else None
