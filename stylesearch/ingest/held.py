"""What a collection holds already, looked up for a few items at a time."""

from __future__ import annotations

from collections.abc import Collection as Some
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from stylesearch.errors import ImageError


@dataclass(frozen=True, slots=True)
class Held:
    """A work of the collection, with its image."""

    image_id: int
    sha256: bytes
    source_digest: bytes
    source_version: str | None
    fetch_version: str | None
    storage_key: str
    described: bool


@dataclass(frozen=True, slots=True)
class Withdrawals:
    """What must stay out, among some items."""

    source_ids: frozenset[str]
    digests: frozenset[bytes]

    def names(self, source_id: str, sha256: bytes | None) -> bool:
        """Whether an item must stay out."""
        return source_id in self.source_ids or sha256 in self.digests


def held_works(
    session: Session, collection_id: int, encoder_id: int, source_ids: Some[str]
) -> dict[str, Held]:
    """Return what the collection holds under some source ids."""
    rows = session.execute(
        text(
            """
            SELECT work.source_id, image.id, image.sha256, work.source_digest, work.source_version,
                   work.fetch_version, image.storage_key, descriptor.image_id IS NOT NULL AS described
            FROM work JOIN image ON image.work_id = work.id
            LEFT JOIN descriptor ON descriptor.image_id = image.id AND descriptor.encoder_id = :encoder
            WHERE work.collection_id = :collection AND work.source_id = ANY(:ids)
            """
        ),
        {"collection": collection_id, "encoder": encoder_id, "ids": list(source_ids)},
    )
    return {
        row.source_id: Held(
            row.id,
            bytes(row.sha256),
            bytes(row.source_digest),
            row.source_version,
            row.fetch_version,
            row.storage_key,
            row.described,
        )
        for row in rows
    }


def holders(session: Session, collection_id: int, digests: Some[bytes]) -> dict[bytes, tuple[str, int]]:
    """Return the source id and the image id of what the collection holds, by the bytes of its images."""
    if not digests:
        return {}
    rows = session.execute(
        text(
            """
            SELECT image.sha256, work.source_id, image.id FROM image JOIN work ON work.id = image.work_id
            WHERE image.collection_id = :collection AND image.sha256 = ANY(:digests)
            """
        ),
        {"collection": collection_id, "digests": list(digests)},
    )
    return {bytes(row.sha256): (row.source_id, row.id) for row in rows}


def withdrawals(
    session: Session, collection_id: int, *, source_ids: Some[str], digests: Some[bytes]
) -> Withdrawals:
    """Return which of some items rights holders had withdrawn.

    A source id means nothing outside its collection; bytes may have been withdrawn everywhere.
    """
    rows = session.execute(
        text(
            """
            SELECT collection_id, source_id, sha256 FROM withdrawal
            WHERE (collection_id = :collection AND source_id = ANY(:ids))
               OR ((collection_id = :collection OR collection_id IS NULL) AND sha256 = ANY(:digests))
            """
        ),
        {"collection": collection_id, "ids": list(source_ids), "digests": list(digests)},
    ).all()
    return Withdrawals(
        frozenset(row.source_id for row in rows if row.source_id and row.collection_id is not None),
        frozenset(bytes(row.sha256) for row in rows if row.sha256 is not None),
    )


def withdrawn_error() -> ImageError:
    """Return the reason why something withdrawn stays out."""
    return ImageError("A rights holder had this work withdrawn.", code="withdrawn")
