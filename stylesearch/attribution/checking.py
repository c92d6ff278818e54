"""Figures that say how well a calibration keeps its promises, from works that were held out."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylesearch.attribution.heldout import Held, Pairs
from stylesearch.attribution.likelihood import cllr
from stylesearch.evaluation.labels import Mask

Numbers = NDArray[np.float64]

RAW_THRESHOLD = 0.8
"""The cosine that is often taken to mean the same style."""

BINS = 10
"""Into which likelihood ratios are put for their reliability."""


@dataclass(frozen=True, slots=True)
class Raw:
    """What comes of a threshold on raw cosines; shares as those of :class:`Figures`.

    Attributes
    ----------
    right, wrong:
        Share of makers who are at the threshold or above, and of wrong artists.
    found:
        Share of works with anybody there.
    discovery_rate:
        Mean share of wrong artists among those there.
    """

    right: float
    wrong: float
    found: float
    discovery_rate: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """Likelihood ratios against what was seen, where ratios of about the same size are put together.

    Attributes
    ----------
    said:
        Mean probability of the same artist that the ratios come to at even odds.
    seen:
        Share of pairs that were of the same artist, were as many of them so as not.
    share:
        Of all pairs, weighed likewise.
    """

    said: float
    seen: float
    share: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of the works that were held out. Shares are 0 to 1, with every artist counting the same.

    Attributes
    ----------
    queries, artists, wrong_pairs:
        How many works were asked about, of how many artists, and against how many wrong artists.
    wrong_below_5, wrong_below_1:
        Share of p-values of wrong artists at or below 0.05 and 0.01.
    outside_below_5, outside_below_1:
        The same where the maker is not in the gallery at all.
    passed_rate, outside_passed_rate:
        Realised rate of false discoveries of the procedure alone: mean share of wrong artists among those who pass; over
        all works, and over those whose maker is not in the gallery.
    discovery_rate, outside_discovery_rate:
        The same among those found: what the rules of abstention leave.
    recall:
        Share of works whose maker is found, where the maker is in the gallery; ``readable_recall``: and the gap lets
        its scores be read.
    top1:
        Share of works whose maker scores highest, likewise.
    abstention:
        Share of works of which nothing is said; ``named``: of which an artist or a group is named.
    answer_right:
        Share of the answers that name an artist or a group and are right.
    cllr:
        Cost of the likelihood ratios.
    reliability:
        Of the likelihood ratios, from those that speak against the same artist to those that speak for it.
    raw, raw_nearest:
        What comes of taking a raw cosine of 0.8 or more, with the prototype or with the nearest work, for a finding.
    """

    queries: int
    artists: int
    wrong_pairs: int
    wrong_below_5: float
    wrong_below_1: float
    outside_below_5: float
    outside_below_1: float
    passed_rate: float
    outside_passed_rate: float
    discovery_rate: float
    outside_discovery_rate: float
    recall: float
    readable_recall: float
    top1: float
    abstention: float
    named: float
    answer_right: float
    cllr: float
    reliability: tuple[Reliability, ...]
    raw: Raw
    raw_nearest: Raw

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values; what cannot be worked out is null."""
        values: dict[str, Any] = _json(asdict(self))
        return values


def figures(held: Held) -> Figures:
    """Sum up what was held out."""
    queries, pairs = held.queries, held.pairs
    every = np.ones(len(queries.known), dtype=bool)
    wrong, outside = ~pairs.own, ~pairs.known
    named = np.isin(queries.outcome, ("artist", "group"))
    passed = queries.passed_wrong / np.maximum(queries.passed, 1)
    rates = queries.wrong / np.maximum(queries.found, 1)

    sizes = Counter(queries.artist)
    weights = np.array([1 / sizes[name] for name in queries.artist])

    def share(values: NDArray[Any], among: Mask) -> float:
        return _mean(values, weights, among)

    def pair_share(values: Mask, among: Mask) -> float:
        return _mean(values, pairs.weights, among)

    return Figures(
        queries=len(every),
        artists=len(set(queries.artist)),
        wrong_pairs=int(wrong.sum()),
        wrong_below_5=pair_share(pairs.p_values <= 0.05, wrong),
        wrong_below_1=pair_share(pairs.p_values <= 0.01, wrong),
        outside_below_5=pair_share(pairs.p_values <= 0.05, outside),
        outside_below_1=pair_share(pairs.p_values <= 0.01, outside),
        passed_rate=share(passed, every),
        outside_passed_rate=share(passed, ~queries.known),
        discovery_rate=share(rates, every),
        outside_discovery_rate=share(rates, ~queries.known),
        recall=share(queries.found_right, queries.known),
        readable_recall=share(queries.found_right, queries.readable),
        top1=share(queries.first_right, queries.known),
        abstention=share(np.array(queries.outcome) == "abstained", every),
        named=share(named, every),
        answer_right=share(queries.answer_right, named),
        cllr=cllr(pairs.log10[pairs.own], pairs.weights[pairs.own], pairs.log10[wrong], pairs.weights[wrong]),
        reliability=reliability(pairs),
        raw=_raw(pairs, pairs.cosines, weights),
        raw_nearest=_raw(pairs, pairs.nearest, weights),
    )


def reliability(pairs: Pairs) -> tuple[Reliability, ...]:
    """Return how often the same artist was right where the likelihood ratios said how often, in tenths."""
    own, weights = pairs.own, pairs.weights.copy()
    if own.all() or not own.any():
        return ()
    for kind in (own, ~own):
        weights[kind] /= 2 * weights[kind].sum()
    said = 1 / (1 + 10.0**-pairs.log10)
    bins = np.minimum((said * BINS).astype(np.int64), BINS - 1)
    total = np.bincount(bins, weights, minlength=BINS)
    sums = np.bincount(bins, weights * said, minlength=BINS), np.bincount(bins, weights * own, minlength=BINS)
    return tuple(
        Reliability(
            float(sums[0][place] / total[place]), float(sums[1][place] / total[place]), float(total[place])
        )
        for place in np.flatnonzero(total)
    )


def _raw(pairs: Pairs, cosines: Numbers, weights: Numbers) -> Raw:
    there = cosines >= RAW_THRESHOLD
    found = np.bincount(pairs.query, there, minlength=len(weights))
    wrong = np.bincount(pairs.query, there & ~pairs.own, minlength=len(weights))
    every = np.ones(len(weights), dtype=bool)
    return Raw(
        right=_mean(there, pairs.weights, pairs.own),
        wrong=_mean(there, pairs.weights, ~pairs.own),
        found=_mean(found > 0, weights, every),
        discovery_rate=_mean(wrong / np.maximum(found, 1), weights, every),
    )


def _json(values: Any) -> Any:
    if isinstance(values, dict):
        return {name: _json(value) for name, value in values.items()}
    if isinstance(values, tuple):
        return [_json(value) for value in values]
    return None if isinstance(values, float) and math.isnan(values) else values


def _mean(values: NDArray[Any], weights: Numbers, among: Mask) -> float:
    return float(np.average(values[among], weights=weights[among])) if among.any() else float("nan")
