"""At which size a picture is decoded for an encoder."""

from __future__ import annotations

import numpy as np

from stylesearch.encoders.protocol import Encoder, Pixels
from stylesearch.images import formats
from stylesearch.images.decode import Picture, decode, read_info

SHORTEST_SIDE = 320
"""Shorter side, in pixels, that serves small encoders and thumbnails alike; what the catalogue decodes at, at least."""

FULL_PIXELS = 50_000_000
"""Most pixels that are decoded where the full size is asked for; a larger picture is reduced to this many."""


def decode_for(
    encoder: Encoder, data: bytes, *, max_bytes: int, max_pixels: int, full: bool = False
) -> Picture:
    """Decode an image at the size an encoder needs.

    Parameters
    ----------
    encoder:
        Who will describe it.
    data:
        The file.
    max_bytes, max_pixels:
        As for `stylesearch.images.decode.decode`.
    full:
        Decode all pixels that the file has, so that the encoder's own scaling is the only one, as in the programs that
        published weights come with. By default the decoder reduces large pictures, which is much quicker and changes
        descriptors a little. Drawings have no pixels, and are drawn at the same size either way.

    Returns
    -------
    Picture
        The header's facts and the pixels.

    Raises
    ------
    ImageError
        As `stylesearch.images.decode.decode` does.
    """
    shortest = max(SHORTEST_SIDE, encoder.input_size)
    limits = {"max_bytes": max_bytes, "max_pixels": max_pixels}
    if not full or formats.sniff(data) is formats.SVG:
        return decode(data, **limits, shortest_side=shortest)
    info = read_info(data, **limits)
    scale = min(1.0, (FULL_PIXELS / (info.width * info.height)) ** 0.5)
    return decode(
        data,
        **limits,
        shortest_side=max(shortest, round(min(info.width, info.height) * scale)),
        longest_side=max(1, round(max(info.width, info.height) * scale)),
    )


def decode_box(
    encoder: Encoder,
    data: bytes,
    box: tuple[int, int, int, int],
    *,
    max_bytes: int,
    max_pixels: int,
) -> Pixels:
    """Decode a part of an image at the size an encoder needs.

    Parameters
    ----------
    encoder, data, max_bytes, max_pixels:
        As for :func:`decode_for`.
    box:
        Left, top, width and height, in pixels of the whole, upright image; inside it.

    Returns
    -------
    ndarray
        ``[height, width, 3]``.

    Raises
    ------
    ImageError
        As `stylesearch.images.decode.decode` does.
    """
    shortest = max(SHORTEST_SIDE, encoder.input_size)
    return decode_part(data, box, shortest_side=shortest, max_bytes=max_bytes, max_pixels=max_pixels)


def decode_part(
    data: bytes, box: tuple[int, int, int, int], *, shortest_side: int, max_bytes: int, max_pixels: int
) -> Pixels:
    """Decode a part of an image so that its shorter side has about so many pixels, where the image has as many.

    Parameters and errors as for :func:`decode_box`.
    """
    limits = {"max_bytes": max_bytes, "max_pixels": max_pixels}
    left, top, width, height = box
    info = read_info(data, **limits)
    # The part, not the whole, is to have the size that is needed; what is drawn may be drawn larger for it.
    scale = shortest_side / min(width, height)
    scale = min(scale, (FULL_PIXELS / (info.width * info.height)) ** 0.5)
    pixels = decode(
        data,
        **limits,
        shortest_side=max(1, round(min(info.width, info.height) * scale)),
        longest_side=max(1, round(max(info.width, info.height) * scale)),
    ).pixels
    across, down = pixels.shape[1] / info.width, pixels.shape[0] / info.height
    first_row, first_column = (
        min(int(top * down), len(pixels) - 1),
        min(int(left * across), pixels.shape[1] - 1),
    )
    last_row = max(first_row + 1, round((top + height) * down))
    last_column = max(first_column + 1, round((left + width) * across))
    return np.ascontiguousarray(pixels[first_row:last_row, first_column:last_column])
