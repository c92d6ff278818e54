"""Descriptors between the database and numpy, and their cosine, the same on every machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stylesearch.errors import InputError
from stylesearch.search.cursor import DIGITS

Vectors = NDArray[np.float64]
"""``[n, dim]``, of any length but zero, each number one of half precision."""

HALF_MAX = float(np.finfo(np.float16).max)


def halfvec_text(vector: NDArray[np.float64]) -> str:
    """Return ``[dim]`` numbers of half precision as PostgreSQL reads them; five digits tell each of them."""
    return f"[{','.join(['%.5g'] * len(vector))}]" % tuple(vector.tolist())


def in_halves(vector: NDArray[np.floating], *, dim: int, slug: str) -> NDArray[np.float64]:
    """Return a descriptor as the database would keep it.

    Parameters
    ----------
    vector:
        ``[dim]``.
    dim, slug:
        Of the encoder whose gallery it is compared with.

    Raises
    ------
    InputError
        ``descriptor_dim`` or ``descriptor_invalid``.
    """
    if vector.shape != (dim,):
        raise InputError(
            f"The descriptor has the shape {vector.shape}; the encoder {slug!r} gives ({dim},).",
            hint="Describe the example with the same encoder as the gallery.",
            code="descriptor_dim",
        )
    halves = vector.astype(np.float64).clip(-HALF_MAX, HALF_MAX).astype(np.float16)
    if not np.isfinite(vector).all() or not (np.abs(vector) <= HALF_MAX).all() or not halves.any():
        raise InputError(
            "The descriptor is zero, or not finite in half precision.",
            hint="Describe the example again.",
            code="descriptor_invalid",
        )
    return halves.astype(np.float64)


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return rows, or one row, brought to unit norm, in double precision."""
    exact = vectors.astype(np.float64)
    found: NDArray[np.float64] = exact / np.linalg.norm(exact, axis=-1, keepdims=True)
    return found


def cosines(stored: Vectors, vectors: Vectors) -> NDArray[np.float64]:
    """Return ``[n, m]``: the cosine of each of n rows with each of m, not yet rounded."""
    norms = np.linalg.norm(stored, axis=1)[:, None] * np.linalg.norm(vectors, axis=1)[None, :]
    found: NDArray[np.float64] = (stored @ vectors.T) / norms
    return found


def rounded(scores: NDArray[np.float64]) -> list[float]:
    """Return scores so that equal rows have equal ones on every machine."""
    return [round(float(score), DIGITS) for score in scores]
