"""Metadata inside a raster file: XMP packets, IPTC records and EXIF tags."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from lxml import etree
from PIL import Image, IptcImagePlugin
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from stylesearch.catalog.records import Credit, WorkRecord, tidy, years
from stylesearch.images.formats import sniff
from stylesearch.ingest.metadata.xml import DC, RDF
from stylesearch.ingest.metadata.xmp import parse_packet

CC = "{http://creativecommons.org/ns#}"
XMP_RIGHTS = "{http://ns.adobe.com/xap/1.0/rights/}"
PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
XMP = "{http://ns.adobe.com/xap/1.0/}"
IPTC_YEAR = re.compile(r"[0-9]{4}(?=[0-9]{4}$|$)")
PADDING = b"\x00 \r\n\t"
DESCRIPTION = f"{RDF}Description"

# IPTC application records (IIM 4.2): number of the dataset, what it holds.
IPTC_TITLE, IPTC_KEYWORDS, IPTC_DATE = (2, 5), (2, 25), (2, 55)
IPTC_CREATOR, IPTC_CREDIT, IPTC_COPYRIGHT, IPTC_CAPTION = (2, 80), (2, 110), (2, 116), (2, 120)

# EXIF 3.0, 4.6.5.4, and the tags of Windows. When a picture was taken says nothing of when the work was made.
EXIF_DESCRIPTION, EXIF_ARTIST, EXIF_COPYRIGHT = 0x010E, 0x013B, 0x8298
EXIF_XP_TITLE, EXIF_XP_COMMENT, EXIF_XP_AUTHOR, EXIF_XP_KEYWORDS = 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E
_CAMERAS_OWN = re.compile(
    r"(?:olympus|minolta|konica|kodak|sony|samsung|sanyo|dcim|dsc|digital|camera|still|image|picture|exif|jpeg|media|[\W\d_])*",
    re.IGNORECASE,
)
_FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/tiff": "TIFF",
    "image/avif": "AVIF",
    "image/jp2": "JPEG2000",
}
"""Media type to Pillow's name of the format."""


def read_embedded_metadata(data: bytes) -> WorkRecord:
    """Read a raster file's own metadata, XMP before IPTC before EXIF; what is absent or broken stays empty.

    Only headers are read: no pixel is decoded.
    """
    found = sniff(data)
    reader = _reader(found.media_type) if found else None
    if reader is None:
        return WorkRecord()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of metadata that are not quite as they should be
            with reader(io.BytesIO(data), None) as image:
                packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or _tiff_xmp(image)
                iptc = IptcImagePlugin.getiptcinfo(image) or {}
                exif = _exif(image)
    except Exception:  # noqa: BLE001 - readers of broken headers fail in every way; metadata is then simply absent
        return WorkRecord()
    return _read_xmp(packet).over(_read_iptc(iptc)).over(_read_exif(exif))


def _reader(media_type: str) -> Callable[..., ImageFile] | None:
    """Return what reads the headers of a format, if Pillow has it.

    Not by Pillow's usual way in: that looks at the number of pixels, whose limit is kept where they are decoded.
    """
    Image.init()
    opens = Image.OPEN.get(_FORMATS.get(media_type, ""))
    return opens[0] if opens else None


def _tiff_xmp(image: Image.Image) -> Any:
    tags = getattr(image, "tag_v2", None)
    return tags.get(700) if tags is not None else None


def _exif(image: Image.Image) -> dict[int, Any]:
    if isinstance(image, TiffImageFile):
        return dict(image.getexif())
    tags = Image.Exif()
    tags.load(image.info.get("exif") or b"")  # Pillow's own way to them decodes a PNG that has none
    return dict(tags)


