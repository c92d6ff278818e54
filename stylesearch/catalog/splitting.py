"""Moving galleries to shards, and from one shard to another, while they are searched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from stylesearch.catalog import part_indexes, shard_connections, shards, upgrades
from stylesearch.catalog.audit import AuditEvent
from stylesearch.catalog.connections import raw_connection
from stylesearch.catalog.database import Database
from stylesearch.catalog.descriptors import REPLACED, EncoderRow, Shard
from stylesearch.catalog.encoders import PARTS_LOCK
from stylesearch.catalog.layouts import BUCKETS, Layout, even, layout_of
from stylesearch.errors import ServiceError

MOVE_LOCK = 0x4D4F56  # "MOV"
PATIENCE = "30s"
"""How long tables that change places wait for who is looking at them."""

COLUMNS = "encoder_id bigint NOT NULL, image_id bigint NOT NULL, vector halfvec NOT NULL"
"""Of a part of a gallery."""


def split(database: Database, row: EncoderRow) -> Layout:
    """Move a gallery from this server to the shards; it can be searched all the time, but not written to.

    Raises
    ------
    ServiceError
        ``no_shards``; ``already_split``; ``shard_down``; ``database_busy``, if somebody is looking at it for long.
    """
    parted = f"{row.partition}_parted"
    with held(database, row, parted) as session:
        if shards.parts(session, row.partition):
            raise ServiceError(
                f"The gallery of {row.slug!r} is split already.",
                hint="'stylesearch shards rebalance' moves its parts.",
                code="already_split",
            )
        keepers = _active(session)
        layout = even([shard.slug for shard in keepers])
        _make_there(database, row, layout.shards)
        try:
            with database.session() as copying:
                here = raw_connection(copying)
                here.execute(f"CREATE TABLE {parted} ({COLUMNS}) PARTITION BY LIST ((image_id % {BUCKETS}))")
                for shard in keepers:
                    _attach(copying, row, shard, layout, parent=parted)
                here.execute(f"INSERT INTO {parted} SELECT encoder_id, image_id, vector FROM {row.partition}")
            _index_there(database, row, layout.shards)
            put_in_place(session, row, parted)
        except BaseException:
            drop_there(database, row, layout.shards)
            raise
        session.add(AuditEvent(action="shard.split", subject=f"encoder:{row.slug}", detail={}))
    upgrades.drop_soon(database)
    with database.session() as session:
        part_indexes.refresh_statistics(session, row)
    return layout


def rebalance(database: Database, row: EncoderRow) -> int:
    """Spread a gallery evenly over the shards that are active, and off those that are draining; return how many rows moved.

    Each pair of shards is dealt with in a transaction of its own, so that an interrupted one goes on when it is called again.

    Raises
    ------
    ServiceError
        ``no_shards``, ``not_split``, ``shard_down``; ``database_busy``, if somebody is looking at it for long.
    """
    with database.session() as session:
        _be_alone(session, row)
        return _rebalance(database, row)


def _rebalance(database: Database, row: EncoderRow) -> int:
    moved = 0
    with database.session() as session:
        before = layout_of(session, row)
        after = even([shard.slug for shard in _active(session)], before)
    new = [slug for slug in after.shards if slug not in before.shards]
    _make_there(database, row, new)
    _index_there(database, row, new)
    for old in before.shards:
        for other in after.shards:
            buckets = [bucket for bucket in before.of_shard(old) if after.of[bucket] == other]
            if old != other and buckets:
                moved += _move(database, row, old, other, buckets)
    drop_there(database, row, [slug for slug in before.shards if slug not in after.shards])
    if moved:
        with database.session() as session:
            part_indexes.refresh_statistics(session, row)
    return moved


def drain(database: Database, slug: str, rows: Sequence[EncoderRow]) -> int:
    """Move all that a shard keeps to the others; return how many rows. It is given nothing from then on.

    Parameters
    ----------
    rows:
        Every encoder that has a gallery.

    Raises
    ------
    NotFoundError
        If there is no such shard.
    ServiceError
        ``last_shard``, if there is no other that could keep it; and as :func:`rebalance`.
    """
    with database.session() as session:
        shard = shards.find(session, slug)
        kept = [
            row for row in rows if any(part.shard == slug for part in shards.parts(session, row.partition))
        ]
        others = select(Shard.id).where(Shard.state == "active", Shard.id != shard.id)
        if kept and session.scalar(others) is None:
            raise ServiceError(
                f"There is no other shard that could keep what {slug!r} keeps.",
                hint="Make another one known: 'stylesearch shards add NAME URL'; or bring the gallery back:"
                " 'stylesearch shards join'.",
                code="last_shard",
            )
        shard.state = "draining"
        session.add(AuditEvent(action="shard.drain", subject=f"shard:{slug}", detail={}))
    return sum(rebalance(database, row) for row in kept)


@contextmanager
def held(database: Database, row: EncoderRow, new: str) -> Iterator[Session]:
    """Open a session during which nobody can write images or to a gallery, though all can search it.

    Parameters
    ----------
    new:
        Name of the table that is to take its place; what an attempt before has left of it is taken away, and what is
        left of it after an error.
    """
    with database.session() as session:
        _be_alone(session, row)
        session.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
        # Images too, and first, as who writes works does: two that wait for each other would be found out too late.
        session.execute(text(f"LOCK TABLE image, ONLY {row.partition} IN SHARE ROW EXCLUSIVE MODE"))
        with database.session() as other:
            other.execute(text(f"DROP TABLE IF EXISTS {new}"))
        try:
            yield session
        except BaseException:
            session.rollback()
            with database.session() as other:
                other.execute(text(f"DROP TABLE IF EXISTS {new}"))
            raise


def put_in_place(session: Session, row: EncoderRow, table: str) -> None:
    """Put a table in the place of an encoder's partition; who searches waits as long as that takes.

    The one that was there goes. One that refers to other tables stays, empty, until
    :func:`~stylesearch.catalog.upgrades.drop_emptied`: to drop it takes locks on what those hold who wait here.
    """
    _wait_for_searches(session, row)
    whole = session.scalar(
        text("SELECT relkind = 'r' FROM pg_class WHERE oid = to_regclass(:name)"), {"name": row.partition}
    )
    number = session.scalar(text("SELECT to_regclass(:name)::oid::bigint"), {"name": row.partition})
    replaced = f"{row.partition}{REPLACED}{number}"
    if whole:
        session.execute(text(f"DROP INDEX IF EXISTS {row.index}, {row.binary_index}"))
    for statement in (
        f"ALTER TABLE descriptor DETACH PARTITION {row.partition}",
        f"ALTER TABLE {row.partition} RENAME TO {replaced}",
        f"{'TRUNCATE' if whole else 'DROP TABLE'} {replaced}",
        f"ALTER TABLE {table} RENAME TO {row.partition}",
        f"ALTER TABLE descriptor ATTACH PARTITION {row.partition} FOR VALUES IN ({row.id})",
    ):
        session.execute(text(statement))


def drop_there(database: Database, row: EncoderRow, slugs: Iterable[str]) -> None:
    """Drop the tables of a gallery on some shards; on one that is away it stays, and is of no account."""
    with database.session() as session:
        known = shard_connections.targets(session, slugs)
    for slug, target in known.items():
        with suppress(ServiceError), shard_connections.connected(target, slug) as there:
            there.execute(f"DROP TABLE IF EXISTS {_name(row, slug)}")


def _be_alone(session: Session, row: EncoderRow) -> None:
    """See that nobody else moves a gallery until the transaction ends: two would take each other's tables for leftovers."""
    alone = session.scalar(
        text("SELECT pg_try_advisory_xact_lock(:lock, :encoder)"), {"lock": MOVE_LOCK, "encoder": row.id}
    )
    if not alone:
        raise ServiceError(
            f"Somebody else is moving the gallery of {row.slug!r}.",
            hint="Wait until that is done.",
            code="database_busy",
        )


