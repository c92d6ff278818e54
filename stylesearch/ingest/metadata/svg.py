"""Metadata inside an SVG: RDF with Dublin Core and Creative Commons terms, as drawing programs write it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from lxml import etree

from stylesearch.catalog.records import Credit, WorkRecord, tidy, years
from stylesearch.images.formats import is_gzip
from stylesearch.ingest.metadata.xml import DC, DCTERMS, RDF

SVG = "{http://www.w3.org/2000/svg}"
CC_NAMESPACES = ("{http://creativecommons.org/ns#}", "{http://web.resource.org/cc/}")


def read_svg_metadata(data: bytes) -> WorkRecord:
    """Read the metadata of an SVG that has passed the guard; what is not there stays empty.

    The licence is the drawing's own: for a born-digital drawing work and image are one thing, so both rights are it.
    """
    if is_gzip(data):
        data = zlib.decompressobj(wbits=31).decompress(data)  # the guard has measured it
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        return WorkRecord()
    date_text = first_text(root, f"{DC}date")
    year_from, year_to = years(date_text)
    rights = _license(root)
    return WorkRecord(
        title=_title(root) or "",
        description=first_text(root, f"{DC}description"),
        credits=tuple(Credit(name) for name in dict.fromkeys(_agents(root, f"{DC}creator"))),
        date_text=date_text,
        year_from=year_from,
        year_to=year_to,
        medium=first_text(root, f"{DCTERMS}medium"),
        keywords=tuple(dict.fromkeys(_keywords(root))),
        source_url=_source(root),
        work_rights=rights,
        image_rights=rights,
    )


def first_text(root: etree._Element, tag: str) -> str | None:
    """Return the first text of an element, wherever a language alternative or a list wraps it."""
    for element in root.iter(tag):
        text = tidy("".join(str(part) for part in element.itertext()))
        if text:
            return text
    return None


def _title(root: etree._Element) -> str | None:
    """Return the work's title, which is not the title of its creator or publisher."""
    for namespace in CC_NAMESPACES:
        for work in root.iter(f"{namespace}Work"):
            for child in work.iterchildren(f"{DC}title"):
                text = tidy("".join(str(part) for part in child.itertext()))
                if text:
                    return text
    title = root.find(f"{SVG}title")
    return tidy(title.text) if title is not None else None


def _agents(root: etree._Element, tag: str) -> Iterator[str]:
    for element in root.iter(tag):
        titles = [tidy(title.text) for title in element.iter(f"{DC}title")]
        items = [tidy(item.text) for item in element.iter(f"{RDF}li")]
        names = titles or items or [tidy(element.text)]
        yield from (name for name in names if name)


def _keywords(root: etree._Element) -> Iterator[str]:
    for subject in root.iter(f"{DC}subject"):
        for item in subject.iter(f"{RDF}li"):
            text = tidy(item.text)
            if text:
                yield text.lower()


def _license(root: etree._Element) -> str | None:
    for namespace in ("", *CC_NAMESPACES):
        for element in root.iter(f"{namespace}license"):
            statement = tidy(element.get(f"{RDF}resource"))
            if statement:
                return statement
    return None


def _source(root: etree._Element) -> str | None:
    for element in root.iter(f"{DC}source"):
        address = tidy(element.get(f"{RDF}resource") or element.text)
        if address and address.startswith(("http://", "https://")):
            return address
    return None
