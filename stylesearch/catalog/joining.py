"""Bringing galleries back from the shards, to be whole on the catalogue's own server."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from stylesearch.catalog import encoders, shards
from stylesearch.catalog.audit import AuditEvent
from stylesearch.catalog.database import Database
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.hnsw import hnsw_definition, room
from stylesearch.catalog.layouts import not_split
from stylesearch.catalog.splitting import drop_there, held, put_in_place


def join(database: Database, row: EncoderRow) -> None:
    """Bring a gallery back from all shards; it can be searched all the time, but not written to.

    Raises
    ------
    ServiceError
        ``not_split``; ``shard_down``; ``database_busy``, if somebody is looking at it for long.
    """
    whole = f"{row.partition}_whole"
    with held(database, row, whole) as session:
        kept = shards.parts(session, row.partition)
        if not kept:
            raise not_split(row)
        _make_whole(database, row, session, whole)
    drop_there(database, row, [part.shard for part in kept])


def join_here(database: Database, row: EncoderRow) -> None:
    """Put a gallery together of parts that lie on this server, as a backup brings them."""
    whole = f"{row.partition}_whole"
    with held(database, row, whole) as session:
        _make_whole(database, row, session, whole)


def _make_whole(database: Database, row: EncoderRow, session: Session, whole: str) -> None:
    """Put one table in the place of a gallery's parts, with its index."""
    with database.session() as copying:
        encoders.make_table(copying, row, whole)
        rows = copying.execute(
            text(
                f"INSERT INTO {whole} SELECT encoder_id, image_id, vector FROM {row.partition} AS part"
                " WHERE EXISTS (SELECT FROM image WHERE image.id = part.image_id)"
            )
        ).rowcount  # type: ignore[attr-defined]
        copying.execute(text(f"ANALYZE {whole}"))
        copying.execute(text(room(row.dim, rows, local=True)))
        copying.execute(text(hnsw_definition(row.index, whole, row.dim)))
    encoders.refer(session, whole)
    put_in_place(session, row, whole)
    session.add(AuditEvent(action="shard.join", subject=f"encoder:{row.slug}", detail={}))
