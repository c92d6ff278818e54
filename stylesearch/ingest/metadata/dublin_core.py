"""Dublin Core in XML: ``oai_dc`` and its qualified relatives."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lxml import etree

from stylesearch.ingest.metadata.described import Described, Picture
from stylesearch.ingest.metadata.mapping import Gathering
from stylesearch.ingest.metadata.values import web_address
from stylesearch.ingest.metadata.xml import DC, DCTERMS, one_language, resource, text_of

# Elements of both namespaces, by their names, and the fields they fill.
_TRANSLATED = {
    "title": "title",
    "alternative": "title",
    "description": "description",
    "abstract": "description",
    "subject": "keywords",
    "type": "object_type",
    "medium": "medium",
}
_PLAIN = {
    "creator": "artist",
    "contributor": "contributor",
    "created": "date_text",
    "date": "date_text",
    "issued": "date_text",
    "license": "image_rights",
    "rights": "image_rights",
    "accessRights": "image_rights",
}
_KEPT = (
    "publisher",
    "language",
    "coverage",
    "spatial",
    "temporal",
    "provenance",
    "rightsHolder",
    "isPartOf",
    "extent",
    "source",
)
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+", re.IGNORECASE)
_IMAGE = re.compile(
    r"\.(?:jpe?g|jpe|png|tiff?|webp|gif|avif|heic|jp2|jxl|svg)(?:$|[?#])|/full/[^/?#]+/[^/?#]+/(?:default|native|color)\.",
    re.IGNORECASE,
)
_SMALL = re.compile(r"thumb|preview|_t\.|/small/", re.IGNORECASE)
# Of several elements that hold addresses, those that say "this is it" come before those that say "this belongs to it".
_ADDRESSES = ("identifier", "hasFormat", "hasVersion", "relation", "references", "source")


def read_dublin_core(root: etree._Element, *, languages: Sequence[str] = ("en",)) -> Described:
    """Read a record whose children are Dublin Core elements.

    Dublin Core says of a rights statement neither whether it is about the work or its image; it is taken to be about
    what the record leads to, the image. An address that looks like an image file is one; thumbnails come last.
    """
    gathering = _gather(root, languages)
    addresses = [
        address
        for name in _ADDRESSES
        for element in _elements(root, name)
        if (address := web_address(resource(element) or text_of(element)))
    ]
    gathering.add("source_url", [address for address in addresses if not _IMAGE.search(address)])
    return Described(gathering.record(), tuple(map(Picture, images(addresses))))


def _gather(root: etree._Element, languages: Sequence[str]) -> Gathering:
    gathering = Gathering()
    for name, field in (_TRANSLATED | _PLAIN).items():
        elements = list(_elements(root, name))
        for element in one_language(elements, languages) if name in _TRANSLATED else elements:
            gathering.add(field, resource(element) or text_of(element))
    for text in filter(None, map(text_of, _elements(root, "format"))):
        if not _MEDIA_TYPE.fullmatch(text):
            gathering.add("medium", text)
    for name in (*_KEPT, "identifier"):
        for text in filter(None, map(text_of, _elements(root, name))):
            if name != "identifier" or not web_address(text):
                gathering.note(name, text)
    return gathering


def images(addresses: Sequence[str]) -> list[str]:
    """Return those addresses that look like image files, each once, what looks small last."""
    found = dict.fromkeys(address for address in addresses if _IMAGE.search(address))
    return sorted(found, key=lambda address: _SMALL.search(address) is not None)


def _elements(root: etree._Element, name: str) -> Iterator[etree._Element]:
    for namespace in (DCTERMS, DC):
        yield from root.iterchildren(f"{namespace}{name}")
