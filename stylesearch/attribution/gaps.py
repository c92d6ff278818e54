"""The discrimination gap of an artist where works are scored against all of an artist's works at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stylesearch.attribution.prototypes import Prototypes
from stylesearch.attribution.set_scores import SetScores
from stylesearch.attribution.sure_works import SureWorks
from stylesearch.evaluation.labels import Indices
from stylesearch.evaluation.resampling import Counts, resample_counts

Numbers = NDArray[np.float64]

RIVALS = 5
"""Makers nearest to an artist, among whom each resample looks for the nearest."""

RESAMPLES = 400
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class SetGap:
    """How far an artist's own works score above those of the maker whose works score highest against the artist.

    Attributes
    ----------
    gap:
        Median score of the artist's own works, each as if it were none of them, less the highest median of a maker's.
    low, high:
        Interval of the gap from drawing works anew; NaN where there are too few.
    rival:
        Artists of that maker.
    """

    gap: float
    low: float
    high: float
    rival: tuple[str, ...]

    @property
    def tells_apart(self) -> bool:
        """Whether the whole interval is above 0: only then may a score against the artist be read at all."""
        return self.low > 0


def set_gaps(
    works: SureWorks,
    prototypes: Prototypes,
    scores: SetScores,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[SetGap]:
    """Work out the gap of every artist who has a prototype, with a bootstrap interval.

    The gap is that of Frochte 2026 (arXiv 2605.09030) with pooled scores, the kind that is reported. Works are drawn anew
    with replacement, the artist's own as those that one is compared with, too; a work drawn twice is not compared with
    itself.
    """
    makers = works.makers[scores.chosen]
    kept = {maker: np.flatnonzero(makers == maker) for maker in np.unique(makers).tolist()}
    columns = works.numbers_of(prototypes.artists).tolist()
    sizes = np.array([len(rows) for rows in kept.values()], dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    order = np.concatenate(list(kept.values()))
    numbers = np.array(list(kept), dtype=np.int64)
    found = []
    for column, artist in enumerate(columns):
        mine = scores.own_rows[scores.own_columns == column]
        own = scores.own_scores[scores.own_columns == column]
        medians = _medians(scores.table[order, column].astype(np.float64), starts, sizes)
        medians[(works.maker_artists[numbers] == artist).any(axis=1)] = -np.inf
        rivals = np.argsort(-medians, kind="stable")[:RIVALS]
        rivals = rivals[np.isfinite(medians[rivals])]
        if not len(mine) or not len(rivals):
            found.append(SetGap(float("nan"), float("nan"), float("nan"), ()))
            continue
        rows = [mine, *(kept[int(numbers[rival])] for rival in rivals)]
        low, high = _interval(works, prototypes, scores, column, rows, (resamples, seed))
        names = works.maker_artists[numbers[rivals[0]]]
        found.append(
            SetGap(
                float(np.median(own) - medians[rivals[0]]),
                low,
                high,
                tuple(works.artists[place] for place in names if place >= 0),
            )
        )
    return found


def _medians(values: Numbers, starts: Indices, sizes: Indices) -> Numbers:
    """Return the median of each run of values, which begin at the starts and have these sizes."""
    runs = np.repeat(np.arange(len(sizes)), sizes)
    ordered = values[np.lexsort((values, runs))]
    medians: Numbers = (ordered[starts + (sizes - 1) // 2] + ordered[starts + sizes // 2]) / 2
    return medians


def _interval(
    works: SureWorks,
    prototypes: Prototypes,
    scores: SetScores,
    column: int,
    rows: list[Indices],
    draws: tuple[int, int],
) -> tuple[float, float]:
    """Return the interval of one artist's gap; ``rows`` are the artist's own works and each rival's."""
    resamples, seed = draws
    own, *others = rows
    if len(own) < 2:
        return float("nan"), float("nan")
    pool = works.rows[scores.chosen[own]].astype(np.float64)
    counts = resample_counts(len(own), resamples, seed=(seed, column, 0))
    gaps = _own_medians(_pairs(works, prototypes, scores, column, own, pool), counts)
    nearest = np.full(resamples, -np.inf)
    for number, rival in enumerate(others, 1):
        table = _pairs(works, prototypes, scores, column, rival, pool)
        drawn = resample_counts(len(rival), resamples, seed=(seed, column, number))
        nearest = np.maximum(nearest, _weighted_medians(counts @ table.T / len(own), drawn))
    gaps = gaps - nearest
    gaps = gaps[np.isfinite(gaps)]
    if not len(gaps):
        return float("nan"), float("nan")
    low, high = np.quantile(gaps, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _pairs(
    works: SureWorks, prototypes: Prototypes, scores: SetScores, column: int, rows: Indices, pool: Numbers
) -> Numbers:
    """Return ``[rows, pool]`` CSLS of works with each of an artist's works."""
    vectors = works.rows[scores.chosen[rows]].astype(np.float64)
    # What is crowded around each work is what its score lacks of twice the mean cosine.
    taken_off = 2 * vectors @ prototypes.means[column] - scores.table[rows, column]
    table: Numbers = 2 * vectors @ pool.T - taken_off[:, None]
    return table


def _own_medians(table: Numbers, counts: Counts) -> Numbers:
    total = counts.sum(axis=1, keepdims=True) - counts
    sums = counts @ table.T - counts * np.diag(table)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = sums / total
    return _weighted_medians(np.where(total > 0, values, np.nan), counts)


def _weighted_medians(values: Numbers, counts: Counts) -> Numbers:
    """Return ``[resamples]``: the median of each row, a value counted as often as it was drawn; NaN where none was."""
    weights = np.where(np.isnan(values), 0, counts)
    order = np.argsort(values, axis=1)  # NaN comes last, without weight
    ordered = np.take_along_axis(values, order, axis=1)
    summed = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    total = summed[:, -1]
    lower = np.argmax(summed >= ((total + 1) // 2)[:, None], axis=1)
    upper = np.argmax(summed >= (total // 2 + 1)[:, None], axis=1)
    rows = np.arange(len(values))
    medians = (ordered[rows, lower] + ordered[rows, upper]) / 2
    return np.where(total > 0, medians, np.nan)
