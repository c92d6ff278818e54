"""The style map of a gallery: drawn in the background, drawn anew as the gallery changes, and read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from stylesearch.catalog import encoders
from stylesearch.catalog.access import VISIBLE_SQL
from stylesearch.catalog.connections import copy_binary
from stylesearch.catalog.database import Database
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.halfvecs import unpack_halfvecs
from stylesearch.catalog.maps import SIZE, StyleMap
from stylesearch.errors import NotFoundError, ServiceError
from stylesearch.search.layout import lay_out

MOST_WORKS = 100_000
"""Most works of a map; of a larger gallery, so many that hang on nothing but their ids."""

FEWEST_WORKS = 2
GROWN = 1.25
"""A map is drawn anew once the gallery is so many times as large as it was, or as small."""

BATCH = 10_000
MAP_LOCK = 0x4D4150  # "MAP"


def newest(session: Session, encoder: EncoderRow) -> StyleMap | None:
    """Return the map of a gallery, ``None`` while there is none."""
    found = select(StyleMap).where(StyleMap.encoder_id == encoder.id).order_by(StyleMap.id.desc())
    return session.scalar(found.limit(1))


def build(database: Database, encoder: EncoderRow, *, seed: int = 0) -> StyleMap:
    """Draw the map of a gallery and put it in the place of the one before.

    Only works that everybody may see are on it. No lock is held that a search or an ingest would wait for.

    Raises
    ------
    NotFoundError
        ``empty_gallery``, if fewer than two works can be laid out; ``encoder_retired``.
    ServiceError
        ``map_busy``, if somebody else is drawing it.
    """
    with database.session() as held:
        if not held.scalar(select(func.pg_try_advisory_xact_lock(MAP_LOCK, encoder.id))):
            raise ServiceError(
                "The map is being drawn already.", hint="Wait until it is there.", code="map_busy"
            )
        with database.session(snapshot=True) as session:
            encoders.active(session, encoder.slug, digest=encoder.digest, hold_gallery=True)
            gallery = _count(session, encoder)
            works, vectors = _read(session, encoder, gallery)
        if len(works) < FEWEST_WORKS:
            raise NotFoundError(
                "There are too few works to draw a map of.", hint="Take works in first.", code="empty_gallery"
            )
        places = np.rint(lay_out(vectors, seed=seed) * SIZE).astype(np.int64)
        return _keep(held, encoder, gallery, works, places)


def is_due(session: Session, encoder: EncoderRow) -> bool:
    """Whether the map of a gallery should be drawn, or drawn anew; never while works are taken in."""
    if session.scalar(
        text("SELECT EXISTS (SELECT FROM ingest_run WHERE state <> 'finished' AND problem IS NULL)")
    ):
        return False
    gallery = _count(session, encoder)
    if gallery < FEWEST_WORKS:
        return False
    known = newest(session, encoder)
    return known is None or not known.gallery / GROWN < gallery < known.gallery * GROWN


def _count(session: Session, encoder: EncoderRow) -> int:
    """Return how many works a map may show."""
    found = session.scalar(
        text(
            f"SELECT count(DISTINCT image.work_id) FROM {encoder.partition} AS mine"
            f" JOIN image ON image.id = mine.image_id JOIN work ON work.id = image.work_id AND {VISIBLE_SQL}"
        )
    )
    return int(found or 0)


def _read(
    session: Session, encoder: EncoderRow, gallery: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the ids of works ``[n]`` and the descriptor of each one's first image ``[n, dim]``."""
    rows = session.execute(
        text(
            "SELECT DISTINCT ON (work.id) work.id, halfvec_send(mine.vector) AS vector"
            f" FROM {encoder.partition} AS mine"
            f" JOIN image ON image.id = mine.image_id JOIN work ON work.id = image.work_id AND {VISIBLE_SQL}"
            " WHERE (hashint8(work.id)::bigint + 2147483648) * :gallery < 4294967296 * :most"
            " ORDER BY work.id, image.id"
        ),
        {"gallery": max(gallery, MOST_WORKS), "most": MOST_WORKS},
        execution_options={"yield_per": BATCH},
    )
    works: list[int] = []
    parts = [np.zeros((0, int(encoder.dim)), np.float32)]
    for batch in rows.partitions():
        works += [row.id for row in batch]
        parts.append(unpack_halfvecs([bytes(row.vector) for row in batch]).astype(np.float32))
    return np.array(works, dtype=np.int64), np.concatenate(parts)


def _keep(
    session: Session,
    encoder: EncoderRow,
    gallery: int,
    works: NDArray[np.int64],
    places: NDArray[np.int64],
) -> StyleMap:
    # Works that were deleted meanwhile are on no map.
    there = set(
        session.scalars(text("SELECT id FROM work WHERE id = ANY (:works)"), {"works": works.tolist()})
    )
    rows = [
        (work, x, y) for work, (x, y) in zip(works.tolist(), places.tolist(), strict=True) if work in there
    ]
    made = StyleMap(encoder_id=encoder.id, works=len(rows), gallery=gallery)
    session.add(made)
    session.flush()
    columns = {"map_id": "int8", "work_id": "int8", "x": "int2", "y": "int2"}
    copy_binary(session, "map_point", columns, ((made.id, *row) for row in rows))
    session.execute(delete(StyleMap).where(StyleMap.encoder_id == encoder.id, StyleMap.id != made.id))
    session.refresh(made)
    session.expunge(made)
    return made
