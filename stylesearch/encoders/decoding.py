"""At which size a picture is decoded for an encoder."""

from __future__ import annotations

from stylesearch.encoders.protocol import Encoder
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
