"""The XMP packet of a file: found by its marks, which are the same in every format that keeps it unpacked."""

from __future__ import annotations

from lxml import etree

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_BEGIN, _END = b"<x:xmpmeta", b"</x:xmpmeta>"
_MOST_BYTES = 4 * 1024**2


def read_packet(data: bytes) -> etree._Element | None:
    """Return the root of a file's first packet; ``None`` where there is none, or a broken or enormous one."""
    begin = data.find(_BEGIN)
    end = data.find(_END, begin) if begin >= 0 else -1
    if end < 0 or end - begin > _MOST_BYTES:
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    try:
        return etree.fromstring(data[begin : end + len(_END)], parser)
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
