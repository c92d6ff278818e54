"""What a record of a metadata format gives: the work, and where its images are."""

from __future__ import annotations

from dataclasses import dataclass

from stylesearch.catalog.records import WorkRecord


@dataclass(frozen=True, slots=True)
class Picture:
    """One image of a work, on the web.

    Attributes
    ----------
    url:
        Of the file.
    service:
        Of a IIIF Image API that gives it in other sizes, if there is one.
    profile:
        What the record says of how much that API can do.
    """

    url: str
    service: str | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """A work, and its images, the foremost first."""

    record: WorkRecord
    pictures: tuple[Picture, ...] = ()
