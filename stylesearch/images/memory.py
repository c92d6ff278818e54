"""How much memory a file takes to decode, told from its header: most are read by the row, and some must be held whole."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any

from stylesearch.images.formats import Format
from stylesearch.images.svg import SafeSvg

BYTES_A_PIXEL = 3
"""In memory, of an 8-bit picture in colour."""

ALWAYS = 64 * 1024**2
"""In bytes: what takes less is not refused for its memory, however low the limit on pixels."""

DRAWING_BYTES_A_BYTE = 12
"""Of a drawing's text, as librsvg keeps it."""

# Measured with libvips 8.18 and the librsvg in it, in bytes: a pixel of a format that is held whole, an element of a drawing
# with some attributes, a character of a path, whose numbers are kept twice for a while, a letter that is drawn, and a
# pixel embedded in a drawing, which is there as it was read, with alpha, and as it is painted.
_WHOLE = {"gifload": 6, "heifload": 20, "jp2kload": 20, "jxlload": 20, "webpload": 5}
_DEEP_HEIF = 30
_ELEMENT = 1700
_CHARACTER = 35
_LETTER = 4500
_EMBEDDED_PIXEL = 11
_SAMPLE_BYTES = {"uchar": 1, "char": 1, "ushort": 2, "short": 2}


def most_bytes(max_pixels: int) -> int:
    """Return how many bytes of memory a file may take: what the most pixels that are taken come to."""
    return max(ALWAYS, BYTES_A_PIXEL * max_pixels)


def raster_bytes(image: Any, found: Format) -> int:
    """Return about how many bytes of memory decoding takes at most; 0 for what is read by the row.

    Parameters
    ----------
    image:
        The image as libvips has opened it, of which no pixel is decoded yet.
    found:
        The format.
    """
    return int(image.width * image.height * _bytes_a_pixel(image, found))


def _bytes_a_pixel(image: Any, found: Format) -> int:
    fields = set(image.get_fields())
    if found.loader == "jpegload":
        # Of several scans, all coefficients are kept until the last; they have two bytes.
        whole = "interlaced" in fields
        halved = "jpeg-chroma-subsample" in fields and image.get("jpeg-chroma-subsample") != "4:4:4"
        return (3 if halved and image.bands == BYTES_A_PIXEL else 2 * image.bands) if whole else 0
    if found.loader == "pngload":
        return 1 + image.bands * _SAMPLE_BYTES.get(image.format, 4) if "interlaced" in fields else 0
    if found.loader == "heifload" and image.format != "uchar":
        return _DEEP_HEIF
    return _WHOLE.get(found.loader, 0)


def drawing_bytes(drawing: SafeSvg, *, embedded: int) -> int:
    """Return about how many bytes of memory drawing takes at most.

    Parameters
    ----------
    embedded:
        Pixels of the largest image embedded in it.
    """
    return (
        DRAWING_BYTES_A_BYTE * len(drawing.xml)
        + _ELEMENT * drawing.elements
        + _CHARACTER * drawing.longest
        + _LETTER * drawing.letters
        + _EMBEDDED_PIXEL * embedded
    )


def give_back(taken: int) -> None:
    """Give memory that is free again back to the system, if it was much; what held many small things is kept otherwise.

    Parameters
    ----------
    taken:
        About how many bytes there were.
    """
    trim = _trimmer()
    if taken > ALWAYS and trim is not None:
        trim(0)


@lru_cache(maxsize=1)
def _trimmer() -> Any:
    """Return what does so, where the C library is glibc."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return None
