"""Small pictures for grids, pages and reports."""

from __future__ import annotations

from stylesearch.images.decode import Pixels
from stylesearch.images.vips import libvips

_QUALITY = 82
# 0 to 6: more effort makes a file a few percent smaller and takes several times as long.
_EFFORT = 1
_AVIF_QUALITY = 60


def thumbnail(pixels: Pixels, *, size: int = 400) -> bytes:
    """Return a WebP picture that fits a square.

    Parameters
    ----------
    pixels:
        ``[height, width, 3]``, already decoded.
    size:
        Side of the square, in pixels. A smaller picture keeps its size.

    Returns
    -------
    bytes
        The WebP file, without metadata.
    """
    image = libvips().Image.new_from_array(pixels, interpretation="srgb")
    small = image.thumbnail_image(size, height=size, size="down")
    data: bytes = small.webpsave_buffer(Q=_QUALITY, effort=_EFFORT, keep="none")
    return data


def avif(pixels: Pixels) -> bytes:
    """Return an AVIF picture: half the size of a WebP that looks as good. ``pixels`` is ``[height, width, 3]``."""
    image = libvips().Image.new_from_array(pixels, interpretation="srgb")
    data: bytes = image.heifsave_buffer(compression="av1", Q=_AVIF_QUALITY, effort=0, keep="none")
    return data