def _wait_for_searches(session: Session, row: EncoderRow) -> None:
    session.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
    session.execute(
        text("SELECT pg_advisory_xact_lock(:lock, :encoder)"), {"lock": PARTS_LOCK, "encoder": row.id}
    )


def _active(session: Session) -> list[Shard]:
    found = list(session.scalars(select(Shard).where(Shard.state == "active").order_by(Shard.slug)))
    if not found:
        raise ServiceError(
            "There is no shard that could keep anything.",
            hint="Make one known: 'stylesearch shards add NAME URL'.",
            code="no_shards",
        )
    return found


def _name(row: EncoderRow, slug: str) -> str:
    return f"{row.partition}_{slug}"


def _make_there(database: Database, row: EncoderRow, slugs: Iterable[str]) -> None:
    """Make empty tables on some shards."""

    def make(there: psycopg.Connection[Any], slug: str) -> None:
        name = _name(row, slug)
        there.execute(f"DROP TABLE IF EXISTS {name}")
        there.execute(
            f"CREATE TABLE {name} ({COLUMNS}, PRIMARY KEY (image_id, encoder_id),"
            f" CHECK (vector_dims(vector) = {int(row.dim)}))"
        )

    with database.session() as session:
        known = shard_connections.targets(session, slugs)
    shard_connections.on_each(known, make)


