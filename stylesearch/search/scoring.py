"""From descriptors to scores: what a readout makes of several examples, for numpy and for SQL alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stylesearch.catalog.whitening import Space
from stylesearch.errors import InputError
from stylesearch.search.cursor import DIGITS
from stylesearch.search.readout import Readout
from stylesearch.search.vectors import Vectors, cosines, unit

RANKS = 60
"""What reciprocal ranks are counted from, so that the very first places do not outweigh all others."""


@dataclass(frozen=True, slots=True)
class Weighted:
    """Descriptors with their weights: ``vectors`` ``[n, dim]``, ``weights`` ``[n]``."""

    vectors: NDArray[np.float64]
    weights: NDArray[np.float64]

    @property
    def mean(self) -> NDArray[np.float64]:
        """Their weighted mean, each brought to unit norm first: ``[dim]``."""
        found: NDArray[np.float64] = self.weights @ unit(self.vectors) / self.weights.sum()
        return found

    def placed(self, space: Space) -> Weighted:
        """Return them as places in a space."""
        return Weighted(space.places(unit(self.vectors)), self.weights)


@dataclass(frozen=True, slots=True)
class Ask:
    """One ranking that a search needs: nearness to a descriptor, less a penalty for nearness to others.

    Attributes
    ----------
    vector:
        ``[dim]``, in half precision where it is a descriptor.
    others:
        ``[a, dim]``, likewise: what works should be unlike, by a margin.
    shares:
        ``[a]``: how much each of the others counts, in all 1.
    weight:
        Of this ranking among several; below 0 where it counts against.
    space:
        Where the vector and the others are places in, and stored descriptors are to be put; ``None`` for themselves.
    crowding, others_crowding:
        Mean cosine of the descriptor, and of each of the others, to its nearest neighbours; 0 but for CSLS.
    """

    vector: NDArray[np.float64]
    others: Vectors
    shares: NDArray[np.float64]
    others_crowding: NDArray[np.float64]
    weight: float = 1.0
    crowding: float = 0.0
    space: Space | None = None

    @property
    def vectors(self) -> Vectors:
        """The descriptor and the others, in that order: ``[1 + a, dim]``."""
        return np.vstack([self.vector, self.others])

    def with_crowding(self, crowding: Sequence[float]) -> Ask:
        """Return it with the crowding of the descriptor and of the others, in that order."""
        return replace(self, crowding=crowding[0], others_crowding=np.array(crowding[1:]))


def asks(
    readout: Readout, wanted: Weighted, unwanted: Weighted | None, space: Space | None = None
) -> list[Ask]:
    """Return the rankings that examples need.

    Parameters
    ----------
    space:
        The one in which they are compared, where that is another than that of descriptors.

    Raises
    ------
    InputError
        ``examples_cancel``, if nothing is left of them.
    """
    if space is not None:
        wanted, unwanted = wanted.placed(space), None if unwanted is None else unwanted.placed(space)
    dim = wanted.vectors.shape[1]
    others, shares = np.zeros((0, dim)), np.zeros(0)
    if unwanted is not None and readout.against == "margin":
        others, shares = unwanted.vectors, unwanted.weights / unwanted.weights.sum()
    subtracted = unwanted if readout.against == "subtract" else None
    if readout.fusion == "mean":
        alone = len(wanted.vectors) == 1 and subtracted is None
        vector = wanted.vectors[0] if alone else _combined(wanted, subtracted, readout.force)
        if space is None:
            vector = vector.astype(np.float16).astype(np.float64)
        return [Ask(vector, others, shares, np.zeros(len(others)), space=space)]
    found = [
        Ask(vector, others, shares, np.zeros(len(others)), float(weight), space=space)
        for vector, weight in zip(wanted.vectors, wanted.weights / wanted.weights.sum(), strict=True)
    ]
    if subtracted is not None and readout.force:
        parts = readout.force * subtracted.weights / subtracted.weights.sum()
        found += [
            Ask(vector, others, shares, np.zeros(len(others)), -float(part), space=space)
            for vector, part in zip(subtracted.vectors, parts, strict=True)
        ]
    return found


def _combined(wanted: Weighted, subtracted: Weighted | None, force: float) -> NDArray[np.float64]:
    mean = wanted.mean if subtracted is None else wanted.mean - force * subtracted.mean
    norm = np.linalg.norm(mean)
    if norm < 1e-6:
        raise InputError(
            "The examples cancel each other out.", hint="Leave one of them out.", code="examples_cancel"
        )
    found: NDArray[np.float64] = mean / norm
    return found


def scores(ask: Ask, readout: Readout, stored: Vectors, crowding: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``[n]``: the score of each stored descriptor, in double precision, not yet rounded.

    Parameters
    ----------
    crowding:
        ``[n]``: mean cosine of each stored descriptor to its nearest neighbours; of no account but for CSLS.
    """
    found = cosines(stored if ask.space is None else ask.space.places(stored), ask.vectors)
    if readout.measure == "csls":
        of_asked = np.concatenate([[ask.crowding], ask.others_crowding])
        found = 2 * found - crowding[:, None] - of_asked[None, :]
    nearness = found[:, 0]
    if not len(ask.others):
        return nearness
    missing = np.maximum(0, found[:, 1:] - nearness[:, None] + readout.margin)
    penalised: NDArray[np.float64] = nearness - readout.force * (missing @ ask.shares)
    return penalised


def fused(rankings: Sequence[Sequence[int]], weights: Sequence[float]) -> dict[int, float]:
    """Return the score of each id in some rankings: the weighted sum of its reciprocal ranks, 1 for the first of all."""
    total = sum(weight for weight in weights if weight > 0)
    found: dict[int, float] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        for rank, image_id in enumerate(ranking, 1):
            share = weight / total * (RANKS + 1) / (RANKS + rank)
            found[image_id] = found.get(image_id, 0.0) + share
    return {image_id: round(score, DIGITS) for image_id, score in found.items()}
