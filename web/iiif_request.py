"""What an IIIF Image API request asks for: region, size, rotation, quality and format, read from its path."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stylesearch.errors import InputError
from stylesearch.images.tiles import Cut

MOST_PIXELS = 16_000_000
"""Most pixels of one answer."""

FORMATS = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
QUALITIES = ("default", "color", "gray", "bitonal")
_NUMBER = r"(\d{1,9}(?:\.\d{1,9})?)"
_PERCENTS = re.compile(rf"pct:{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}", re.ASCII)
_PIXELS = re.compile(r"(\d{1,9}),(\d{1,9}),(\d{1,9}),(\d{1,9})", re.ASCII)
_SIZE = re.compile(r"(!?)(\d{0,9}),(\d{0,9})", re.ASCII)
_PERCENT = re.compile(rf"pct:{_NUMBER}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Turn:
    """How a part is turned: mirrored first, then clockwise by so many degrees."""

    mirrored: bool
    degrees: int


def read_cut(region: str, size: str, width: int, height: int) -> Cut:
    """Return what part is wanted at what size, of a picture of so many pixels.

    Raises
    ------
    InputError
        ``iiif_region`` or ``iiif_size``.
    """
    left, top, wide, high = _region(region, width, height)
    return Cut(left, top, wide, high, *_size(size, wide, high))


def read_turn(rotation: str) -> Turn:
    """Return how a part is to be turned.

    Raises
    ------
    InputError
        ``iiif_rotation``, for angles that are no multiple of 90 degrees too.
    """
    found = re.fullmatch(r"(!?)(0|90|180|270|360)(?:\.0+)?", rotation, re.ASCII)
    if found is None:
        raise _wrong("rotation", rotation, "Give 0, 90, 180 or 270, with ! before it to mirror.")
    return Turn(bool(found[1]), int(found[2]) % 360)


def _region(text: str, width: int, height: int) -> tuple[int, int, int, int]:
    if text == "full":
        return 0, 0, width, height
    if text == "square":
        side = min(width, height)
        return (width - side) // 2, (height - side) // 2, side, side
    pixels, percents = _PIXELS.fullmatch(text), _PERCENTS.fullmatch(text)
    if pixels:
        left, top, wide, high = map(int, pixels.groups())
    elif percents:
        shares = [float(one) / 100 for one in percents.groups()]
        left, top = round(shares[0] * width), round(shares[1] * height)
        wide, high = max(1, round(shares[2] * width)), max(1, round(shares[3] * height))
        wide, high = (wide, high) if shares[2] and shares[3] else (0, 0)
    else:
        raise _wrong("region", text, "Give full, square, x,y,w,h or pct:x,y,w,h.")
    if not wide or not high or left >= width or top >= height:
        raise _wrong("region", text, f"It is not inside the picture of {width} by {height} pixels.")
    return left, top, min(wide, width - left), min(high, height - top)


def _size(text: str, width: int, height: int) -> tuple[int, int]:
    wide, high = _asked_size(text, width, height)
    if wide > width or high > height:
        raise _wrong("size", text, "Pictures are not enlarged.")
    if wide * high > MOST_PIXELS:
        raise _wrong("size", text, f"An answer has at most {MOST_PIXELS} pixels.")
    return max(1, wide), max(1, high)


def _asked_size(text: str, width: int, height: int) -> tuple[int, int]:
    if text == "max":
        share = min(1.0, (MOST_PIXELS / (width * height)) ** 0.5)
        return max(1, int(width * share)), max(1, int(height * share))
    percent, found = _PERCENT.fullmatch(text), _SIZE.fullmatch(text)
    if percent and 0 < float(percent[1]) <= 100:
        share = float(percent[1]) / 100
        return max(1, round(width * share)), max(1, round(height * share))
    if found is None or not (found[2] or found[3]) or "0" in (found[2], found[3]):
        raise _wrong("size", text, "Give max, w, or ,h or w,h or !w,h or pct:n.")
    if found[1]:
        if not (found[2] and found[3]):
            raise _wrong("size", text, "Give both width and height behind the !.")
        share = min(int(found[2]) / width, int(found[3]) / height, 1.0)
        return max(1, round(width * share)), max(1, round(height * share))
    if found[2] and found[3]:
        return int(found[2]), int(found[3])
    if found[2]:
        return int(found[2]), max(1, round(height * int(found[2]) / width))
    return max(1, round(width * int(found[3]) / height)), int(found[3])


def _wrong(what: str, text: str, hint: str) -> InputError:
    return InputError(f"The {what} {text[:60]!r} cannot be used.", hint=hint, code=f"iiif_{what}")
