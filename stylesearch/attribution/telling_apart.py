"""How far ahead the first artist must be for the second to be ruled out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stylesearch.attribution.pooling import rising_shares

CERTAINTY = 0.9
"""Share of works of which the first of two artists is to be the right one, at the lead where the first is named alone."""

STEP = 0.01


def least_lead(standard: NDArray[np.float64], own: NDArray[np.bool_], weights: NDArray[np.float64]) -> float:
    """Return the lead in standard scores from which on the first artist is told apart from the second.

    Among works by either of their first two artists, the share whose maker is the first rises with the lead; where its
    monotone fit reaches 90 %, the two are told apart. Infinity, if it never does.

    Parameters
    ----------
    standard:
        ``[n, artists]`` standard scores of works, with those of own works as if they were none of the artist's.
    own:
        ``[n, artists]`` who made them.
    weights:
        ``[n]`` how much each counts.
    """
    if standard.shape[1] < 2:
        return float("inf")
    scores = np.where(np.isnan(standard), -np.inf, standard)
    first_two = np.argsort(-scores, axis=1, kind="stable")[:, :2]
    values = np.take_along_axis(scores, first_two, axis=1)
    right = np.take_along_axis(own, first_two, axis=1)
    asked = right.any(axis=1) & np.isfinite(values).all(axis=1)
    if not asked.any():
        return float("inf")
    leads = values[asked, 0] - values[asked, 1]
    bins = np.minimum((leads / STEP).astype(np.int64), round(50 / STEP))
    total = np.bincount(bins, weights[asked])
    hits = np.bincount(bins, weights[asked] * right[asked, 0], minlength=len(total))
    # As if one artist's works were misjudged beyond the largest lead seen: few works far ahead settle nothing.
    shares = rising_shares(np.append(hits, 0.0), np.append(total, 1.0))[:-1]
    enough = np.flatnonzero(shares >= CERTAINTY)
    return float(enough[0] * STEP) if len(enough) else float("inf")
