"""The figures themselves, from hits in the order of their ranks, or from scores.

What is counted is what the released code of the CSD paper (Somepalli et al. 2024, arXiv 2404.01292) counts, in
``Metrics.get_recall``, ``get_map`` and their ``_bin`` forms for label matrices:

- A gallery image is a *hit* for a query if the two share at least one label. Sharing more of them counts no more.
- **Recall@k** is the share of queries with at least one hit among their first k results. It is not the share of all
  hits that were found.
- **mAP@k** is, for each query, the mean over r = 1 … k of precision@r, which is the number of hits among the first r
  divided by r; then the mean over queries. Ranks without a hit count too, so it is not average precision: a query whose
  one hit comes first gets (1 + 1/2 + … + 1/k) / k, not 1. How many hits there are in the gallery plays no part.
- A query without any hit counts as 0 in both; the sums are divided by the number of all queries.

The paper's text says the same of mAP ("average over precision at each rank in N, and then averaged over all queries").
Beside it stands average precision as it is defined elsewhere, in :func:`average_precision` and
:func:`average_precision_at`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stylesearch.errors import InputError
from stylesearch.evaluation.labels import Indices, Mask


def recall_at(hits: Mask, k: int) -> float:
    """Return Recall@k, 0 to 1: the share of queries with a hit among the first k results.

    Parameters
    ----------
    hits:
        ``[queries, ranks]``, nearest first.
    k:
        1 to the number of ranks.

    Raises
    ------
    InputError
        ``k``, if there are fewer ranks than k, or ``empty`` if there is no query.
    """
    return float(_first(hits, k).any(axis=1).mean())


def map_at(hits: Mask, k: int) -> float:
    """Return mAP@k, 0 to 1, as the CSD paper's code counts it: the mean of precision@r over r = 1 … k and queries.

    Parameters and errors as for :func:`recall_at`.
    """
    return float(precision_by_rank(_first(hits, k)).mean())


def precision_by_rank(hits: Mask) -> NDArray[np.float64]:
    """Return ``[ranks]``: precision@r, the share of hits among the first r results, averaged over queries.

    Parameters and errors as for :func:`recall_at`.
    """
    counted = np.cumsum(_first(hits, hits.shape[1]), axis=1, dtype=np.int64)
    precision: NDArray[np.float64] = counted.mean(axis=0) / np.arange(1, hits.shape[1] + 1)
    return precision


def average_precision_at(hits: Mask, relevant: Indices, k: int) -> float:
    """Return average precision cut off at k, averaged over queries, 0 to 1.

    For each query: precision@r summed over those ranks r ≤ k that hold a hit, divided by the number of hits that k ranks
    could hold at best, min(k, relevant). So the best ranking gets 1 at every k, and with k the whole gallery it is
    :func:`average_precision`.

    Parameters
    ----------
    hits, k:
        As for :func:`recall_at`.
    relevant:
        ``[queries]`` how many hits the gallery holds for each, at least 1.

    Raises
    ------
    InputError
        As for :func:`recall_at`; ``no_relevant``, if a query has no hit in the gallery at all.
    """
    first = _first(hits, k)
    if (relevant < 1).any():
        raise InputError(
            "Average precision is not defined for a query without any hit in the gallery.",
            hint="Leave such queries out.",
            code="no_relevant",
        )
    precision = np.cumsum(first, axis=1) / np.arange(1, k + 1)
    return float(((precision * first).sum(axis=1) / np.minimum(k, relevant)).mean())


def average_precision(scores: NDArray[np.floating], relevant: Mask) -> float:
    """Return the average precision of one query over its whole ranking, 0 to 1.

    The mean, over the relevant items, of the precision among all items that score at least as high. Items of one score
    stand at one rank, as in scikit-learn, so the order in which they are given changes nothing.

    Parameters
    ----------
    scores:
        ``[items]``; ``-inf`` for an item that is not in the gallery.
    relevant:
        ``[items]``.

    Raises
    ------
    InputError
        ``no_relevant``, if no item is.
    """
    wanted, every = np.sort(scores[relevant]), np.sort(scores)
    if not len(wanted):
        raise InputError(
            "Average precision is not defined without a relevant item.",
            hint="Leave such queries out.",
            code="no_relevant",
        )
    hits = len(wanted) - np.searchsorted(wanted, wanted, "left")
    items = len(every) - np.searchsorted(every, wanted, "left")
    return float((hits / items).mean())


def roc_auc(wanted: NDArray[np.floating], lures: NDArray[np.floating]) -> float:
    """Return the chance that a score of the first kind is above one of the second, equal ones counted half.

    Parameters
    ----------
    wanted, lures:
        One-dimensional, neither empty.

    Raises
    ------
    InputError
        ``empty``, if either is.
    """
    if not len(wanted) or not len(lures):
        raise InputError("An AUC needs scores of both kinds.", code="empty")
    ordered = np.sort(lures)
    below = np.searchsorted(ordered, wanted, "left") + np.searchsorted(ordered, wanted, "right")
    return float(below.mean() / (2 * len(ordered)))


def _first(hits: Mask, k: int) -> Mask:
    if not len(hits):
        raise InputError(
            "There is no query to measure.", hint="Check the labels and the split.", code="empty"
        )
    if not 1 <= k <= hits.shape[1]:
        raise InputError(
            f"There are {hits.shape[1]} ranks; nothing can be said at k = {k}.",
            hint="Ask for a k from 1 to the number of results.",
            code="k",
        )
    return hits[:, :k]
