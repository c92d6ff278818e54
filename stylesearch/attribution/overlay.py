"""Two pictures laid over each other, so that a person sees whether they are one."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

WEBP_QUALITY = 82
SHAPES_ALIKE = 0.02
"""Share by which the proportions of two pictures may differ and still be called the same."""


def overlay(examined: bytes, copy: bytes) -> bytes:
    """Lay a picture of the archive over the one that is examined.

    Both are made grey; the examined one is the red part of the result, the other the green and blue. What is alike in both
    is grey, what only the examined one has dark is cyan, and what only the other has dark is red.

    Parameters
    ----------
    examined, copy:
        Thumbnails, files of our own making.

    Returns
    -------
    bytes
        A WebP picture of the examined one's size.
    """
    first, second = _grey(examined), _grey(copy)
    fitted = second.resize(first.size, Image.Resampling.BILINEAR)
    one, other = np.asarray(first), np.asarray(fitted)
    buffer = io.BytesIO()
    Image.fromarray(np.stack([one, other, other], axis=-1)).save(buffer, "WEBP", quality=WEBP_QUALITY)
    return buffer.getvalue()


def same_shape(width: int, height: int, other_width: int, other_height: int) -> bool:
    """Return whether two pictures have the same proportions, so that neither was cut for the overlay to fit."""
    one, other = width * other_height, other_width * height
    return abs(one - other) <= SHAPES_ALIKE * max(one, other)


def _grey(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("L")
