"""Monotone fits: what rises with a score, from samples that do not quite."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def rising_shares(hits: Numbers, total: Numbers) -> Numbers:
    """Return ``[n]`` shares that never fall and are nearest to those seen: pool adjacent violators.

    Parameters
    ----------
    hits, total:
        ``[n]`` weights of what was counted and of all, in the order in which the share should rise. A place without
        weight goes with the one before it.

    Returns
    -------
    ndarray
        ``[n]``, 0 to 1; NaN before the first place that has weight.
    """
    blocks: list[list[float]] = []  # hits, total, places
    for hit, all_, places in _with_weight(hits, total):
        blocks.append([hit, all_, places])
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] >= blocks[-1][0] * blocks[-2][1]:
            last = blocks.pop()
            blocks[-1] = [one + other for one, other in zip(blocks[-1], last, strict=True)]
    shares = [np.full(int(places), hit / all_) for hit, all_, places in blocks]
    before = len(hits) - sum(map(len, shares))
    return np.concatenate([np.full(before, np.nan), *shares])


def _with_weight(hits: Numbers, total: Numbers) -> list[tuple[float, float, int]]:
    """Return the places that have weight, each with the number of places up to the next."""
    starts = np.flatnonzero(total > 0)
    ends = np.append(starts[1:], len(total))
    return [
        (float(hits[start]), float(total[start]), int(end - start))
        for start, end in zip(starts, ends, strict=True)
    ]
