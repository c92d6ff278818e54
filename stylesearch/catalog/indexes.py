"""The HNSW indexes of an encoder's partition: built after a bulk load or beside all that goes on, and warmed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from stylesearch.catalog import part_indexes, shards
from stylesearch.catalog.database import Database, explain
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.hnsw import Kind, hnsw_definition, room
from stylesearch.errors import ServiceError

INDEX_LOCK = 0x494458  # "IDX"
BESIDE_LOCK = (
    0x424553  # "BES": nobody waits for it, since a build beside others waits for all who look at the database
)

NO_FUNCTION, NO_RIGHT = "42883", "42501"


def index_name(row: EncoderRow, kind: Kind) -> str:
    """Return the name of an index."""
    return row.index if kind == "hnsw" else row.binary_index


def has_index(session: Session, row: EncoderRow, kind: Kind = "hnsw") -> bool:
    """Whether a whole, valid index stands on the encoder's partition, or on each of the parts that it is split into."""
    if kind == "hnsw" and shards.parts(session, row.partition):
        return True  # none is made without
    valid = session.scalar(
        text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)"),
        {"name": index_name(row, kind)},
    )
    return bool(valid)


def build_index(session: Session, row: EncoderRow, kind: Kind = "hnsw") -> bool:
    """Build an index where it is missing, after a bulk load, and refresh statistics; return whether it was built.

    Nobody can write descriptors meanwhile. Of two that come at once, one builds; the other waits for it. While one is
    built beside all that goes on, nothing is done. A gallery that is split has its indexes from the beginning.
    """
    if shards.parts(session, row.partition):
        part_indexes.refresh_statistics(session, row)
        return False
    connection = session.connection()
    session.execute(select(func.pg_advisory_xact_lock(INDEX_LOCK, row.id)))
    rows = _rows(connection, row)
    alone = session.scalar(select(func.pg_try_advisory_xact_lock(BESIDE_LOCK, row.id)))
    if not alone or has_index(session, row, kind):
        return False
    connection.execute(text(f"DROP INDEX IF EXISTS {index_name(row, kind)}"))
    connection.execute(text(room(row.dim, rows, local=True)))
    connection.execute(text(definition(row, kind)))
    return True


def build_index_beside(database: Database, row: EncoderRow, kind: Kind = "hnsw") -> bool:
    """Build an index while others search and write; return whether it was missing.

    One that was left half-built is taken away first. Of a gallery that is split, each shard builds its own.

    Raises
    ------
    InputError
        ``mode_not_parted``, if a gallery that is split can have none of that kind.
    ServiceError
        ``index_busy``, if somebody else builds one of this encoder; ``shard_down``.
    """
    split = _is_split(database, row)
    with _alone(database, row) as connection:
        if split:
            return part_indexes.build(database, row, kind)
        rows = _rows(connection, row)
        name = index_name(row, kind)
        valid = connection.scalar(
            text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)"), {"name": name}
        )
        if valid:
            return False
        if valid is not None:
            connection.execute(text(f"DROP INDEX CONCURRENTLY {name}"))
        connection.execute(text(room(row.dim, rows)))
        connection.execute(text(definition(row, kind, "CONCURRENTLY ")))
        return True


def rebuild_index(database: Database, row: EncoderRow, kind: Kind = "hnsw") -> None:
    """Build an index anew, without its dead tuples, while others search and write; then put it in the old one's place.

    Raises
    ------
    InputError
        ``mode_not_parted``, if a gallery that is split can have none of that kind.
    ServiceError
        ``no_index``, if there is none; ``index_busy``, if somebody else builds one of this encoder; ``shard_down``.
    """
    split = _is_split(database, row)
    with _alone(database, row) as connection:
        if split:
            if not part_indexes.rebuild(database, row, kind):
                raise no_index(row.slug, kind)
            return
        name = index_name(row, kind)
        if connection.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is None:
            raise no_index(row.slug, kind)
        # What an attempt before has left half-built.
        connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {name}_ccnew"))
        connection.execute(text(room(row.dim, _rows(connection, row))))
        connection.execute(text(f"REINDEX INDEX CONCURRENTLY {name}"))
        connection.execute(text(f"VACUUM (ANALYZE) {row.partition}"))


def warm(session: Session, row: EncoderRow) -> int:
    """Read the partition and its indexes into the server's memory, or its parts into the shards'; return how many bytes.

    Raises
    ------
    ServiceError
        ``no_prewarm``, if the server's extension for it is missing or not ours to use; ``shard_down``.
    """
    if shards.parts(session, row.partition):
        return part_indexes.warm(session, row)
    names = (row.partition, row.index, row.binary_index)
    try:
        with session.begin_nested():
            pages = session.scalar(
                text(
                    "SELECT coalesce(sum(pg_prewarm(to_regclass(name))), 0) FROM unnest(CAST(:names AS text[])) AS name"
                    " WHERE to_regclass(name) IS NOT NULL"
                ),
                {"names": list(names)},
            )
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in (NO_FUNCTION, NO_RIGHT):
            raise
        raise part_indexes.no_prewarm("The database") from error
    return int(pages or 0) * part_indexes.PAGE


def no_index(slug: str, kind: Kind) -> ServiceError:
    """Return the error that an index is missing, or is no whole one."""
    return ServiceError(
        f"The encoder {slug!r} has no index{'' if kind == 'hnsw' else f' of the kind {kind}'}.",
        hint=f"Build it with 'stylesearch index build --kind {kind}', or search with --mode exact.",
        code="no_index",
    )


def definition(row: EncoderRow, kind: Kind, how: str = "") -> str:
    """Return the statement that makes an index."""
    return hnsw_definition(index_name(row, kind), row.partition, row.dim, kind, how)


def _rows(connection: Connection, row: EncoderRow) -> int:
    """Refresh the planner's statistics of a gallery; return about how many descriptors there are."""
    connection.execute(text(f"ANALYZE {row.partition}"))
    return int(
        connection.scalar(
            text("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass(:name)"),
            {"name": row.partition},
        )
        or 0
    )


def _is_split(database: Database, row: EncoderRow) -> bool:
    with database.session() as session:
        return bool(shards.parts(session, row.partition))


@contextmanager
def _alone(database: Database, row: EncoderRow) -> Iterator[Connection]:
    """Open a connection for statements that end their own transactions, if nobody else builds an index of this encoder."""
    try:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            locks = {"index": INDEX_LOCK, "beside": BESIDE_LOCK, "encoder": row.id}
            free = connection.scalar(
                text(
                    "SELECT pg_try_advisory_lock(:beside, :encoder)"
                    " AND pg_try_advisory_lock(:index, :encoder) AND pg_advisory_unlock(:index, :encoder)"
                ),
                locks,
            )
            if not free:
                raise ServiceError(
                    f"An index of the encoder {row.slug!r} is being built.",
                    hint="'stylesearch index status' tells how far it is.",
                    code="index_busy",
                )
            try:
                yield connection
            finally:
                with suppress(DBAPIError):  # where the connection is lost, so is the lock
                    connection.execute(text("SELECT pg_advisory_unlock(:beside, :encoder)"), locks)
                connection.invalidate()  # with it go its settings
    except DBAPIError as error:
        raise explain(error, database.url) from error
