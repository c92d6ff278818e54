"""Metadata inside a raster file: XMP packets and IPTC records."""

from __future__ import annotations

import io
import re
import warnings
from typing import Any

from lxml import etree
from PIL import Image, IptcImagePlugin

from stylesearch.catalog.records import Credit, WorkRecord, tidy, years
from stylesearch.ingest.metadata.svg import DC, RDF

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


def read_embedded_metadata(data: bytes) -> WorkRecord:
    """Read a raster file's own metadata, XMP before IPTC; what is absent or broken stays empty.

    Only headers are read: no pixel is decoded.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # limits on pixels are kept where pixels are decoded
            with Image.open(io.BytesIO(data)) as image:
                packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or _tiff_xmp(image)
                iptc = IptcImagePlugin.getiptcinfo(image) or {}
    except Exception:  # noqa: BLE001 - readers of broken headers fail in every way; metadata is then simply absent
        return WorkRecord()
    return _read_xmp(packet).over(_read_iptc(iptc))


def _tiff_xmp(image: Image.Image) -> Any:
    tags = getattr(image, "tag_v2", None)
    return tags.get(700) if tags is not None else None


def _read_xmp(packet: Any) -> WorkRecord:
    if isinstance(packet, str):
        packet = packet.encode()
    if not isinstance(packet, bytes) or not packet.strip(PADDING):
        return WorkRecord()
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    try:
        root = etree.fromstring(packet.strip(PADDING), parser)
    except (etree.XMLSyntaxError, ValueError):
        return WorkRecord()
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


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
