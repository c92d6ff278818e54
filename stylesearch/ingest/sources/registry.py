"""Every kind of source, and how one is opened again from what a run has kept of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from stylesearch.errors import ServiceError
from stylesearch.ingest.sources.protocol import Source
from stylesearch.settings import Settings

Options = Mapping[str, Any]
"""What says which source is meant: JSON values, and no secrets among them."""

MODULES = {
    "folder": "stylesearch.ingest.sources.folder",
    "table": "stylesearch.ingest.sources.table",
    "shards": "stylesearch.ingest.sources.shards",
    "iiif": "stylesearch.ingest.sources.iiif",
    "oai": "stylesearch.ingest.sources.oai",
    "backfill": "stylesearch.ingest.sources.catalogue",
}
"""Kind to module; each module has ``from_options(options, settings) -> Source``."""


def build_source(kind: str, options: Options, settings: Settings) -> Source:
    """Open a source.

    Parameters
    ----------
    kind:
        One of :data:`MODULES`.
    options:
        As kept with the run.

    Raises
    ------
    InputError
        If the source is not there, or not what it should be.
    ServiceError
        If it cannot be reached; ``unknown_source`` if a newer version has begun the run.
    """
    if kind not in MODULES:
        raise ServiceError(
            f"Sources of the kind {kind!r} are not known here.",
            hint="A newer stylesearch has begun this run; upgrade.",
            code="unknown_source",
        )
    make: Callable[[Options, Settings], Source] = import_module(MODULES[kind]).from_options
    return make(options, settings)
