"""The HNSW indexes of an encoder's partition: built after a bulk load or beside all that goes on, watched, and warmed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from stylesearch.catalog import shards
from stylesearch.catalog.database import Database, explain
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.errors import ServiceError

Kind = Literal["hnsw", "binary"]
KINDS: tuple[Kind, ...] = get_args(Kind)

HNSW_M = 16
HNSW_EF_CONSTRUCTION = 128
INDEX_LOCK = 0x494458  # "IDX"
BESIDE_LOCK = (
    0x424553  # "BES": nobody waits for it, since a build beside others waits for all who look at the database
)

WORN = 0.2
"""From this share of dead tuples on, an index is worth being built anew: they are met on the way and lead nowhere."""

NO_FUNCTION, NO_RIGHT = "42883", "42501"


@dataclass(frozen=True, slots=True)
class IndexState:
    """How an index stands.

    Attributes
    ----------
    valid:
        Whether it is whole; one that was left half-built is not, and no search uses it.
    built:
        Share, 0 to 1, of one that is being built just now; ``None`` where nobody builds it.
    recall, sample, measured_at:
        What was last measured of it against the exact way; ``None`` where it never was.
    """

    kind: Kind
    size_bytes: int
    valid: bool
    built: float | None
    recall: float | None
    sample: int | None
    measured_at: datetime | None


@dataclass(frozen=True, slots=True)
class GalleryState:
    """How an encoder's partition and its indexes stand.

    Attributes
    ----------
    rows:
        About how many descriptors there are, as the database thinks.
    dead:
        Rows that were deleted or replaced, and that neither VACUUM has taken away yet nor a new index left behind.
    """

    slug: str
    status: str
    dim: int
    rows: int
    dead: int
    size_bytes: int
    indexes: tuple[IndexState, ...]

    @property
    def dead_share(self) -> float:
        """Share, 0 to 1, of dead tuples among all."""
        return self.dead / max(1, self.dead + self.rows)

    @property
    def worn(self) -> bool:
        """Whether the indexes are worth being built anew."""
        return self.dead_share >= WORN


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
    built beside all that goes on, nothing is done.
    """
    if shards.parts(session, row.partition):
        return False
    connection = session.connection()
    session.execute(select(func.pg_advisory_xact_lock(INDEX_LOCK, row.id)))
    rows = _rows(connection, row)
    alone = session.scalar(select(func.pg_try_advisory_xact_lock(BESIDE_LOCK, row.id)))
    if not alone or has_index(session, row, kind):
        return False
    connection.execute(text(f"DROP INDEX IF EXISTS {index_name(row, kind)}"))
    give_room(connection, row, rows=rows, local=True)
    connection.execute(text(definition(row, kind)))
    return True


def build_index_beside(database: Database, row: EncoderRow, kind: Kind = "hnsw") -> bool:
    """Build an index while others search and write; return whether it was missing.

    One that was left half-built is taken away first.

    Raises
    ------
    ServiceError
        ``index_busy``, if somebody else builds one of this encoder.
    """
    _refuse_parts(database, row)
    with _alone(database, row) as connection:
        rows = _rows(connection, row)
        name = index_name(row, kind)
        valid = connection.scalar(
            text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)"), {"name": name}
        )
        if valid:
            return False
        if valid is not None:
            connection.execute(text(f"DROP INDEX CONCURRENTLY {name}"))
        give_room(connection, row, rows=rows)
        connection.execute(text(definition(row, kind, "CONCURRENTLY ")))
        return True


def rebuild_index(database: Database, row: EncoderRow, kind: Kind = "hnsw") -> None:
    """Build an index anew, without its dead tuples, while others search and write; then put it in the old one's place.

    Raises
    ------
    ServiceError
        ``no_index``, if there is none; ``index_busy``, if somebody else builds one of this encoder.
    """
    _refuse_parts(database, row)
    with _alone(database, row) as connection:
        name = index_name(row, kind)
        if connection.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is None:
            raise no_index(row.slug, kind)
        # What an attempt before has left half-built.
        connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {name}_ccnew"))
        give_room(connection, row, rows=_rows(connection, row))
        connection.execute(text(f"REINDEX INDEX CONCURRENTLY {name}"))
        connection.execute(text(f"VACUUM (ANALYZE) {row.partition}"))


def warm(session: Session, row: EncoderRow) -> int:
    """Read the partition and its indexes into the server's memory; return how many bytes.

    Raises
    ------
    ServiceError
        ``no_prewarm``, if the server's extension for it is missing or not ours to use.
    """
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
        raise ServiceError(
            "The database has no extension that reads tables into memory.",
            hint="Have a superuser run 'CREATE EXTENSION pg_prewarm' in it.",
            code="no_prewarm",
        ) from error
    return int(pages or 0) * 8192


