"""Compares two kinds of pairs by their scores, over millions of pairs without keeping any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stylesearch.encoders.protocol import Descriptors
from stylesearch.errors import InputError
from stylesearch.evaluation.labels import Indices, Mask
from stylesearch.evaluation.ranking import cosines, row_chunks

Kinds = Callable[[int, int], tuple[Mask, Mask]]
"""Given the bounds of some rows, returns two ``[rows, images]`` masks: which of their pairs are wanted, and which lures."""

STEPS = 1 << 22
"""Scores are told apart in so many equal steps over their range: for cosines to 5e-7, about what single precision holds."""

SHOWN = 256
"""Steps of the coarse histogram that is kept for plots."""


@dataclass(frozen=True, slots=True)
class PairScores:
    """How well scores tell wanted pairs from lures.

    Attributes
    ----------
    auc:
        The chance that a wanted pair scores higher than a lure, equal scores counted half; 0.5 is no preference.
    wanted, lures:
        How many pairs of either kind there are, each counted once.
    low, high:
        The range of the histograms.
    wanted_histogram, lures_histogram:
        Pairs in each of :data:`SHOWN` equal steps of that range.
    """

    auc: float
    wanted: int
    lures: int
    low: float
    high: float
    wanted_histogram: tuple[int, ...]
    lures_histogram: tuple[int, ...]


class _Tally:
    """Counts scores from ``-limit`` to ``limit`` by :data:`STEPS` steps."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.counts = np.zeros(STEPS, dtype=np.int64)

    def add(self, scores: NDArray[np.float32]) -> None:
        steps = ((scores.astype(np.float64) + self.limit) * (STEPS / (2 * self.limit))).astype(np.int64)
        np.add.at(self.counts, np.clip(steps, 0, STEPS - 1), 1)

    @property
    def total(self) -> int:
        return int(self.counts.sum())

    @property
    def coarse(self) -> tuple[int, ...]:
        return tuple(self.counts.reshape(SHOWN, -1).sum(axis=1).tolist())


def compare_pairs(
    descriptors: Descriptors,
    kinds: Kinds,
    *,
    density: NDArray[np.float64] | None = None,
    chunk: int | None = None,
) -> PairScores:
    """Score every pair of images once and compare the two kinds.

    Parameters
    ----------
    descriptors:
        ``[n, dim]`` from :func:`~stylesearch.evaluation.ranking.unit`.
    kinds:
        Which pairs are wanted and which are lures; the rest are not looked at.
    density:
        ``[n]``; if given, the score of a pair is CSLS, twice the cosine less both densities, and not the cosine.
    chunk:
        Rows at a time.

    Raises
    ------
    InputError
        ``no_pairs``, if there is no pair of one kind.
    """
    limit = 1.0 if density is None else 4.0
    wanted, lures = _Tally(limit), _Tally(limit)
    count = len(descriptors)
    places = np.arange(count)
    for start, stop in row_chunks(count, count, chunk):
        scores = cosines(descriptors[start:stop], descriptors)
        if density is not None:
            scores = (2.0 * scores - density[start:stop, None] - density).astype(np.float32)
        later = places > places[start:stop, None]
        for tally, mask in zip((wanted, lures), kinds(start, stop), strict=True):
            tally.add(scores[mask & later])
    if not wanted.total or not lures.total:
        raise InputError(
            f"There are {wanted.total} pairs of the one kind and {lures.total} of the other, so they cannot be compared.",
            hint="Both kinds are needed; check the labels.",
            code="no_pairs",
        )
    return PairScores(
        auc=_auc(wanted.counts, lures.counts),
        wanted=wanted.total,
        lures=lures.total,
        low=-limit,
        high=limit,
        wanted_histogram=wanted.coarse,
        lures_histogram=lures.coarse,
    )


def _auc(wanted: Indices, lures: Indices) -> float:
    below = np.cumsum(lures) - lures
    won = np.dot(wanted.astype(np.float64), below + lures / 2)
    return float(won / (float(wanted.sum()) * float(lures.sum())))