def _read_xmp(packet: Any) -> WorkRecord:
    if isinstance(packet, str):
        packet = packet.encode()
    if not isinstance(packet, bytes) or not packet.strip(PADDING):
        return WorkRecord()
    root = parse_packet(packet.strip(PADDING))
    if root is None or root.getroottree().docinfo.internalDTD is not None:
        return WorkRecord()  # an XMP packet has no document type: one that has is up to something
    date_text = _one(root, f"{PHOTOSHOP}DateCreated") or _one(root, f"{DC}date")
    year_from, year_to = years(date_text)
    rights = _one(root, f"{CC}license") or _one(root, f"{XMP_RIGHTS}WebStatement")
    notice = _one(root, f"{DC}rights")
    return WorkRecord(
        title=_one(root, f"{DC}title") or "",
        description=_one(root, f"{DC}description"),
        credits=tuple(Credit(name) for name in dict.fromkeys(_all(root, f"{DC}creator"))),
        date_text=date_text,
        year_from=year_from,
        year_to=year_to,
        keywords=tuple(dict.fromkeys(word.lower() for word in _all(root, f"{DC}subject"))),
        work_rights=rights,
        image_rights=rights or notice,
        credit_line=_one(root, f"{PHOTOSHOP}Credit"),
    )


def _all(root: etree._Element, name: str) -> list[str]:
    """Return a property's values: list items, element text, or an attribute of ``rdf:Description``."""
    values: list[str | None] = []
    for element in root.iter(name):
        items = list(element.iter(f"{RDF}li"))
        values += (
            [tidy(item.text) for item in items]
            if items
            else [tidy(element.get(f"{RDF}resource") or element.text)]
        )
    values += [tidy(description.get(name)) for description in root.iter(DESCRIPTION)]
    return [value for value in values if value]


def _one(root: etree._Element, name: str) -> str | None:
    return next(iter(_all(root, name)), None)


def _read_iptc(records: dict[tuple[int, int], Any]) -> WorkRecord:
    def every(key: tuple[int, int]) -> list[str]:
        values = records.get(key) or []
        values = values if isinstance(values, list) else [values]
        texts = [tidy(_decoded(value)) for value in values if isinstance(value, bytes)]
        return [text for text in texts if text]

    def one(key: tuple[int, int]) -> str | None:
        return next(iter(every(key)), None)

    date_text = one(IPTC_DATE)
    digits = IPTC_YEAR.match(date_text or "")
    year = int(digits[0]) or None if digits else None
    return WorkRecord(
        title=one(IPTC_TITLE) or "",
        description=one(IPTC_CAPTION),
        credits=tuple(Credit(name) for name in dict.fromkeys(every(IPTC_CREATOR))),
        date_text=date_text,
        year_from=year,
        year_to=year,
        keywords=tuple(dict.fromkeys(word.lower() for word in every(IPTC_KEYWORDS))),
        image_rights=one(IPTC_COPYRIGHT),
        credit_line=one(IPTC_CREDIT),
    )


def _read_exif(tags: Mapping[int, Any]) -> WorkRecord:
    def one(tag: int) -> str | None:
        value = tags.get(tag)
        return tidy(
            _decoded(value) if isinstance(value, bytes) else value if isinstance(value, str) else None
        )

    def windows(tag: int) -> str | None:
        value = tags.get(tag)
        value = (
            bytes(value)
            if isinstance(value, (bytes, tuple)) and all(0 <= one < 256 for one in value)
            else b""
        )
        return tidy(value.decode("utf-16-le", "ignore"))

    def parts(text: str | None) -> list[str]:
        found = (tidy(part) for part in (text or "").split(";"))
        return list(dict.fromkeys(part for part in found if part))

    description = one(EXIF_DESCRIPTION)
    if description is not None and _CAMERAS_OWN.fullmatch(description):
        description = None
    return WorkRecord(
        title=windows(EXIF_XP_TITLE) or "",
        description=windows(EXIF_XP_COMMENT) or description,
        credits=tuple(Credit(name) for name in parts(windows(EXIF_XP_AUTHOR)) or parts(one(EXIF_ARTIST))),
        keywords=tuple(dict.fromkeys(word.lower() for word in parts(windows(EXIF_XP_KEYWORDS)))),
        image_rights=one(EXIF_COPYRIGHT),
    )


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