def no_index(slug: str, kind: Kind) -> ServiceError:
    """Return the error that an index is missing, or is no whole one."""
    return ServiceError(
        f"The encoder {slug!r} has no index{'' if kind == 'hnsw' else f' of the kind {kind}'}.",
        hint=f"Build it with 'stylesearch index build --kind {kind}', or search with --mode exact.",
        code="no_index",
    )


def state(session: Session, row: EncoderRow) -> GalleryState:
    """Return how a gallery and its indexes stand."""
    numbers = session.execute(
        text(
            "SELECT greatest(reltuples, 0)::bigint AS rows, coalesce(n_dead_tup, 0) AS dead,"
            " pg_table_size(pg_class.oid) AS size_bytes"
            " FROM pg_class LEFT JOIN pg_stat_all_tables ON relid = pg_class.oid WHERE pg_class.oid = to_regclass(:name)"
        ),
        {"name": row.partition},
    ).one()
    found = (_index_state(session, row, kind) for kind in KINDS)
    return GalleryState(
        row.slug, row.status, row.dim, numbers.rows, numbers.dead, numbers.size_bytes,
        tuple(one for one in found if one is not None),
    )  # fmt: skip


def _index_state(session: Session, row: EncoderRow, kind: Kind) -> IndexState | None:
    one = session.execute(
        text(
            "SELECT pg_relation_size(indexrelid) AS size_bytes, indisvalid AS valid, index_check.recall,"
            " index_check.sample, index_check.measured_at,"
            " CASE WHEN progress.pid IS NOT NULL THEN tuples_done / greatest(tuples_total, 1)::float8 END AS built"
            " FROM pg_index LEFT JOIN index_check ON encoder_id = :encoder AND kind = :kind"
            " LEFT JOIN pg_stat_progress_create_index AS progress ON progress.index_relid = indexrelid"
            " WHERE indexrelid = to_regclass(:name)"
        ),
        {"encoder": row.id, "kind": kind, "name": index_name(row, kind)},
    ).one_or_none()
    if one is None:
        return None
    return IndexState(
        kind, one.size_bytes, one.valid, one.built, one.recall, one.sample, one.measured_at
    )  # fmt: skip


def definition(row: EncoderRow, kind: Kind, how: str = "") -> str:
    """Return the statement that makes an index."""
    return hnsw_definition(index_name(row, kind), row.partition, row.dim, kind, how)


def hnsw_definition(name: str, table: str, dim: int, kind: Kind = "hnsw", how: str = "") -> str:
    """Return the statement that makes an index of a name on a table of descriptors."""
    width = int(dim)
    on = (
        f"(vector::halfvec({width})) halfvec_cosine_ops"
        if kind == "hnsw"
        else f"(binary_quantize(vector::halfvec({width}))::bit({width})) bit_hamming_ops"
    )
    return (
        f"CREATE INDEX {how}{name} ON {table} USING hnsw ({on})"
        f" WITH (m = {HNSW_M}, ef_construction = {HNSW_EF_CONSTRUCTION})"
    )


def give_room(connection: Connection, row: EncoderRow, *, rows: int, local: bool = False) -> None:
    """Let a build have the memory that the graph needs, and all workers that the server has for such things.

    A graph that does not fit is built on disk, many times slower. It may take half of what the server expects to find in
    memory, and as much as its own settings say anyway.

    Parameters
    ----------
    rows:
        How many descriptors there are.
    local:
        Whether that ends with the transaction, and not with the connection.
    """
    connection.execute(
        text(
            "SELECT set_config('maintenance_work_mem', greatest("
            "  pg_size_bytes(current_setting('maintenance_work_mem')),"
            "  least(:needed, pg_size_bytes(current_setting('effective_cache_size')) / 2)"
            " ) / 1024 || 'kB', :local),"
            " set_config('max_parallel_maintenance_workers', greatest("
            "  current_setting('max_parallel_maintenance_workers')::int,"
            "  current_setting('max_parallel_workers')::int)::text, :local)"
        ),
        {"needed": rows * _bytes_each(int(row.dim)), "local": local},
    )


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


def _bytes_each(dim: int) -> int:
    """Return about how many bytes of memory a descriptor takes while its graph is built."""
    return 2 * dim + 2 * HNSW_M * 16 + 256


def _refuse_parts(database: Database, row: EncoderRow) -> None:
    with database.session() as session:
        if shards.parts(session, row.partition):
            raise ServiceError(
                f"The gallery of {row.slug!r} is split over shards, each of which has its own index.",
                hint="Run REINDEX on the shard itself.",
                code="index_elsewhere",
            )


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
