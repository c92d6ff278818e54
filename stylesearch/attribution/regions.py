"""How much each region of a picture adds to a score: what is lost without it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from stylesearch.encoders.checking import checked
from stylesearch.encoders.protocol import Descriptors, Encoder, Pixels, PreparingEncoder

GRID = 7
"""Cells along each side of a picture, whatever its proportions."""

_BATCH = 8

Regions = NDArray[np.float64]
"""``[GRID, GRID]`` differences of a score, the top row first; above zero where a region makes two pictures more alike."""


def regions_of(without: Descriptors, *, other: NDArray[np.float64], score: float) -> Regions:
    """Return the score less the score without each region.

    Each region is left out by itself, so the values do not add up to the score: what two regions both show is missed in
    neither.

    Parameters
    ----------
    without:
        ``[GRID * GRID, dim]``: descriptors of the picture without each region, row by row.
    other:
        ``[dim]``: the other picture's descriptor.
    score:
        Of the two whole pictures.
    """
    return (score - without.astype(np.float64) @ other).reshape(GRID, GRID)


def describe_occluded(encoder: Encoder, pixels: Pixels) -> Descriptors:
    """Describe a picture with each region in turn covered by the picture's mean colour.

    This is the occlusion of Zeiler and Fergus (2014, *Visualizing and Understanding Convolutional Networks*, arXiv
    1311.2901), who cover with grey. A cover is a flat patch with edges of its own, which an encoder may see too.

    Returns
    -------
    Descriptors
        ``[GRID * GRID, dim]``, row by row.

    Raises
    ------
    StylesearchError
        As the encoder does.
    """
    rows, batch = [], []
    for number, covered in enumerate(_covered(pixels), start=1):
        # A picture may be large and what is prepared of it is small, so only one is whole at a time.
        batch.append(encoder.prepare(covered) if isinstance(encoder, PreparingEncoder) else covered)
        if len(batch) == _BATCH or number == GRID * GRID:
            describe = encoder.encode_prepared if isinstance(encoder, PreparingEncoder) else encoder.encode
            rows.append(checked(describe(batch), count=len(batch), dim=encoder.spec.dim))
            batch = []
    return np.concatenate(rows)


def _covered(pixels: Pixels) -> Iterator[Pixels]:
    mean = pixels.reshape(-1, 3).mean(axis=0).round().astype(np.uint8)
    down, across = (np.arange(GRID + 1) * side // GRID for side in pixels.shape[:2])
    for row in range(GRID):
        for column in range(GRID):
            covered = pixels.copy()
            covered[down[row] : down[row + 1], across[column] : across[column + 1]] = mean
            yield covered
