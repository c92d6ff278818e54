"""What a picture's own metadata reserve against data mining: the PLUS property that IPTC recommends, and TDMRep."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from stylesearch.ingest.fetching.reservations import LONGEST_DETAIL, Reservation
from stylesearch.ingest.metadata.xmp import read_packet, values_of

PLUS = "{http://ns.useplus.org/ldf/xmp/1.0/}"
TDMREP = ("{http://www.w3.org/ns/tdmrep#}", "{http://www.w3.org/ns/tdmrep/}")
PROHIBITED = "DMI-PROHIBITED"


def read_mining_reservations(data: bytes) -> tuple[Reservation, ...]:
    """Return what a file's XMP packet reserves; broken metadata reserve nothing."""
    root = read_packet(data)
    return tuple(dict.fromkeys(_reservations(root))) if root is not None else ()


def _reservations(root: etree._Element) -> Iterator[Reservation]:
    for value in values_of(root, f"{PLUS}DataMining"):
        if PROHIBITED in value:
            yield Reservation("plus", "metadata", value.rpartition("/")[2][:LONGEST_DETAIL])
    for space in TDMREP:
        if "1" in values_of(root, f"{space}reservation"):
            policy = next(iter(values_of(root, f"{space}policy")), None)
            yield Reservation("tdm", "metadata", policy and policy[:LONGEST_DETAIL])
