"""How crowded it is around descriptors, for CSLS: measured in batches, in the background, as the gallery grows."""

from __future__ import annotations

import time

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from stylesearch.catalog import indexes, shards
from stylesearch.catalog.access import VISIBLE_SQL
from stylesearch.catalog.database import Database
from stylesearch.catalog.descriptors import EncoderRow

NEIGHBOURS = 15
"""Neighbours that count as a descriptor's surroundings, as in the paper on CSLS."""

GROWN = 1.25
"""A mean is measured anew once the gallery is so many times as large as it was."""

BATCH = 200
DENSITY_LOCK = 0x44454E  # "DEN"
_EF = 100


def refresh(database: Database, encoder: EncoderRow, *, seconds: float) -> int:
    """Measure what is missing or out of date for a while; return how many were measured.

    Only works that everybody may see are measured, and among such works: what is hidden leaves no trace in a score.
    """
    until = time.monotonic() + seconds
    measured = 0
    while True:
        with database.session() as session:
            batch = measure(session, encoder, at_most=BATCH)
        measured += batch
        if batch < BATCH or time.monotonic() >= until:
            break
    if measured:
        with database.session() as session:
            _sum_up(session, encoder)
    return measured


def measure(session: Session, encoder: EncoderRow, *, at_most: int = BATCH) -> int:
    """Measure some of what is missing or out of date; return how many were measured."""
    if not session.scalar(select(func.pg_try_advisory_xact_lock(DENSITY_LOCK, encoder.id))):
        return 0  # somebody else is at it
    if shards.parts(session, encoder.partition):
        return 0  # its neighbours are on other servers
    part, width = encoder.partition, f"halfvec({int(encoder.dim)})"
    indexed = indexes.has_index(session, encoder)
    stored = f"vector::{width}" if indexed else "vector"
    if indexed:
        for setting, value in (
            ("enable_sort", "off"), ("hnsw.iterative_scan", "relaxed_order"), ("hnsw.ef_search", str(_EF)),
        ):  # fmt: skip
            session.execute(text("SELECT set_config(:name, :value, true)"), {"name": setting, "value": value})
    rows = session.scalar(text(f"SELECT count(*) FROM {part}")) or 0
    done = session.execute(
        text(
            f"""
            WITH chosen AS MATERIALIZED (
                SELECT mine.image_id, mine.vector FROM {part} AS mine
                JOIN image ON image.id = mine.image_id JOIN work ON work.id = image.work_id AND {VISIBLE_SQL}
                LEFT JOIN density ON density.encoder_id = :encoder AND density.image_id = mine.image_id
                WHERE density.gallery IS NULL OR density.gallery * {GROWN} <= :rows
                LIMIT :at_most
            )
            INSERT INTO density (encoder_id, image_id, mean, gallery)
            SELECT :encoder, chosen.image_id, coalesce(near.mean, 0), :rows
            FROM chosen CROSS JOIN LATERAL (
                SELECT avg(1 - distance) AS mean FROM (
                    SELECT (other.{stored}) <=> (chosen.{stored}) AS distance FROM {part} AS other
                    JOIN image ON image.id = other.image_id JOIN work ON work.id = image.work_id AND {VISIBLE_SQL}
                    WHERE other.image_id <> chosen.image_id
                    ORDER BY (other.{stored}) <=> (chosen.{stored}) LIMIT {NEIGHBOURS}
                ) AS nearest
            ) AS near
            ON CONFLICT (image_id, encoder_id) DO UPDATE SET mean = EXCLUDED.mean, gallery = EXCLUDED.gallery
            """
        ),
        {"encoder": encoder.id, "rows": rows, "at_most": at_most},
    )
    if indexed:
        session.execute(text("SET LOCAL enable_sort = on"))
    return int(done.rowcount)  # type: ignore[attr-defined]


def _sum_up(session: Session, encoder: EncoderRow) -> None:
    """Keep what is usual in the gallery, for works that were not measured yet."""
    session.execute(
        text(
            "UPDATE encoder SET density = (SELECT avg(mean) FROM density WHERE encoder_id = :encoder) WHERE id = :encoder"
        ),
        {"encoder": encoder.id},
    )
