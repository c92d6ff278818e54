"""Medians over pairs, and how far they might be otherwise had other works been drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int32]


def resample_counts(size: int, resamples: int, *, seed: tuple[int, ...]) -> Counts:
    """Return ``[resamples, size]``: how often each of ``size`` works is drawn when as many are drawn with replacement."""
    dice = np.random.default_rng(seed)
    return dice.multinomial(size, np.full(size, 1 / size), size=resamples).astype(np.int32)


def resampled_medians(
    scores: NDArray[np.floating], left_counts: Counts, right_counts: Counts, *, own: bool = False
) -> NDArray[np.float64]:
    """Return the median over pairs for each resample, a pair counted as often as its two works were drawn together.

    Parameters
    ----------
    scores:
        ``[left works, right works]``.
    left_counts, right_counts:
        ``[resamples, works]`` from :func:`resample_counts`, for either side.
    own:
        Whether both sides are the same works, so that a pair is one of different works and counts once.

    Returns
    -------
    ndarray
        ``[resamples]``; NaN for a resample in which no pair is left.
    """
    flat = scores.ravel().astype(np.float64)
    pairs = np.flatnonzero(np.triu(np.ones(scores.shape, dtype=bool), 1)) if own else np.arange(flat.size)
    order = pairs[np.argsort(flat[pairs])]
    ordered = flat[order]
    medians = np.full(len(left_counts), np.nan)
    # One resample at a time, as its numbers then stay in the processor's cache.
    for row, (left, right) in enumerate(zip(left_counts, right_counts, strict=True)):
        counted = np.multiply.outer(left, right).ravel().take(order).cumsum()
        total = int(counted[-1])
        if total:
            # The two middle places, which are one and the same where the total is odd.
            lower, upper = counted.searchsorted([(total + 1) // 2, total // 2 + 1])
            medians[row] = (ordered[lower] + ordered[upper]) / 2
    return medians
