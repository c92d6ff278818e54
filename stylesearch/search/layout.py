"""From descriptors to places in a plane: what is near in style comes to lie near."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST = 12
"""Fewer works than these are laid out by their two main directions alone."""

DIRECTIONS = 50
"""Main directions in which neighbours are looked for; the others are mostly noise."""

PERPLEXITY = 30
"""About how many neighbours a work is drawn towards."""

APART_ROUNDS, ROUNDS = 250, 500
APART = 12.0
"""In the first rounds neighbours are drawn together so many times as hard, so that groups find each other."""

Vectors = NDArray[np.float32]
Places = NDArray[np.float64]


def main_directions(vectors: Vectors, number: int = DIRECTIONS) -> Vectors:
    """Return ``[n, number]``: the coordinates of ``[n, dim]`` vectors in which they differ most, the widest first.

    There are fewer where there are fewer dimensions.
    """
    centre = vectors.mean(axis=0, dtype=np.float64)
    spread = np.zeros((vectors.shape[1], vectors.shape[1]))
    for start in range(0, len(vectors), 10_000):
        part = vectors[start : start + 10_000] - centre
        spread += part.T @ part
    _, axes = np.linalg.eigh(spread)
    wanted = axes[:, ::-1][:, :number]
    # An axis may point either way; it points to where its largest part is positive, so that a map is always drawn alike.
    largest = np.abs(wanted).argmax(axis=0)
    wanted = wanted * np.sign(wanted[largest, np.arange(wanted.shape[1])])
    found: Vectors = ((vectors - centre) @ wanted).astype(np.float32)
    return found


def lay_out(vectors: Vectors, *, seed: int = 0) -> Places:
    """Return ``[n, 2]``: a place in the unit square for each of ``[n, dim]`` unit vectors.

    The same vectors and seed give the same places on the same machine. What lies near is near in style; how far apart
    groups lie says little.
    """
    if not len(vectors):
        return np.zeros((0, 2))
    narrowed = main_directions(vectors)
    if len(vectors) < FEWEST:
        flat = np.zeros((len(vectors), 2))
        flat[:, : narrowed.shape[1]] = narrowed[:, :2]
        return _in_unit_square(flat)
    return _in_unit_square(_by_neighbours(narrowed, seed))


def _by_neighbours(narrowed: Vectors, seed: int) -> Places:
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN

    # Searches go on meanwhile: they keep half of the cores.
    cores = max(1, (os.cpu_count() or 1) // 2)
    attraction = PerplexityBasedNN(
        narrowed, perplexity=min(PERPLEXITY, (len(narrowed) - 1) / 3), n_jobs=cores, random_state=seed
    )
    start = np.zeros((len(narrowed), 2))
    start[:, : narrowed.shape[1]] = narrowed[:, :2] / max(float(narrowed[:, 0].std()), 1e-9) * 1e-4
    # Works with one descriptor would stay in one place, and push each other nowhere.
    start += np.random.default_rng(seed).normal(scale=1e-6, size=start.shape)
    places: Any = TSNEEmbedding(start, attraction, n_jobs=cores, random_state=seed)
    places = places.optimize(n_iter=APART_ROUNDS, exaggeration=APART, momentum=0.5)
    places = places.optimize(n_iter=ROUNDS, momentum=0.8)
    return np.asarray(places, dtype=np.float64)


def _in_unit_square(places: Places) -> Places:
    """Bring places into the unit square, in the middle and without distortion."""
    low, high = places.min(axis=0), places.max(axis=0)
    side = float((high - low).max())
    if side == 0:
        return np.full_like(places, 0.5)
    centred: Places = (places - (low + high) / 2) / side + 0.5
    return np.clip(centred, 0.0, 1.0)
