"""Operations on the planes of a picture: its colours as CIELAB, extremes in a window, blur."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylesearch.images.decode import Pixels
from stylesearch.images.vips import libvips

Plane = NDArray[np.float32]
"""``[height, width]``, or with bands ``[height, width, bands]``."""

_FAINTEST = 0.005
"""Where a blur's bell is cut off, as a part of its height."""


def lab(pixels: Pixels) -> Plane:
    """Return a picture in CIELAB, D65: ``[height, width, 3]`` with L* in 0 to 100, a* and b* in about -110 to 110."""
    image = libvips().Image.new_from_array(np.ascontiguousarray(pixels), interpretation="srgb")
    values: Plane = image.colourspace("lab").numpy()
    return values


def blurred(plane: Plane, sigma: float) -> Plane:
    """Return a plane, or each of its bands, blurred by a bell of ``sigma`` pixels; beyond its edges it goes on alike."""
    image = libvips().Image.new_from_array(np.ascontiguousarray(plane))
    values: Plane = image.gaussblur(sigma, min_ampl=_FAINTEST, precision="float").numpy()
    return values.astype(np.float32).reshape(plane.shape)


def highest(plane: Plane, window: int) -> Plane:
    """Return the highest value in the square window about each pixel.

    Parameters
    ----------
    plane:
        ``[height, width]``.
    window:
        Side in pixels; made odd. What lies beyond the edges does not count.
    """
    for axis in (0, 1):
        plane = _highest_along(plane, window // 2, axis)
    return plane


def lowest(plane: Plane, window: int) -> Plane:
    """Return the lowest value in the square window about each pixel; as :func:`highest`."""
    return -highest(-plane, window)


def _highest_along(plane: Plane, reach: int, axis: int) -> Plane:
    # Doubling: the maximum over a window of 2n is that over two of n, so that the work grows with its logarithm.
    padding = [(0, 0), (0, 0)]
    padding[axis] = (reach, reach)
    found = np.pad(plane, padding, constant_values=-np.inf)
    window, covered = 2 * reach + 1, 1
    while covered < window:
        step = min(covered, window - covered)
        found = np.maximum(_part(found, axis, slice(-step)), _part(found, axis, slice(step, None)))
        covered += step
    return found


def _part(plane: Plane, axis: int, part: slice) -> Plane:
    where: list[Any] = [slice(None), slice(None)]
    where[axis] = part
    cut: Plane = plane[tuple(where)]
    return cut
