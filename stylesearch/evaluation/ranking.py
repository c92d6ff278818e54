"""Ranks a gallery for every query by cosine, a part at a time, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stylesearch.encoders.protocol import Descriptors
from stylesearch.errors import InputError
from stylesearch.evaluation.labels import Indices, Mask, Relevance
from stylesearch.evaluation.metrics import average_precision

Scores = NDArray[np.float32]

SCORES_AT_ONCE = 1 << 23
"""Scores held at a time: 32 MB, and a few times as much while they are sorted."""

_BLOCK = 8192


def unit(descriptors: NDArray[np.floating]) -> Descriptors:
    """Return descriptors as float32 of unit norm, having checked that they can be compared.

    Parameters
    ----------
    descriptors:
        ``[n, dim]``, of any floating type and any norm above 0.

    Raises
    ------
    InputError
        ``descriptors``, if the array has another shape or type, is empty, or a row is not finite or all zero.
    """
    if descriptors.ndim != 2 or 0 in descriptors.shape or not np.issubdtype(descriptors.dtype, np.floating):
        raise InputError(
            f"Descriptors are floating-point numbers [images, dim], not {descriptors.dtype} {list(descriptors.shape)}.",
            hint="Make them with 'stylesearch encode'.",
            code="descriptors",
        )
    single = descriptors.astype(np.float32)
    norms = np.linalg.norm(single, axis=1)
    bad = np.flatnonzero(~np.isfinite(norms) | (norms == 0))
    if len(bad):
        what = "is all zero" if norms[bad[0]] == 0 else "is not finite"
        raise InputError(
            f"Descriptor {bad[0]} {what}, and {len(bad) - 1} more cannot be compared either.",
            hint="Make them again; a descriptor with NaN says nothing about its image.",
            code="descriptors",
        )
    rows: Descriptors = single / norms[:, None]
    return rows


def cosines(queries: Descriptors, gallery: Descriptors) -> Scores:
    """Return ``[queries, gallery]`` inner products, worked out in double and rounded to single precision.

    Rounded so, equal descriptors have equal scores, and it does not matter which part of a gallery they are worked out
    with.
    """
    scores = np.empty((len(queries), len(gallery)), dtype=np.float32)
    left = queries.astype(np.float64)
    for start in range(0, len(gallery), _BLOCK):
        scores[:, start : start + _BLOCK] = left @ gallery[start : start + _BLOCK].astype(np.float64).T
    return scores


def row_chunks(rows: int, columns: int, chunk: int | None = None) -> Iterator[tuple[int, int]]:
    """Yield the bounds of the parts that a table of scores is worked through in.

    Parameters
    ----------
    chunk:
        Rows at a time; by default as many as :data:`SCORES_AT_ONCE` allows.
    """
    step = chunk or max(1, SCORES_AT_ONCE // columns)
    for start in range(0, rows, step):
        yield start, min(start + step, rows)


@dataclass(frozen=True, slots=True)
class Ranking:
    """The first k results of every query.

    Attributes
    ----------
    nearest:
        ``[queries, k]`` gallery indices, nearest first; of equal scores the one that comes first in the gallery.
    hits:
        ``[queries, k]`` whether they are hits.
    relevant:
        ``[queries]`` hits that the gallery holds.
    candidates:
        ``[queries]`` gallery images that were ranked.
    average_precision:
        ``[queries]`` over the whole ranking; NaN where nothing is relevant.
    """

    nearest: Indices
    hits: Mask
    relevant: Indices
    candidates: Indices
    average_precision: NDArray[np.float64]


def candidate_counts(
    query_groups: Indices | None, gallery_groups: Indices | None, queries: int, gallery: int
) -> Indices:
    """Return ``[queries]``: how many gallery images each is compared with; see :func:`rank`."""
    if query_groups is None or gallery_groups is None:
        return np.full(queries, gallery, dtype=np.int64)
    groups, sizes = np.unique(gallery_groups, return_counts=True)
    if not len(groups):
        return np.zeros(queries, dtype=np.int64)
    places = np.minimum(np.searchsorted(groups, query_groups), len(groups) - 1)
    own = np.where(groups[places] == query_groups, sizes[places], 0)
    counts: Indices = gallery - own
    return counts


def rank(
    queries: Descriptors,
    gallery: Descriptors,
    relevance: Relevance,
    *,
    k: int,
    query_groups: Indices | None = None,
    gallery_groups: Indices | None = None,
    chunk: int | None = None,
) -> Ranking:
    """Rank the gallery for every query.

    Parameters
    ----------
    queries, gallery:
        From :func:`unit`.
    relevance:
        What is a hit for which query.
    k:
        Results to keep, at most the fewest candidates that a query has.
    query_groups, gallery_groups:
        ``[queries]`` and ``[gallery]`` numbers: gallery images of a query's own group are not ranked for it. That leaves
        out the query itself, and other pictures of the same thing.
    chunk:
        Queries at a time.
    """
    count = len(queries)
    nearest = np.empty((count, k), dtype=np.int64)
    hits = np.empty((count, k), dtype=bool)
    relevant = np.empty(count, dtype=np.int64)
    precision = np.full(count, np.nan)
    for start, stop in row_chunks(count, len(gallery), chunk):
        scores = cosines(queries[start:stop], gallery)
        wanted = relevance.rows(start, stop)
        if query_groups is not None and gallery_groups is not None:
            own = query_groups[start:stop, None] == gallery_groups
            scores[own] = -np.inf
            wanted &= ~own
        nearest[start:stop] = _top(scores, k)
        hits[start:stop] = np.take_along_axis(wanted, nearest[start:stop], axis=1)
        relevant[start:stop] = wanted.sum(axis=1)
        for row in np.flatnonzero(relevant[start:stop]):
            precision[start + row] = average_precision(scores[row], wanted[row])
    candidates = candidate_counts(query_groups, gallery_groups, count, len(gallery))
    return Ranking(nearest, hits, relevant, candidates, precision)


def _top(scores: Scores, k: int) -> Indices:
    """Return ``[rows, k]`` indices of the highest scores, highest first, of equal ones the first."""
    bits = (scores + np.float32(0.0)).view(np.int32)  # adding nothing turns -0.0 into 0.0, which it equals
    ordered = np.where(
        bits < 0, bits ^ np.int32(0x7FFFFFFF), bits
    )  # now the integers are in the floats' order
    # No two keys are equal, so the choice is the same whichever way the selection goes about it.
    keys = (ordered.astype(np.int64) << 32) - np.arange(scores.shape[1])
    chosen = np.argpartition(keys, -k, axis=1)[:, -k:]
    by_rank = np.argsort(-np.take_along_axis(keys, chosen, axis=1), axis=1)
    top: Indices = np.take_along_axis(chosen, by_rank, axis=1)
    return top
