"""What a picture's own metadata reserve against data mining: the PLUS property that IPTC recommends, and TDMRep."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from stylesearch.ingest.fetching.reservations import LONGEST_DETAIL, Reservation

PLUS = "{http://ns.useplus.org/ldf/xmp/1.0/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
TDMREP = ("{http://www.w3.org/ns/tdmrep#}", "{http://www.w3.org/ns/tdmrep/}")
PROHIBITED = "DMI-PROHIBITED"
_BEGIN, _END = b"<x:xmpmeta", b"</x:xmpmeta>"
_MOST_BYTES = 4 * 1024**2


def read_mining_reservations(data: bytes) -> tuple[Reservation, ...]:
    """Return what a file's XMP packet reserves; broken metadata reserve nothing.

    The packet is found by its marks, which are the same in every format that it is kept in unpacked.
    """
    begin = data.find(_BEGIN)
    end = data.find(_END, begin) if begin >= 0 else -1
    if end < 0 or end - begin > _MOST_BYTES:
        return ()
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    try:
        root = etree.fromstring(data[begin : end + len(_END)], parser)
    except (etree.XMLSyntaxError, ValueError):
        return ()
    return tuple(dict.fromkeys(_reservations(root))) if root is not None else ()


def _reservations(root: etree._Element) -> Iterator[Reservation]:
    for value in _values(root, f"{PLUS}DataMining"):
        if PROHIBITED in value:
            yield Reservation("plus", "metadata", value.rpartition("/")[2][:LONGEST_DETAIL])
    for space in TDMREP:
        if "1" in _values(root, f"{space}reservation"):
            policy = next(iter(_values(root, f"{space}policy")), None)
            yield Reservation("tdm", "metadata", policy and policy[:LONGEST_DETAIL])


def _values(root: etree._Element, name: str) -> list[str]:
    """Return a property's values: element text, a resource, or an attribute of the description."""
    found = [
        element.get(f"{RDF}resource") or "".join(str(part) for part in element.itertext())
        for element in root.iter(name)
    ]
    attributes = (element.get(name) for element in root.iter(f"{RDF}Description"))
    found += [str(value) for value in attributes if value]
    return [value.strip() for value in found if value]
