"""The gallery: the set of descriptors that a report is computed against, and the digest that names it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from stylesearch.catalog.access import VISIBLE_SQL
from stylesearch.catalog.descriptors import EncoderRow


@dataclass(frozen=True, slots=True)
class Gallery:
    """A gallery in numbers.

    Attributes
    ----------
    digest:
        Hex SHA-256 over the sorted digests of every visible image's file and descriptor. Equal digests mean that a
        search would give equal answers.
    """

    digest: str
    images: int
    works: int
    artists: int


def read_gallery(session: Session, encoder: EncoderRow) -> Gallery:
    """Return the gallery of an encoder as it stands in the caller's transaction."""
    row = session.execute(
        text(
            f"""
            WITH entry AS (
                SELECT work.id AS work_id, sha256(image.sha256 || halfvec_send(descriptor.vector)) AS leaf
                FROM descriptor
                JOIN image ON image.id = descriptor.image_id
                JOIN work ON work.id = image.work_id
                WHERE descriptor.encoder_id = :encoder AND {VISIBLE_SQL}
            )
            SELECT encode(sha256(coalesce(string_agg(leaf, ''::bytea ORDER BY leaf), ''::bytea)), 'hex') AS digest,
                   count(*) AS images,
                   count(DISTINCT work_id) AS works,
                   (SELECT count(DISTINCT artist_id) FROM work_artist WHERE work_id IN (SELECT work_id FROM entry)) AS artists
            FROM entry
            """
        ),
        {"encoder": encoder.id},
    ).one()
    return Gallery(row.digest, row.images, row.works, row.artists)
