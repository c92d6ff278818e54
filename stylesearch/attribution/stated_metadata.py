"""What an image file says of itself in XMP and IPTC: who made it, under which rights, and by what means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stylesearch.catalog.records import tidy
from stylesearch.images.formats import SVG
from stylesearch.ingest.metadata.embedded import read_embedded_metadata
from stylesearch.ingest.metadata.mining import read_mining_reservations
from stylesearch.ingest.metadata.svg import read_svg_metadata
from stylesearch.ingest.metadata.xmp import read_packet, values_of

LONGEST, MOST = 300, 20
_SOURCE_TYPE = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"

SOURCE_TYPES = {
    "digitalCapture": "photographed digitally",
    "computationalCapture": "photographed digitally, by computing from several takes",
    "negativeFilm": "scanned from film",
    "positiveFilm": "scanned from film",
    "print": "scanned from a print",
    "humanEdits": "changed by a person",
    "minorHumanEdits": "changed a little by a person",
    "digitalCreation": "made by a person with software",
    "digitalArt": "made by a person with software",
    "algorithmicallyEnhanced": "enhanced by an algorithm",
    "dataDrivenMedia": "drawn from data",
    "virtualRecording": "recorded in a virtual world",
    "screenCapture": "a picture of a screen",
    "composite": "put together from several things",
    "compositeCapture": "put together from photographs",
    "compositeSynthetic": "put together, with synthetic parts",
    "compositeWithTrainedAlgorithmicMedia": "put together, with parts made by a generative model",
    "trainedAlgorithmicMedia": "made by a generative model",
    "trainedAlgorithmicData": "data made by a generative model",
    "algorithmicMedia": "made by an algorithm that was not trained",
}
"""The terms of IPTC's NewsCodes, in plain words."""


@dataclass(frozen=True, slots=True)
class StatedMetadata:
    """What a file states. Anybody can write it, and nothing in it is checked.

    Attributes
    ----------
    creators:
        Names.
    credit, rights, rights_statement:
        Credit line; copyright notice; address or name of a licence.
    source_type:
        URI or name of IPTC's digital source type.
    reservations:
        What is reserved against data mining.
    """

    creators: tuple[str, ...]
    credit: str | None
    rights: str | None
    rights_statement: str | None
    source_type: str | None
    reservations: tuple[dict[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, the source type in words too."""
        return {
            "creators": list(self.creators),
            "credit": self.credit,
            "rights": self.rights,
            "rights_statement": self.rights_statement,
            "source_type": self.source_type,
            "source_type_in_words": source_type_in_words(self.source_type),
            "reservations": list(self.reservations),
        }


def source_type_in_words(source_type: str | None) -> str | None:
    """Return what a digital source type means; ``None`` for one that is not known."""
    return SOURCE_TYPES.get((source_type or "").rstrip("/").rpartition("/")[2])


def read_stated_metadata(data: bytes, media_type: str) -> StatedMetadata:
    """Read what a file that has been decoded states; what is absent or broken stays empty."""
    record = read_svg_metadata(data) if media_type == SVG.media_type else read_embedded_metadata(data)
    return StatedMetadata(
        creators=tuple(credit.name[:LONGEST] for credit in record.credits[:MOST]),
        credit=_short(record.credit_line),
        rights=_short(record.image_rights),
        rights_statement=_short(record.work_rights),
        source_type=_source_type(data),
        reservations=tuple(one.to_json() for one in read_mining_reservations(data)[:MOST]),
    )


def _source_type(data: bytes) -> str | None:
    root = read_packet(data)
    if root is None:
        return None
    return next(filter(None, map(_short, values_of(root, _SOURCE_TYPE))), None)


def _short(text: str | None) -> str | None:
    kept = tidy(text)
    return kept and kept[:LONGEST]
