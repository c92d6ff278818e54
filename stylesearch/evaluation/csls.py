"""CSLS: cosines less how crowded it is around either descriptor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stylesearch.encoders.protocol import Descriptors
from stylesearch.errors import InputError
from stylesearch.evaluation.ranking import cosines, row_chunks

Density = NDArray[np.float64]

NEIGHBOURS = 15
"""Neighbours that CSLS takes for a descriptor's local density, as in the paper."""


def local_density(
    rows: Descriptors, reference: Descriptors, *, own: bool, neighbours: int = NEIGHBOURS
) -> Density:
    """Return ``[n]``: each descriptor's mean cosine to its nearest neighbours in a reference gallery, for CSLS.

    Parameters
    ----------
    rows, reference:
        From :func:`~stylesearch.evaluation.ranking.unit`.
    own:
        Whether the two are the same, so that each descriptor must be kept from being its own neighbour.
    neighbours:
        How many; as many as there are where there are fewer.

    Raises
    ------
    InputError
        ``too_few_images``, if the reference holds nothing to compare with.
    """
    count = min(neighbours, len(reference) - own)
    if count < 1:
        raise InputError("CSLS needs other images to compare with.", hint="Give more.", code="too_few_images")
    density = np.empty(len(rows))
    for start, stop in row_chunks(len(rows), len(reference)):
        scores = cosines(rows[start:stop], reference)
        if own:
            scores[np.arange(stop - start), np.arange(start, stop)] = -np.inf
        density[start:stop] = np.partition(scores, -count, axis=1)[:, -count:].mean(axis=1, dtype=np.float64)
    return density
