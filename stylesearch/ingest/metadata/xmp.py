"""The XMP packet of a file."""

from __future__ import annotations

from lxml import etree

from stylesearch.ingest.metadata.xml import RDF

_BEGIN, _END = b"<x:xmpmeta", b"</x:xmpmeta>"
_MOST_BYTES = 4 * 1024**2


def read_packet(data: bytes) -> etree._Element | None:
    """Return the root of a file's first packet; ``None`` where there is none, or a broken or enormous one.

    It is found by its marks, which are the same in every format that keeps it unpacked.
    """
    begin = data.find(_BEGIN)
    end = data.find(_END, begin) if begin >= 0 else -1
    if end < 0 or end - begin > _MOST_BYTES:
        return None
    return parse_packet(data[begin : end + len(_END)])


def parse_packet(packet: bytes) -> etree._Element | None:
    """Return the root of a packet, as far as it can be read; ``None`` where nothing can."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    try:
        return etree.fromstring(packet, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def values_of(root: etree._Element, name: str) -> list[str]:
    """Return a property's values: element text, a resource, or an attribute of the description."""
    found = [
        element.get(f"{RDF}resource") or "".join(str(part) for part in element.itertext())
        for element in root.iter(name)
    ]
    attributes = (element.get(name) for element in root.iter(f"{RDF}Description"))
    found += [str(value) for value in attributes if value]
    return [value.strip() for value in found if value]
