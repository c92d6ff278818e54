"""Which labels each image has, and which images of a gallery are hits for it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylesearch.errors import InputError

Mask = NDArray[np.bool_]
Indices = NDArray[np.int64]

Labels = Any
"""Labels of n images, in any of these forms:

- n names or numbers, one an image; ``None`` for an image that has none;
- n sets (or lists, or tuples) of names or numbers;
- a matrix ``[n, labels]``, dense or SciPy sparse, in which whatever is not zero says that the image has the label.
"""


@dataclass(frozen=True, slots=True)
class _Sets:
    """Label sets in one array: image i has ``values[ends[i - 1] : ends[i]]``.

    ``columns`` is the width of the matrix they came from, ``None`` where they were names or numbers.
    """

    counts: Indices
    values: Sequence[Hashable]
    columns: int | None


def label_count(labels: Labels) -> int:
    """Return how many images a set of labels is for."""
    return int(labels.shape[0]) if hasattr(labels, "shape") else len(labels)


def label_sets(labels: Labels) -> list[frozenset[Any]]:
    """Return each image's labels as a set.

    Raises
    ------
    InputError
        If the labels are in none of the forms of :data:`Labels`.
    """
    sets = _read(labels)
    ends = np.cumsum(sets.counts)
    return [frozenset(sets.values[end - count : end]) for count, end in zip(sets.counts, ends, strict=True)]


class Relevance:
    """Tells which gallery images share at least one label with a query.

    That is what the CSD paper's released code counts as a hit: it multiplies boolean label matrices, in which sharing
    two labels is no more than sharing one.

    Parameters
    ----------
    queries, gallery:
        See :data:`Labels`. Two matrices must have the same columns; names and numbers are matched by value.

    Raises
    ------
    InputError
        If the labels are in none of those forms, or one is a matrix and the other is not.
    """

    def __init__(self, queries: Labels, gallery: Labels) -> None:
        left, right = _read(queries), _read(gallery)
        if left.columns != right.columns:
            raise InputError(
                "The labels of the queries and of the gallery are of different kinds.",
                hint="Give both as names, both as sets, or both as matrices with the same columns.",
                code="labels",
            )
        codes: dict[Hashable, int] = {}
        self._gallery_ids = _coded(right.values, codes)
        self._query_ids = _coded(left.values, codes)
        self._ends = np.concatenate([[0], np.cumsum(left.counts)])
        self.queries, self.gallery = len(left.counts), len(right.counts)
        self._single = bool((left.counts == 1).all() and (right.counts == 1).all())
        owners = np.repeat(np.arange(self.gallery), right.counts)
        order = np.argsort(self._gallery_ids, kind="stable")
        bounds = np.searchsorted(self._gallery_ids[order], np.arange(len(codes) + 1))
        self._images_with = np.split(owners[order], bounds[1:-1]) if codes else []

    def rows(self, start: int, stop: int) -> Mask:
        """Return ``[stop - start, gallery]``: whether each gallery image is a hit for each of these queries."""
        if self._single:
            equal: Mask = self._query_ids[start:stop, None] == self._gallery_ids
            return equal
        shared = np.zeros((stop - start, self.gallery), dtype=bool)
        for row, query in enumerate(range(start, stop)):
            for label in self._query_ids[self._ends[query] : self._ends[query + 1]]:
                shared[row, self._images_with[label]] = True
        return shared


def _read(labels: Labels) -> _Sets:
    if hasattr(labels, "tocsr"):
        rows, columns = labels.nonzero()
        order = np.argsort(rows, kind="stable")
        return _from_matrix(rows[order], columns[order], labels.shape)
    if isinstance(labels, np.ndarray):
        if labels.ndim == 2:
            rows, columns = np.nonzero(labels)
            return _from_matrix(rows, columns, labels.shape)
        labels = labels.tolist()
    if isinstance(labels, str) or not isinstance(labels, Sequence):
        raise InputError(
            f"Labels cannot be a {type(labels).__name__}.",
            hint="Give one name an image, one set an image, or a matrix.",
            code="labels",
        )
    each = [_one(label) for label in labels]
    counts = np.array([len(names) for names in each], dtype=np.int64)
    return _Sets(counts, [name for names in each for name in names], None)


def _one(label: Any) -> list[Hashable]:
    if label is None:
        return []
    if isinstance(label, Iterable) and not isinstance(label, str | bytes):
        return list(dict.fromkeys(label))
    return [label]


def _from_matrix(rows: Indices, columns: Indices, shape: tuple[int, ...]) -> _Sets:
    counts = np.bincount(rows, minlength=shape[0]).astype(np.int64)
    return _Sets(counts, columns.tolist(), shape[1])


def _coded(values: Iterable[Hashable], codes: dict[Hashable, int]) -> Indices:
    return np.array([codes.setdefault(value, len(codes)) for value in values], dtype=np.int64)
