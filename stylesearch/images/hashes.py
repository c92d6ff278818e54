"""Two kinds of hash: one of a file's bytes, one of what a picture looks like."""

from __future__ import annotations

import hashlib

import imagehash
from PIL import Image

from stylesearch.images.decode import Pixels

_BITS = 64
_BANDS = 4
_BAND_BITS = _BITS // _BANDS


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 digest, 32 bytes: equal only for identical files."""
    return hashlib.sha256(data).digest()


def perceptual_hash(pixels: Pixels) -> int:
    """Return the 64-bit pHash of a picture: near-duplicates differ in few bits.

    Parameters
    ----------
    pixels:
        ``[height, width, 3]``.

    Returns
    -------
    int
        The 64 bits as a signed number, in -2**63 .. 2**63 - 1, which a PostgreSQL ``bigint`` holds.
    """
    unsigned = int(str(imagehash.phash(Image.fromarray(pixels))), 16)
    return unsigned - (1 << _BITS) if unsigned >> (_BITS - 1) else unsigned


def hash_distance(a: int, b: int) -> int:
    """Return the number of bits, 0 to 64, in which two perceptual hashes differ."""
    return ((a ^ b) & ((1 << _BITS) - 1)).bit_count()


def hash_bands(value: int) -> list[int]:
    """Return the four 16-bit parts of a perceptual hash, each with its place: the number is ``place * 65536 + part``."""
    bands = []
    for place in range(_BANDS):
        part = value >> (_BITS - _BAND_BITS * (place + 1)) & ((1 << _BAND_BITS) - 1)
        bands.append((place << _BAND_BITS) + part)
    return bands


def near_bands(value: int) -> list[int]:
    """Return the parts of a hash and all that differ from one of them in a single bit.

    A hash that differs from this one in at most six bits has at least one of these among its own parts.
    """
    bands = hash_bands(value)
    return bands + [band ^ (1 << bit) for band in bands for bit in range(_BAND_BITS)]
