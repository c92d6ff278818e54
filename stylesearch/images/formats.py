"""Which file formats are taken, told from a file's first bytes and never from its name."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

_SVG_SCAN = 64 * 1024  # old Illustrator files open with long DTDs and comments
_SVG_ROOT = re.compile(rb"<(?:[\w.-]+:)?svg[\s/>:]")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_GZIP = b"\x1f\x8b\x08"


@dataclass(frozen=True, slots=True)
class Format:
    """A format on the allow list.

    Attributes
    ----------
    name:
        What people call it.
    media_type:
        Its IANA media type.
    loader:
        The libvips loader that reads it, such as ``jpegload``.
    """

    name: str
    media_type: str
    loader: str


SVG = Format("SVG", "image/svg+xml", "svgload")
JPEG = Format("JPEG", "image/jpeg", "jpegload")
PNG = Format("PNG", "image/png", "pngload")
_AVIF = Format("AVIF", "image/avif", "heifload")
_HEIF = Format("HEIF", "image/heif", "heifload")
_TAKEN = (
    (re.compile(rb"\xff\xd8\xff"), JPEG),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), PNG),
    (re.compile(rb"GIF8[79]a"), Format("GIF", "image/gif", "gifload")),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), Format("WebP", "image/webp", "webpload")),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), Format("TIFF", "image/tiff", "tiffload")),
    (re.compile(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"), Format("JPEG 2000", "image/jp2", "jp2kload")),
    (re.compile(rb"\0\0\0\x0cJXL |\xff\x0a"), Format("JPEG XL", "image/jxl", "jxlload")),
)
_REFUSED = (
    (re.compile(rb"%PDF-"), "PDF"),
    (re.compile(rb"%!PS"), "PostScript"),
    (re.compile(rb"P[1-7]\s"), "PNM"),
    (re.compile(rb"P[Ff]\s"), "PFM"),
    (re.compile(rb"BM.{4}\0\0\0\0", re.DOTALL), "BMP"),
    (re.compile(rb"8BPS"), "Photoshop"),
    (re.compile(rb"#\?(RADIANCE|RGBE)"), "Radiance"),
    (re.compile(rb"v/1\x01"), "OpenEXR"),
    (re.compile(rb"MATLAB 5"), "MATLAB"),
    (re.compile(rb"SIMPLE  ="), "FITS"),
    (re.compile(rb"\x08\xf2\xa6\xb6|\xb6\xa6\xf2\x08"), "libvips"),
    (re.compile(rb"\0\0[\x01\x02]\0[^\0]"), "icon"),
    (re.compile(rb".{128}DICM", re.DOTALL), "DICOM"),
    (re.compile(rb"AT&TFORM"), "DjVu"),
)


def sniff(data: bytes) -> Format | None:
    """Return the allowed format that a file is in, or None."""
    for signature, taken in _TAKEN:
        if signature.match(data):
            return taken
    return _sniff_heif(data) or (SVG if _looks_like_svg(data) else None)


def sniff_refused(data: bytes) -> str | None:
    """Return the name of a picture format that is known and not taken, or None."""
    return next((name for signature, name in _REFUSED if signature.match(data)), None)


def is_gzip(data: bytes) -> bool:
    """Return whether the bytes are a gzip stream."""
    return data.startswith(_GZIP)


def _sniff_heif(data: bytes) -> Format | None:
    if data[4:8] != b"ftyp":
        return None
    box = data[8 : min(int.from_bytes(data[:4]), 256)]
    brands = {box[at : at + 4] for at in range(0, len(box), 4)}
    if brands & {b"avif", b"avis"}:
        return _AVIF
    return (
        _HEIF if brands & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"} else None
    )


def _looks_like_svg(data: bytes) -> bool:
    head = data[:_SVG_SCAN]
    if is_gzip(head):
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, _SVG_SCAN)
        except zlib.error:
            return False
    if head.startswith(_UTF16_MARKS):
        head = head.decode("utf-16", errors="ignore").encode()
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return head.startswith(b"<") and _SVG_ROOT.search(head) is not None
