"""All parts of the API, in the order in which they are described."""

from __future__ import annotations

from web.api import artists, collections, description, files, iiif, oai, reports, runs, searches, works
from web.api.operations import Operations

PARTS: tuple[Operations, ...] = (
    searches.operations,
    files.operations,
    works.operations,
    artists.operations,
    collections.operations,
    reports.operations,
    runs.operations,
    iiif.operations,
    oai.operations,
    description.operations,
)

TAGS = {
    "search": "Works near something in style, and the pictures to search with.",
    "works": "What is in the archive.",
    "artists": "Who made it.",
    "collections": "Where it came from, and who may see it.",
    "reports": "Signed attribution reports: made, handed out, checked again.",
    "ingest": "Taking works in from the net, and what became of each file.",
    "iiif": "Works and lists for viewers: IIIF Presentation API 3.",
    "oai": "The catalogue for harvesters: OAI-PMH 2.0.",
    "about": "The API itself.",
}
