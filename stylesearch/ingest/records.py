"""All that is known of a work: what its source says beside the file, then the file itself, its package, its name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath

from stylesearch.catalog.records import WorkRecord, tidy
from stylesearch.ingest.fetching.reservations import Reservation
from stylesearch.ingest.metadata.debian_copyright import NOTED, package_record
from stylesearch.ingest.metadata.embedded import read_embedded_metadata
from stylesearch.ingest.metadata.svg import read_svg_metadata

SVG = "image/svg+xml"


def complete_record(
    source_id: str, said: WorkRecord, data: bytes, media_type: str, default_rights: str | None
) -> WorkRecord:
    """Return a work's metadata: what was said beside the file first, then the file's own, its package's, its name."""
    inside = read_svg_metadata(data) if media_type == SVG else read_embedded_metadata(data)
    name = tidy(PurePosixPath(source_id).stem.replace("_", " "))
    fallback = WorkRecord(title=name or source_id, work_rights=default_rights, image_rights=default_rights)
    package = package_record(said.extra.get(NOTED))
    return said.over(inside).over(package).over(fallback).clipped()


def with_reservations(record: WorkRecord, reservations: Iterable[Reservation]) -> WorkRecord:
    """Return a record that keeps what was reserved, beside what its source said of it already."""
    said = record.extra.get("reservations")
    kept = list(said) if isinstance(said, list) else []
    for one in reservations:
        if one.to_json() not in kept:
            kept.append(one.to_json())
    return replace(record, extra={**record.extra, "reservations": kept}) if kept else record
