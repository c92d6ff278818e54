"""Other PostgreSQL servers that keep parts of galleries: made known, reached, and looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from stylesearch.catalog.audit import AuditEvent
from stylesearch.catalog.connections import raw_connection
from stylesearch.catalog.database import (
    MINIMUM_PGVECTOR,
    Database,
    sqlalchemy_url,
    version_text,
    version_tuple,
)
from stylesearch.catalog.descriptors import Shard
from stylesearch.errors import InputError, NotFoundError, ServiceError

SLUG = re.compile(r"[a-z][a-z0-9]{0,19}")
CONNECT_SECONDS = 3
FETCHED = 1000
"""Rows that come from a shard at a time."""

TUPLE_COST = "100"
"""What the planner thinks of a row that comes from a shard: a descriptor is far more than it takes a row to be."""

NO_RIGHT, NO_WRAPPER = "42501", "42704"


@dataclass(frozen=True, slots=True)
class Part:
    """What a shard keeps of a gallery.

    Attributes
    ----------
    table:
        Name of the foreign table here, and of the table there.
    rows:
        About how many descriptors, as the database thinks.
    """

    shard: str
    table: str
    rows: float


def add(database: Database, slug: str, url: str, *, ef: int) -> None:
    """Make a server known as a shard; nothing is moved to it yet.

    Parameters
    ----------
    url:
        PostgreSQL URL with a user who may make tables there.
    ef:
        ``hnsw.ef_search`` of searches in its index.

    Raises
    ------
    InputError
        ``shard_slug``, or ``database_url``.
    ServiceError
        If the server cannot be reached or has no pgvector that will do; ``shard_exists``; ``no_foreign_servers``, if the
        database may not reach others.
    """
    if not SLUG.fullmatch(slug):
        raise InputError(
            f"{slug!r} cannot name a shard.",
            hint="Use at most 20 small letters and digits.",
            code="shard_slug",
        )
    known = sqlalchemy_url(url)
    target = {
        "host": known.host or str(known.query.get("host", "")),
        "port": str(known.port or 5432),
        "dbname": known.database or "",
    }
    with _connected({**target, "user": known.username, "password": known.password}, slug) as there:
        _check(there, slug)
    # An index is followed from the first row on, whatever the other side thinks of it.
    search = (
        f"-c hnsw.iterative_scan=relaxed_order -c hnsw.ef_search={int(ef)} -c cursor_tuple_fraction=0.0001"
    )
    options = {
        **target,
        "extensions": "vector",
        "async_capable": "true",
        "fdw_tuple_cost": TUPLE_COST,
        "fetch_size": str(FETCHED),
        "batch_size": str(FETCHED),
        "connect_timeout": str(CONNECT_SECONDS),
        "options": search,
    }
    with database.session() as session:
        if session.scalar(select(Shard.id).where(Shard.slug == slug)) is not None:
            raise ServiceError(
                f"There is a shard {slug!r} already.", hint="Choose another name.", code="shard_exists"
            )
        shard = Shard(slug=slug)
        session.add(shard)
        session.flush()
        try:
            with session.begin_nested():
                here = raw_connection(session)
                here.execute(
                    sql.SQL("CREATE SERVER {} FOREIGN DATA WRAPPER postgres_fdw OPTIONS ({})").format(
                        sql.Identifier(shard.server), _options(options)
                    )
                )
                here.execute(
                    sql.SQL("CREATE USER MAPPING FOR CURRENT_USER SERVER {} OPTIONS ({})").format(
                        sql.Identifier(shard.server),
                        _options({"user": known.username or "", "password": known.password or ""}),
                    )
                )
        except psycopg.Error as error:
            if error.sqlstate not in (NO_RIGHT, NO_WRAPPER):
                raise
            raise ServiceError(
                "The database may not reach other servers.",
                hint="Have a superuser run 'CREATE EXTENSION postgres_fdw' in it, and 'GRANT USAGE ON FOREIGN DATA WRAPPER"
                " postgres_fdw' to its user.",
                code="no_foreign_servers",
            ) from error
        session.add(AuditEvent(action="shard.add", subject=f"shard:{slug}", detail={}))


def remove(session: Session, slug: str) -> None:
    """Forget a shard that keeps nothing any more.

    Raises
    ------
    NotFoundError
        If there is none of that name.
    ServiceError
        ``shard_in_use``, if it still keeps something.
    """
    shard = find(session, slug)
    kept = session.scalar(
        text(
            "SELECT count(*) FROM pg_foreign_table JOIN pg_foreign_server ON oid = ftserver WHERE srvname = :name"
        ),
        {"name": shard.server},
    )
    if kept:
        raise ServiceError(
            f"The shard {slug!r} still keeps parts of galleries.",
            hint=f"Move them first: 'stylesearch shards drain {slug}'.",
            code="shard_in_use",
        )
    raw_connection(session).execute(sql.SQL("DROP SERVER {} CASCADE").format(sql.Identifier(shard.server)))
    session.delete(shard)
    session.add(AuditEvent(action="shard.remove", subject=f"shard:{slug}", detail={}))


def find(session: Session, slug: str) -> Shard:
    """Return a shard.

    Raises
    ------
    NotFoundError
        If there is none of that name.
    """
    found = session.scalar(select(Shard).where(Shard.slug == slug))
    if found is None:
        known = ", ".join(session.scalars(select(Shard.slug).order_by(Shard.slug))) or "none yet"
        raise NotFoundError(f"There is no shard {slug!r}.", hint=f"Shards: {known}.", code="unknown_shard")
    return found


def parts(session: Session, partition: str) -> tuple[Part, ...]:
    """Return the parts of a gallery that is split, by the shards' names; none of one that is not."""
    rows = session.execute(
        text(
            "SELECT shard.slug, relname, greatest(reltuples, 0) AS rows FROM pg_inherits"
            " JOIN pg_class ON pg_class.oid = inhrelid JOIN pg_foreign_table ON ftrelid = inhrelid"
            " JOIN pg_foreign_server ON pg_foreign_server.oid = ftserver"
            " JOIN shard ON 'stylesearch_' || shard.slug = srvname"
            " WHERE inhparent = to_regclass(:name) ORDER BY shard.slug"
        ),
        {"name": partition},
    )
    return tuple(Part(row.slug, row.relname, float(row.rows)) for row in rows)


