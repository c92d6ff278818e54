"""What happens between decoded pixels and the network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stylesearch.encoders.protocol import Pixels
from stylesearch.errors import InputError

SQUASH_224 = "squash-224-v1"
"""Name and version of :func:`squash_batch`; part of an encoder's identity, so any change needs a new version."""

SIDE = 224
_MEAN = 127.0
_STD = 128.0


def _checked(pixels: Pixels) -> Pixels:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise InputError(
            f"An encoder takes uint8 pixels [height, width, 3], not {pixels.dtype} {list(pixels.shape)}.",
            hint="Decode the file with stylesearch.images first.",
            code="pixels",
        )
    return pixels


def squash(pixels: Pixels) -> Pixels:
    """Resize a whole image to a square, with antialiasing; its proportions are not kept.

    Nothing is cut away, for style lives in the margins too, and nothing is padded, for a border would be described
    along with the picture.

    Parameters
    ----------
    pixels:
        ``[height, width, 3]`` uint8, any size from 1 by 1 up.

    Returns
    -------
    Pixels
        ``[224, 224, 3]`` uint8.

    Raises
    ------
    InputError
        If the array is not such pixels.
    """
    image = Image.fromarray(np.ascontiguousarray(_checked(pixels)))
    if image.size != (SIDE, SIDE):
        image = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.asarray(image)


def squash_batch(images: Sequence[Pixels]) -> NDArray[np.float32]:
    """Squash each image and scale it as the EfficientNet-Lite networks were trained: ``(value - 127) / 128``.

    Parameters
    ----------
    images:
        At least one decoded image; sizes may differ.

    Returns
    -------
    ndarray
        ``[len(images), 3, 224, 224]`` float32 in about -1 to 1, laid out in memory with the channels last.
    """
    stacked = np.stack([squash(pixels) for pixels in images]).astype(np.float32)
    return ((stacked - _MEAN) / _STD).transpose(0, 3, 1, 2)
