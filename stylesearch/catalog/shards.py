"""Other PostgreSQL servers that keep parts of galleries: made known, forgotten, and what they keep."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from stylesearch.catalog.audit import AuditEvent
from stylesearch.catalog.connections import raw_connection
from stylesearch.catalog.database import (
    MINIMUM_PGVECTOR,
    MINIMUM_POSTGRES,
    Database,
    sqlalchemy_url,
    version_text,
    version_tuple,
)
from stylesearch.catalog.descriptors import Shard
from stylesearch.catalog.shard_connections import CONNECT_SECONDS, bad_option, connected
from stylesearch.catalog.shard_errors import ShardDownError, lost_shard
from stylesearch.errors import InputError, NotFoundError, ServiceError

SLUG = re.compile(r"[a-z][a-z0-9]{0,19}")
FETCHED = 1000
"""Rows that come from a shard at a time."""

TUPLE_COST = "100"
"""What the planner thinks of a row that comes from a shard: a descriptor is far more than it takes a row to be."""

SILENT = {
    "keepalives_idle": "5",
    "keepalives_interval": "1",
    "keepalives_count": "3",
    "tcp_user_timeout": str(CONNECT_SECONDS * 1000),
}
"""After how long a server that says nothing at all is given up; PostgreSQL does not heed a time to connect here."""

# The tree is that of now, whatever the snapshot; what is told of each part is of the snapshot.
_PARTS = text(
    """
    SELECT substr(srvname, length('stylesearch_') + 1) AS slug, relname, greatest(reltuples, 0) AS rows
    FROM pg_partition_tree(to_regclass(:name))
    LEFT JOIN pg_class ON pg_class.oid = relid LEFT JOIN pg_foreign_table ON ftrelid = relid
    LEFT JOIN pg_foreign_server ON pg_foreign_server.oid = ftserver
    WHERE level > 0 ORDER BY srvname
    """
)

NO_RIGHT, NO_WRAPPER, NO_SUCH_OPTION, NO_PASSWORD = "42501", "42704", "HV00D", "2F003"


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
        PostgreSQL URL with a user who may make tables there, of an empty database.
    ef:
        ``hnsw.ef_search`` of searches in its index.

    Raises
    ------
    InputError
        ``shard_slug``; ``database_url``; ``shard_option``, if the URL has an option that is none; ``shard_not_empty``.
    ServiceError
        ``shard_down``, if it cannot be reached from here, or not from the database; ``postgres_too_old``;
        ``pgvector_missing``; ``shard_exists``; ``shard_password``; ``no_foreign_servers``, if the database may not reach
        others.
    """
    if not SLUG.fullmatch(slug):
        raise InputError(
            f"{slug!r} cannot name a shard.",
            hint="Use at most 20 small letters and digits, a letter first.",
            code="shard_slug",
        )
    target = _target_of(url)
    user: dict[str, str] = {name: target[name] for name in ("user", "password") if name in target}
    with database.session() as session:
        if session.scalar(select(Shard.id).where(Shard.slug == slug)) is not None:
            raise ServiceError(
                f"There is a shard {slug!r} already.",
                hint="Choose another name; 'stylesearch shards list' has those that are taken.",
                code="shard_exists",
            )
        with connected(target, slug) as there:
            _check(there, slug)
        shard = Shard(slug=slug)
        session.add(shard)
        session.flush()
        server = {name: value for name, value in target.items() if name not in user}
        try:
            with session.begin_nested():
                _make_server(session, shard, server | _options_of_searches(ef), user)
        except psycopg.Error as error:
            raise _not_to_be_reached(error, slug) from error
        session.add(AuditEvent(action="shard.add", subject=f"shard:{slug}", detail={}))


def _target_of(url: str) -> dict[str, str]:
    """Return what libpq is told of a server: where it is, how to sign in, and what else the URL says."""
    known = sqlalchemy_url(url, named="What is to be a shard")
    more = {name: value for name, value in known.query.items() if isinstance(value, str)}
    told = {
        **more,
        "host": known.host or more.get("host"),
        "port": str(known.port or more.get("port") or 5432),
        "dbname": known.database,
        "user": known.username,
        "password": known.password,
    }
    return {name: str(value) for name, value in told.items() if value}


def _options_of_searches(ef: int) -> dict[str, str]:
    # An index is followed from the first row on, whatever the other side thinks of it.
    search = (
        f"-c hnsw.iterative_scan=relaxed_order -c hnsw.ef_search={int(ef)} -c cursor_tuple_fraction=0.0001"
    )
    return {
        **SILENT,
        "extensions": "vector",
        "async_capable": "true",
        "fdw_tuple_cost": TUPLE_COST,
        "fetch_size": str(FETCHED),
        "batch_size": str(FETCHED),
        "options": search,
    }