def unreachable(database: Database) -> frozenset[str]:
    """Return the names of the shards that do not answer now."""
    with database.session() as session:
        known = {shard.slug: _target(session, shard) for shard in session.scalars(select(Shard))}
    down = set()
    for slug, target in known.items():
        try:
            with _connected(target, slug):
                pass
        except ServiceError:
            down.add(slug)
    return frozenset(down)


@contextmanager
def connected(session: Session, shard: Shard) -> Iterator[psycopg.Connection[Any]]:
    """Open a connection to a shard itself, each statement its own transaction.

    Raises
    ------
    ServiceError
        ``shard_down``.
    """
    with _connected(_target(session, shard), shard.slug) as connection:
        yield connection


def shard_down(slug: str | None, reason: str = "no answer") -> ServiceError:
    """Return the error that a shard cannot be reached, whichever it is."""
    which = f"The shard {slug!r}" if slug else "A shard"
    return ServiceError(
        f"{which} cannot be reached: {reason}.",
        hint="See that its server runs; searches go on without it, and say so.",
        code="shard_down",
    )


def is_lost(error: DBAPIError) -> bool:
    """Whether a statement failed since another server could not be reached, or was lost on the way."""
    state = getattr(error.orig, "sqlstate", None) or ""
    return not error.connection_invalidated and state.startswith(("08", "57P", "HV00N"))


@contextmanager
def _connected(target: dict[str, str | None], slug: str) -> Iterator[psycopg.Connection[Any]]:
    try:
        conninfo = make_conninfo("", **{name: value for name, value in target.items() if value})
        connection = psycopg.connect(conninfo, connect_timeout=CONNECT_SECONDS, autocommit=True)
    except psycopg.OperationalError as error:
        raise shard_down(slug, next(iter(str(error).splitlines()), "no answer")) from error
    with connection:
        yield connection


def _target(session: Session, shard: Shard) -> dict[str, str | None]:
    """Return where a shard is and how to sign in, as PostgreSQL tells its owner."""
    row = session.execute(
        text(
            "SELECT pg_foreign_server.srvoptions, umoptions FROM pg_foreign_server"
            " JOIN pg_user_mappings ON srvid = pg_foreign_server.oid AND umuser = current_user::regrole"
            " WHERE pg_foreign_server.srvname = :name"
        ),
        {"name": shard.server},
    ).one()
    told = dict(one.split("=", 1) for one in [*row.srvoptions, *row.umoptions])
    return {name: told.get(name) for name in ("host", "port", "dbname", "user", "password")}


def _check(there: psycopg.Connection[Any], slug: str) -> None:
    there.execute("CREATE EXTENSION IF NOT EXISTS vector")
    row = there.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchone()
    if row is None or version_tuple(row[0]) < MINIMUM_PGVECTOR:
        raise ServiceError(
            f"The shard {slug!r} has no pgvector {version_text(MINIMUM_PGVECTOR)} or later.",
            hint="Install it on that server.",
            code="pgvector_missing",
        )


def _options(values: dict[str, str]) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.Literal(value))
        for name, value in values.items()
        if value
    )
