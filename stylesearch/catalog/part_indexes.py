"""The indexes of a gallery that is split: each shard has its own, and all are looked after at the same time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from stylesearch.catalog import shards
from stylesearch.catalog.database import Database
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.hnsw import Kind, hnsw_definition, room
from stylesearch.catalog.shard_connections import Target, on_each, targets
from stylesearch.errors import InputError, ServiceError

PAGE = 8192
"""Bytes that the server reads at a time."""

Result = TypeVar("Result")

_STATE = """
    SELECT greatest(reltuples, 0)::bigint, coalesce(n_dead_tup, 0), pg_table_size(pg_class.oid),
        coalesce(pg_relation_size(indexrelid), 0), coalesce(indisvalid, false),
        CASE WHEN progress.pid IS NOT NULL THEN tuples_done / greatest(tuples_total, 1)::float8 END
    FROM pg_class LEFT JOIN pg_stat_all_tables AS stat ON stat.relid = pg_class.oid
    LEFT JOIN pg_index ON indexrelid = to_regclass(%s)
    LEFT JOIN pg_stat_progress_create_index AS progress ON progress.index_relid = indexrelid
    WHERE pg_class.oid = to_regclass(%s)
"""


@dataclass(frozen=True, slots=True)
class PartState:
    """How a shard's part of a gallery and its index stand.

    Attributes
    ----------
    answers:
        Whether the shard does; of one that does not, only ``rows`` is known.
    rows, dead, size_bytes:
        As of a gallery that is whole.
    index_bytes, valid, built:
        The index's size, whether it is there and whole, and the share, 0 to 1, of one that is being built just now.
    """

    shard: str
    answers: bool
    rows: int
    dead: int = 0
    size_bytes: int = 0
    index_bytes: int = 0
    valid: bool = False
    built: float | None = None


def index_of(table: str) -> str:
    """Return the name of the index on a shard's table."""
    return f"{table}_hnsw"


def states(session: Session, row: EncoderRow) -> tuple[PartState, ...]:
    """Return how each part of a gallery stands, by the shards' names; none of one that is not split."""
    kept = shards.parts(session, row.partition)
    known = targets(session, (part.shard for part in kept))
    tables = {part.shard: part.table for part in kept}
    about = {part.shard: round(part.rows) for part in kept}

    def look(there: psycopg.Connection[Any], slug: str) -> PartState:
        told = there.execute(_STATE, [index_of(tables[slug]), tables[slug]]).fetchone()
        return PartState(slug, True, *(told or (0,)))

    found = on_each(known, look, away=lambda slug: PartState(slug, answers=False, rows=about[slug]))
    return tuple(found.values())


def build(database: Database, row: EncoderRow, kind: Kind = "hnsw") -> bool:
    """Build the index where a shard lacks it or has left it half-built, beside all that goes on; return whether one did.

    Raises
    ------
    InputError
        ``mode_not_parted``.
    ServiceError
        ``shard_down``.
    """
    _check(kind)

    def work(there: psycopg.Connection[Any], table: str) -> bool:
        name = index_of(table)
        valid = _is_valid(there, name)
        if valid:
            return False
        if valid is not None:
            there.execute(f"DROP INDEX CONCURRENTLY {name}")
        build_there(there, table, row.dim, "CONCURRENTLY ")
        return True

    with database.session() as session:
        places = _places(session, row)
    return any(_on_all(places, work))


def build_there(there: psycopg.Connection[Any], table: str, dim: int, how: str = "") -> None:
    """Build the index of a shard's table."""
    there.execute(room(dim, _rows(there, table)))
    there.execute(hnsw_definition(index_of(table), table, dim, how=how))


def rebuild(database: Database, row: EncoderRow, kind: Kind = "hnsw") -> bool:
    """Build each shard's index anew, beside all that goes on; return whether there was one on each.

    Raises
    ------
    InputError
        ``mode_not_parted``.
    ServiceError
        ``shard_down``.
    """
    _check(kind)
    with database.session() as session:
        places = _places(session, row)
    if not all(_on_all(places, lambda there, table: _is_valid(there, index_of(table)) is not None)):
        return False

    def work(there: psycopg.Connection[Any], table: str) -> None:
        name = index_of(table)
        # What an attempt before has left half-built.
        there.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}_ccnew")
        there.execute(room(row.dim, _rows(there, table)))
        there.execute(f"REINDEX INDEX CONCURRENTLY {name}")
        there.execute(f"VACUUM (ANALYZE) {table}")

    _on_all(places, work)
    return True


def warm(session: Session, row: EncoderRow) -> int:
    """Read all parts and their indexes into the shards' memory; return how many bytes.

    Raises
    ------
    ServiceError
        ``no_prewarm``, if a server's extension for it is missing or not ours to use; ``shard_down``.
    """

    def work(there: psycopg.Connection[Any], table: str) -> int:
        try:
            pages = there.execute(
                "SELECT coalesce(sum(pg_prewarm(to_regclass(name))), 0) FROM unnest(%s::text[]) AS name"
                " WHERE to_regclass(name) IS NOT NULL",
                [[table, index_of(table)]],
            ).fetchone()
        except (psycopg.errors.UndefinedFunction, psycopg.errors.InsufficientPrivilege) as error:
            raise no_prewarm(f"The shard that keeps {table}") from error
        return int(pages[0]) if pages else 0

    return PAGE * sum(_on_all(_places(session, row), work))


def no_prewarm(which: str) -> ServiceError:
    """Return the error that a server cannot read tables into memory."""
    return ServiceError(
        f"{which} has no extension that reads tables into memory.",
        hint="Have a superuser run 'CREATE EXTENSION pg_prewarm' in it.",
        code="no_prewarm",
    )


def no_binary() -> InputError:
    """Return the error that a gallery that is split has no index of signs."""
    return InputError(
        "An index of the kind binary is not to be had in a gallery that is split over shards.",
        hint="Use the kind hnsw: more shards keep it in memory.",
        code="mode_not_parted",
    )


def refresh_statistics(session: Session, row: EncoderRow) -> None:
    """Have the shards, and then the catalogue's database, look at how much each keeps: nobody else tells that one."""
    _on_all(_places(session, row), lambda there, table: there.execute(f"ANALYZE {table}"))
    for part in shards.parts(session, row.partition):
        session.execute(text(f"ANALYZE {part.table}"))


def _check(kind: Kind) -> None:
    if kind == "binary":
        raise no_binary()


@dataclass(frozen=True, slots=True)
class _Places:
    """Where a gallery's parts are: by the shards' names, how to get there and what the table is called."""

    known: dict[str, Target]
    tables: dict[str, str]


def _places(session: Session, row: EncoderRow) -> _Places:
    tables = {part.shard: part.table for part in shards.parts(session, row.partition)}
    return _Places(targets(session, tables), tables)


def _on_all(places: _Places, work: Callable[[psycopg.Connection[Any], str], Result]) -> list[Result]:
    """Do something with each part where it lies, at the same time; return what came of it."""
    return list(on_each(places.known, lambda there, slug: work(there, places.tables[slug])).values())


def _is_valid(there: psycopg.Connection[Any], name: str) -> bool | None:
    """Whether an index is whole; ``None`` if there is none."""
    found = there.execute(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name]
    ).fetchone()
    return None if found is None else bool(found[0])


def _rows(there: psycopg.Connection[Any], table: str) -> int:
    """Refresh a shard's statistics; return about how many descriptors it has."""
    there.execute(f"ANALYZE {table}")
    found = there.execute(
        "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass(%s)", [table]
    ).fetchone()
    return int(found[0]) if found else 0