def _make_server(session: Session, shard: Shard, options: dict[str, str], user: dict[str, str]) -> None:
    """Make a shard known to the database, and have it sign in there once."""
    here = raw_connection(session)
    server, probe = sql.Identifier(shard.server), sql.Identifier(f"probe_{shard.slug}")
    here.execute(
        sql.SQL("CREATE SERVER {} FOREIGN DATA WRAPPER postgres_fdw OPTIONS ({})").format(
            server, _written(options)
        )
    )
    here.execute(
        sql.SQL("CREATE USER MAPPING FOR CURRENT_USER SERVER {} OPTIONS ({})").format(server, _written(user))
    )
    here.execute(
        sql.SQL(
            "CREATE FOREIGN TABLE {} (extname name) SERVER {} OPTIONS (schema_name 'pg_catalog', table_name 'pg_extension')"
        ).format(probe, server)
    )
    here.execute(sql.SQL("SELECT count(*) FROM {}").format(probe))
    here.execute(sql.SQL("DROP FOREIGN TABLE {}").format(probe))


def _not_to_be_reached(error: psycopg.Error, slug: str) -> Exception:
    """Return what it means that the database did not take a server, or could not sign in there."""
    if lost_shard(error) is not None:
        return ShardDownError(slug, reason="it answers here, but not to the catalogue's database")
    reason = next(iter(str(error).splitlines()), "")
    if error.sqlstate == NO_SUCH_OPTION:
        return bad_option(slug, reason)
    if error.sqlstate == NO_PASSWORD:
        return ServiceError(
            f"The shard {slug!r} does not ask for a password.",
            hint="Have its server ask for one (scram-sha-256 in pg_hba.conf), and write it into the URL.",
            code="shard_password",
        )
    if error.sqlstate in (NO_RIGHT, NO_WRAPPER):
        return ServiceError(
            "The database may not reach other servers.",
            hint="Have a superuser run 'CREATE EXTENSION postgres_fdw' in it, and 'GRANT USAGE ON FOREIGN DATA WRAPPER"
            " postgres_fdw' to its user.",
            code="no_foreign_servers",
        )
    return error


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
    """Return the parts of a gallery that is split, by the shards' names; none of one that is not.

    They stay its parts until the end of the transaction.

    Raises
    ------
    ServiceError
        ``database_busy``, if it has got another part since the transaction's snapshot of the database was taken.
    """
    for _ in range(
        2
    ):  # who had to wait for a change of the tree sees with the next statement what came of it
        rows = session.execute(_PARTS, {"name": partition}).all()
        if all(row.slug is not None for row in rows):
            return tuple(Part(row.slug, row.relname, float(row.rows)) for row in rows)
    raise ServiceError(
        "Parts of the gallery are just changing places.", hint="Try again in a while.", code="database_busy"
    )


def about(session: Session, table: str) -> int | None:
    """Return about how many descriptors a gallery has that is split, as the database thinks; ``None`` of another one."""
    kept = parts(session, table)
    return round(sum(part.rows for part in kept)) if kept else None


def count(session: Session, table: str) -> int:
    """Count a gallery, split or not; each shard counts its own."""
    tables = [part.table for part in parts(session, table)] or [table]
    each = " UNION ALL ".join(f"SELECT count(*) AS number FROM {name}" for name in tables)
    return int(session.scalar(text(f"SELECT sum(number) FROM ({each}) AS counted")) or 0)


def _check(there: psycopg.Connection[Any], slug: str) -> None:
    if there.info.server_version // 10_000 < MINIMUM_POSTGRES:
        raise ServiceError(
            f"The shard {slug!r} is PostgreSQL {there.info.server_version // 10_000}; it must be {MINIMUM_POSTGRES} or later.",
            hint="Upgrade the server.",
            code="postgres_too_old",
        )
    # Its tables might be another catalogue's, and would have to go.
    found = there.execute(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relname ~ '^(encoder$|descriptor)'"
        " AND pg_table_is_visible(oid) ORDER BY 1 LIMIT 1"
    ).fetchone()
    if found is not None:
        raise InputError(
            f"The database of the shard {slug!r} is not empty: it has a table {found[0]}.",
            hint="Give the shard a database of its own, with nothing in it.",
            code="shard_not_empty",
        )
    try:
        there.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except psycopg.Error as error:
        raise _no_pgvector(slug, next(iter(str(error).splitlines()))) from error
    row = there.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchone()
    if row is None or version_tuple(row[0]) < MINIMUM_PGVECTOR:
        raise _no_pgvector(slug, f"it has {row[0] if row else 'none'}")


def _no_pgvector(slug: str, reason: str) -> ServiceError:
    return ServiceError(
        f"The shard {slug!r} has no pgvector {version_text(MINIMUM_PGVECTOR)} or later: {reason}.",
        hint="Install it on that server, and have a superuser run 'CREATE EXTENSION vector' in the shard's database.",
        code="pgvector_missing",
    )


def _written(values: dict[str, str]) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.Literal(value)) for name, value in values.items()
    )
