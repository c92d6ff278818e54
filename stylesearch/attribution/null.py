"""The null: how works of other artists score against an artist, and the p-value that follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stylesearch.attribution.set_scores import SetScores
from stylesearch.attribution.sure_works import SureWorks
from stylesearch.evaluation.labels import Indices, Mask

Numbers = NDArray[np.float64]

LOWEST, HIGHEST, STEPS_EACH = -16.0, 48.0, 256
"""Standard scores are told apart in so many steps a unit, from the lowest to the highest; beyond, they count as these."""

STEPS = round((HIGHEST - LOWEST) * STEPS_EACH)
SHOWN_LOW, SHOWN_HIGH, SHOWN = -4.0, 8.0, 48
"""The range and the number of bars of the coarse histogram that is kept of each artist's own null, for plots."""

LEAST_SPREAD = 1e-6
_COLUMNS_AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class Null:
    """Standard scores of works by others, all artists together.

    A score is made standard by the centre and the spread of its artist's own null. So the nulls of all artists are one
    scale, and together they are a sample large enough for small p-values.

    Attributes
    ----------
    weights:
        ``[STEPS]`` how much of the null is in each step. Every pair of an artist and another maker weighs 1, however many
        works that maker has: works of one maker are alike, and are no independent witnesses.
    pairs:
        How many such pairs there are: the n of the p-value.
    """

    weights: Numbers
    pairs: int

    @property
    def floor(self) -> float:
        """The smallest p-value that there can be."""
        return 1 / (self.pairs + 1)

    def p_values(self, scores: Numbers) -> Numbers:
        """Return the conformal p-value of standard scores: ``(1 + weight of the null at or above) / (n + 1)``.

        NaN, where a score is NaN.
        """
        above = np.append(np.cumsum(self.weights[::-1])[::-1], 0.0)
        known = ~np.isnan(scores)
        values = np.full(scores.shape, np.nan)
        values[known] = (1 + above[steps_of(scores[known])]) / (self.pairs + 1)
        conformal: Numbers = np.minimum(values, 1.0)
        return conformal


@dataclass(frozen=True, slots=True)
class Standards:
    """What makes scores against each artist standard, from the works by others that are compared with the artist.

    Attributes
    ----------
    centre, spread:
        ``[artists]`` mean and standard deviation of the null's scores, each maker weighing the same.
    makers, works:
        ``[artists]`` how many makers and works the null has.
    shown:
        ``[artists, SHOWN]`` share of the null in each bar of a histogram.
    """

    centre: Numbers
    spread: Numbers
    makers: Indices
    works: Indices
    shown: NDArray[np.float32]

    def of(self, scores: Numbers) -> Numbers:
        """Return ``[..., artists]`` scores made standard."""
        standard: Numbers = (scores - self.centre) / self.spread
        return standard


def steps_of(scores: Numbers) -> Indices:
    """Return the step that each standard score is in."""
    inside = np.clip(scores, LOWEST, np.nextafter(HIGHEST, LOWEST))
    steps: Indices = ((inside - LOWEST) * STEPS_EACH).astype(np.int64)
    return steps


def fit_null(works: SureWorks, scores: SetScores, compared: Mask) -> tuple[Null, Standards]:
    """Gather the null.

    Parameters
    ----------
    works, scores:
        The gallery and its scores.
    compared:
        ``[n, artists]`` which works are in which artist's null: by other makers, and matched.
    """
    order = np.argsort(works.makers[scores.chosen], kind="stable")
    makers = works.makers[scores.chosen][order]
    starts = np.flatnonzero(np.diff(makers, prepend=-1))
    weights = np.zeros(STEPS)
    parts = [
        _fit_part(scores.table[order, at : at + _COLUMNS_AT_ONCE], compared[order, at : at + _COLUMNS_AT_ONCE], starts, weights)
        for at in range(0, scores.table.shape[1], _COLUMNS_AT_ONCE)
    ]  # fmt: skip
    standards = Standards(*(np.concatenate(fields) for fields in zip(*parts, strict=True)))
    return Null(weights, int(standards.makers.sum())), standards


def _fit_part(
    table: NDArray[np.float32], compared: Mask, starts: Indices, weights: Numbers
) -> tuple[Numbers, Numbers, Indices, Indices, NDArray[np.float32]]:
    """Work out the standards of some artists, and add what their nulls weigh; the rows of a maker stand together."""
    values = table.astype(np.float64)
    numbers = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(table))))
    counts = np.add.reduceat(compared.astype(np.float64), starts, axis=0)
    size = np.maximum(counts, 1)
    means = np.add.reduceat(np.where(compared, values, 0.0), starts, axis=0) / size
    squares = np.add.reduceat(np.where(compared, values**2, 0.0), starts, axis=0) / size
    count = (counts > 0).sum(axis=0)
    centre = means.sum(axis=0) / np.maximum(count, 1)
    spread = _spread(squares.sum(axis=0) / np.maximum(count, 1), centre)
    # A maker's scores are made standard by the null without that maker, as those of a newcomer are.
    others = np.maximum(count - 1, 1)
    centre_without = (means.sum(axis=0) - means) / others
    spread_without = _spread((squares.sum(axis=0) - squares) / others, centre_without)
    standard = (values - centre_without[numbers]) / spread_without[numbers]
    shares = np.where(compared, 1 / size[numbers], 0.0)
    weights += np.bincount(steps_of(standard[compared]), shares[compared], minlength=STEPS)
    shown = np.zeros((table.shape[1], SHOWN), dtype=np.float32)
    bars = ((values - centre) / spread - SHOWN_LOW) * (SHOWN / (SHOWN_HIGH - SHOWN_LOW))
    rows, columns = np.nonzero(compared)
    np.add.at(
        shown,
        (columns, np.clip(bars[rows, columns].astype(np.int64), 0, SHOWN - 1)),
        (shares / np.maximum(count, 1))[rows, columns],
    )
    return centre, spread, count.astype(np.int64), compared.sum(axis=0).astype(np.int64), shown


def _spread(mean_square: Numbers, mean: Numbers) -> Numbers:
    return np.sqrt(np.maximum(mean_square - mean**2, LEAST_SPREAD**2))
