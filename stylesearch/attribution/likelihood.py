"""Likelihood ratios: how many times likelier a score is of the artist's own work than of another's; and their quality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stylesearch.attribution.null import STEPS, Null, steps_of
from stylesearch.attribution.pooling import rising_shares

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LikelihoodRatios:
    """What a standard score is worth as evidence.

    Attributes
    ----------
    starts:
        ``[blocks]`` first step of each block of scores that have one ratio.
    log10:
        ``[blocks]`` the decimal logarithm of the ratio, rising.
    artists, pairs:
        How many artists the same-artist scores are of, and pairs the different-artist scores.
    """

    starts: NDArray[np.int64]
    log10: Numbers
    artists: int
    pairs: int

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest ratio that the sample bears."""
        return 10 ** float(self.log10[0]), 10 ** float(self.log10[-1])

    def of(self, scores: Numbers) -> Numbers:
        """Return the decimal logarithm of the ratio of standard scores; NaN where a score is NaN."""
        known = ~np.isnan(scores)
        values = np.full(scores.shape, np.nan)
        places = np.searchsorted(self.starts, steps_of(scores[known]), side="right") - 1
        values[known] = self.log10[np.maximum(places, 0)]
        return values


def fit_likelihood(own: Numbers, weights: Numbers, null: Null) -> LikelihoodRatios:
    """Fit the ratio of two distributions of scores by pooling adjacent violators, within what the sample bears.

    No sample shows how rare the rarest is. So one more artist's works are taken to score lower than all, and one more pair
    of artists to score higher than all: the ratio stays within what those two would leave of it, as in the empirical
    bounds of Vergeer et al. 2016.

    Parameters
    ----------
    own:
        ``[n]`` standard scores of works against their own artist, as if they were none of the artist's works.
    weights:
        ``[n]`` how much each counts; the weights of one artist's works sum to 1.
    null:
        The scores of works against other artists.
    """
    artists = round(float(weights.sum()))
    same = np.zeros(STEPS + 2)
    same[1:-1] = np.bincount(steps_of(own), weights, minlength=STEPS)
    same[0] = 1.0
    different = np.zeros(STEPS + 2)
    different[1:-1] = null.weights
    different[-1] = 1.0
    same /= artists + 1
    different /= null.pairs + 1
    shares = rising_shares(same, same + different)
    inner = shares[1:-1]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(inner)) + 1]).astype(np.int64)
    # Neither share can be 0 or 1: the two pairs that were added are in the outermost blocks.
    odds = inner[starts] / (1 - inner[starts])
    return LikelihoodRatios(starts, np.log10(odds), artists, null.pairs)


def cllr(same: Numbers, same_weights: Numbers, different: Numbers, different_weights: Numbers) -> float:
    """Return the cost of likelihood ratios: 0 for perfect ones, 1 for those that say nothing, above 1 for misleading ones.

    Parameters
    ----------
    same, different:
        Decimal logarithms of the ratios of works against their own artist and against others.
    same_weights, different_weights:
        How much each counts.
    """
    natural = np.log(10)
    missed = np.average(np.logaddexp(0, -natural * same), weights=same_weights)
    misled = np.average(np.logaddexp(0, natural * different), weights=different_weights)
    return float((missed + misled) / (2 * np.log(2)))
