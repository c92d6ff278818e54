"""Connections to the catalogue's database, checked before they are handed out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import NullPool

from stylesearch.catalog import schema
from stylesearch.catalog.connections import PREPARED
from stylesearch.catalog.shard_errors import lost_shard
from stylesearch.errors import InputError, ServiceError
from stylesearch.local import services
from stylesearch.settings import Settings

MINIMUM_PGVECTOR = (0, 8, 4)
MINIMUM_POSTGRES = 16
NEVER = 2**31 - 1


class Database:
    """The catalogue's database: one engine and its sessions.

    Made by :func:`open_database`; the settings decide whether it is the local one or one given by URL.
    """

    def __init__(self, url: URL, *, pooled: bool = True) -> None:
        self.url = url
        self._pool: dict[str, Any] = (
            {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 10}
            if pooled
            else {"poolclass": NullPool}
        )

    @cached_property
    def engine(self) -> Engine:
        """The engine, pooled for what runs long. A pooled connection that the server has dropped is noticed and replaced."""
        engine = create_engine(
            self.url,
            **self._pool,
            connect_args={
                "connect_timeout": 10,
                "application_name": "stylesearch",
                "keepalives_idle": 30,
                # The same statement runs on partitions of different widths; a plan kept for one must not serve another. So
                # only what asks for it is prepared.
                "prepare_threshold": NEVER,
            },
        )
        event.listen(engine, "do_execute", _execute_prepared)
        return engine

    @cached_property
    def _sessions(self) -> sessionmaker[Session]:
        return sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def session(self, *, snapshot: bool = False) -> Iterator[Session]:
        """Open a session in one transaction: committed at the end, rolled back on an error.

        Parameters
        ----------
        snapshot:
            Whether all its statements see the database as it was at the first of them, whoever writes meanwhile.

        Raises
        ------
        ServiceError
            If the database cannot be reached, or its disk is full; ``shard_down``.
        """
        try:
            with self._sessions.begin() as session:
                if snapshot:
                    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
                yield session
        # The driver's own errors come from COPY and other statements below SQLAlchemy.
        except (DBAPIError, psycopg.Error) as error:
            raise explain(error, self.url) from error

    def close(self) -> None:
        """Give all connections back; children made by ``fork`` call this before their first query."""
        self.engine.dispose()


def _execute_prepared(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    """Have the server keep the plan of a statement whose execution options say so; others run as they would."""
    if context is None or not context.execution_options.get(PREPARED):
        return False
    cursor.execute(statement, parameters, prepare=True)
    return True


def sqlalchemy_url(url: str, *, named: str = "STYLESEARCH_DATABASE_URL") -> URL:
    """Read a database URL as people write it (``postgresql://``, ``postgres://``) for the psycopg driver.

    Parameters
    ----------
    named:
        What gave it, for the message.

    Raises
    ------
    InputError
        If it is no PostgreSQL URL.
    """
    try:
        parsed = make_url(url)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, the answer is the same
        parsed = None
    if parsed is None or parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise InputError(
            f"{named} is no PostgreSQL URL.",
            hint="Write postgresql://user:password@host:5432/database.",
            code="database_url",
        )
    return parsed.set(drivername="postgresql+psycopg")


_open: dict[str, Database] = {}
_guard = threading.Lock()


def open_database(settings: Settings, *, check: bool = True) -> Database:
    """Return the database that the settings name, started and brought up to date where that is ours to do.

    The local database, and an empty one, are upgraded on the way; any other is only looked at.

    Parameters
    ----------
    check:
        Whether to check versions and the schema, once a process. What is not checked is for one use: it keeps no
        connection open.

    Raises
    ------
    ServiceError
        If it cannot be reached, has no pgvector or one below 0.8.4, or its schema is older or newer than ours.
    """
    if settings.database_url is None:
        url = services.ensure(settings.home, transport=settings.local_transport).database_url
    else:
        url = settings.database_url.get_secret_value()
    with _guard:
        database = _open.get(url)
        if database is not None:
            return database
        database = Database(sqlalchemy_url(url), pooled=check)
        if check:
            try:
                check_server(database)
                schema.bring_up_to_date(database.engine, upgrade=settings.uses_local_database)
            except BaseException:
                database.close()
                raise
            _open[url] = database
        return database


def check_server(database: Database) -> dict[str, str]:
    """Check the server's version and pgvector's; return both.

    Raises
    ------
    ServiceError
        Naming what is missing or too old.
    """
    try:
        with database.engine.connect() as connection:
            number = int(connection.scalar(text("SHOW server_version_num")) or 0)
            version = str(connection.scalar(text("SHOW server_version")))
            installed = connection.scalar(
                text("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
            )
            available = connection.scalar(
                text("SELECT default_version FROM pg_available_extensions WHERE name = 'vector'")
            )
    except DBAPIError as error:
        raise explain(error, database.url) from error
    if number // 10_000 < MINIMUM_POSTGRES:
        raise ServiceError(
            f"The database is PostgreSQL {version}; stylesearch needs {MINIMUM_POSTGRES} or later.",
            hint="Upgrade the server.",
            code="postgres_too_old",
        )
    vector = installed or available
    if vector is None:
        raise ServiceError(
            "The database server has no pgvector.",
            hint=f"Install pgvector {version_text(MINIMUM_PGVECTOR)} or later on the server.",
            code="pgvector_missing",
        )
    if version_tuple(vector) < MINIMUM_PGVECTOR:
        raise ServiceError(
            f"The database has pgvector {vector}; stylesearch needs {version_text(MINIMUM_PGVECTOR)} or later.",
            hint="Upgrade pgvector on the server, then run 'ALTER EXTENSION vector UPDATE' in this database.",
            code="pgvector_too_old",
        )
    return {"postgres": version, "pgvector": vector}


def version_tuple(version: str) -> tuple[int, ...]:
    """Return ``(0, 8, 6)`` for ``"0.8.6"``."""
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def version_text(version: tuple[int, ...]) -> str:
    """Return ``"0.8.6"`` for ``(0, 8, 6)``."""
    return ".".join(map(str, version))


def explain(error: DBAPIError | psycopg.Error, url: URL) -> ServiceError:
    """Say in one line what a driver's error means for a person."""
    away = lost_shard(error)
    if away is not None:
        return away
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(cause, "sqlstate", None) or ""
    reason = next(iter(str(cause).strip().splitlines()), type(cause).__name__)
    if state == "53100":
        return ServiceError("The database's disk is full.", hint="Free some space on it.", code="disk_full")
    if state == "57014":
        return ServiceError(
            "The database took too long and was stopped.",
            hint="Narrow the query, or raise STYLESEARCH_SEARCH_TIMEOUT_SECONDS.",
            code="timeout",
        )
    if state == "55P03":
        return ServiceError(
            "Others are using what was to be changed.", hint="Try again in a while.", code="database_busy"
        )
    # The driver's OperationalError is also a deadlock or a value too long: only without a state of its own, or with one
    # of a lost connection or a server that is starting or stopping, could the server not be reached. Of those, 08P01 says
    # that what was sent makes no sense, which waiting does not mend.
    gone = state.startswith(("08", "57P")) and state != "08P01"
    lost = isinstance(cause, psycopg.OperationalError) and (not state or gone)
    if lost or getattr(error, "connection_invalidated", False):
        where = url.host or url.query.get("host") or "the local socket"
        return ServiceError(
            f"The database at {where} cannot be reached: {reason}.",
            hint="Check that it runs and that STYLESEARCH_DATABASE_URL is right; 'stylesearch doctor' tells more.",
            code="database_unreachable",
        )
    return ServiceError(
        f"The database refused: {reason}.", hint="'stylesearch doctor' may tell more.", code="database"
    )