def _index_there(database: Database, row: EncoderRow, slugs: Iterable[str]) -> None:
    """Build the indexes on some shards."""

    def build(there: psycopg.Connection[Any], slug: str) -> None:
        part_indexes.build_there(there, _name(row, slug), row.dim)

    with database.session() as session:
        known = shard_connections.targets(session, slugs)
    shard_connections.on_each(known, build)


def _foreign_table(session: Session, row: EncoderRow, shard: Shard) -> str:
    """Return the name of the table that stands here for a shard's, made if it is not there."""
    name = _name(row, shard.slug)
    raw_connection(session).execute(
        sql.SQL("CREATE FOREIGN TABLE IF NOT EXISTS {} ({}) SERVER {} OPTIONS (table_name {})").format(
            sql.Identifier(name), sql.SQL(COLUMNS), sql.Identifier(shard.server), sql.Literal(name)
        )
    )
    return name


def _attach(session: Session, row: EncoderRow, shard: Shard, layout: Layout, *, parent: str) -> None:
    name = _foreign_table(session, row, shard)
    buckets = ", ".join(map(str, layout.of_shard(shard.slug)))
    raw_connection(session).execute(f"ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES IN ({buckets})")


def _move(database: Database, row: EncoderRow, old: str, new: str, buckets: list[int]) -> int:
    """Move some buckets from one shard to another; searches wait only while the two change places."""
    with database.session() as session:
        here = raw_connection(session)
        source, target = shards.find(session, old), shards.find(session, new)
        here.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
        here.execute(f"LOCK TABLE ONLY {row.partition} IN SHARE ROW EXCLUSIVE MODE")
        layout = layout_of(session, row)
        after = Layout(tuple(new if bucket in buckets else one for bucket, one in enumerate(layout.of)))
        leaves, comes = _name(row, old), _foreign_table(session, row, target)
        wanted = f"image_id %% {BUCKETS} = ANY(%s)"
        # An attempt before may have brought some already.
        here.execute(f"DELETE FROM {comes} WHERE {wanted}", [buckets])
        moved = here.execute(
            f"INSERT INTO {comes} SELECT encoder_id, image_id, vector FROM {leaves} WHERE {wanted}", [buckets]
        ).rowcount
        here.execute(f"DELETE FROM {leaves} WHERE {wanted}", [buckets])
        _wait_for_searches(session, row)
        for shard in (source, target):
            if layout.of_shard(shard.slug):
                here.execute(f"ALTER TABLE {row.partition} DETACH PARTITION {_name(row, shard.slug)}")
        for shard in (source, target):
            if after.of_shard(shard.slug):
                _attach(session, row, shard, after, parent=row.partition)
            else:
                here.execute(f"DROP FOREIGN TABLE {_name(row, shard.slug)}")
    return moved
