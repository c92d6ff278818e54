"""Connections to the shards themselves, past the catalogue's database: to make, build and look at what they keep."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from stylesearch.catalog.descriptors import Shard
from stylesearch.catalog.shard_errors import ShardDownError
from stylesearch.errors import InputError, ServiceError, StylesearchError

if TYPE_CHECKING:
    from stylesearch.catalog.database import Database

Target = Mapping[str, str]
"""Where a shard is and how to sign in, in libpq's words."""

Result = TypeVar("Result")

CONNECT_SECONDS = 3
AT_ONCE = 32
"""To so many shards one talks at the same time."""

_NOT_OF_LIBPQ = frozenset(
    [
        "extensions",
        "async_capable",
        "fdw_tuple_cost",
        "fetch_size",
        "batch_size",
        "connect_timeout",
        "options",
    ]
)


@contextmanager
def connected(target: Target, slug: str) -> Iterator[psycopg.Connection[Any]]:
    """Open a connection to a shard itself, each statement its own transaction.

    Raises
    ------
    ShardDownError
        If it cannot be reached, or is lost.
    InputError
        ``shard_option``.
    ServiceError
        ``shard_disk_full``; ``shard_refused``, if its server will not do what it is told.
    """
    if not target:
        raise ShardDownError(slug, reason="this user of the database has no way to sign in there")
    try:
        with psycopg.connect(
            make_conninfo("", **target), connect_timeout=CONNECT_SECONDS, autocommit=True
        ) as connection:
            yield connection
    except psycopg.Error as error:
        raise _explain(error, slug) from error


def targets(session: Session, slugs: Iterable[str] | None = None) -> dict[str, Target]:
    """Return where shards are and how to sign in, as PostgreSQL tells their owner; of all, or of some."""
    rows = session.execute(
        text(
            "SELECT pg_foreign_server.srvname, srvoptions, umoptions FROM pg_foreign_server"
            " JOIN pg_user_mappings ON srvid = pg_foreign_server.oid AND umuser = current_user::regrole"
        )
    )
    told = {
        row.srvname: dict(one.split("=", 1) for one in [*(row.srvoptions or ()), *(row.umoptions or ())])
        for row in rows
    }
    known = session.scalars(select(Shard).order_by(Shard.slug))
    wanted = None if slugs is None else set(slugs)
    return {
        shard.slug: {
            name: value for name, value in told.get(shard.server, {}).items() if name not in _NOT_OF_LIBPQ
        }
        for shard in known
        if wanted is None or shard.slug in wanted
    }


def on_each(
    known: Mapping[str, Target],
    work: Callable[[psycopg.Connection[Any], str], Result],
    *,
    away: Callable[[str], Result] | None = None,
) -> dict[str, Result]:
    """Do something on several shards at the same time; return what came of it by their names.

    Parameters
    ----------
    away:
        What comes of one that cannot be reached; without it, that is an error.

    Raises
    ------
    ServiceError
        As :func:`connected`, of the first that failed, once all have ended.
    """

    def do(slug: str) -> Result:
        try:
            with connected(known[slug], slug) as there:
                return work(there, slug)
        except ShardDownError:
            if away is None:
                raise
            return away(slug)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(known, pool.map(do, known), strict=True))


def unreachable(database: Database) -> frozenset[str]:
    """Return the names of the shards that do not answer now."""
    with database.session() as session:
        known = targets(session)
    answers = on_each(known, lambda there, slug: True, away=lambda slug: False)  # noqa: ARG005
    return frozenset(slug for slug, here in answers.items() if not here)


def bad_option(slug: str, reason: str) -> InputError:
    """Return the error that a shard's URL says something that no server can be told."""
    return InputError(
        f"The URL of the shard {slug!r} cannot be used: {reason}.",
        hint="Write postgresql://user:password@host:5432/database, and behind it ?sslmode=require and the like.",
        code="shard_option",
    )


def _explain(error: psycopg.Error, slug: str) -> StylesearchError:
    state = error.sqlstate or ""
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
    if isinstance(error, psycopg.OperationalError) and (not state or state.startswith(("08", "57P"))):
        return ShardDownError(slug, reason=reason)
    if isinstance(error, psycopg.ProgrammingError) and not state:
        return bad_option(slug, reason)
    if state == "53100":
        return ServiceError(
            f"The disk of the shard {slug!r} is full.", hint="Free some space on it.", code="shard_disk_full"
        )
    return ServiceError(
        f"The shard {slug!r} refused: {reason}.",
        hint="See what its server's log says, and call the command again.",
        code="shard_refused",
    )
