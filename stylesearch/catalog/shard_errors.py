"""Errors of galleries that are split: a shard that is away, and how that is told from a database that is."""

from __future__ import annotations

import re

import psycopg
from sqlalchemy.exc import DBAPIError

from stylesearch.errors import ServiceError

_STATES = ("08", "57P", "HV00N")
_NAMED = re.compile(r"stylesearch_([a-z][a-z0-9]*)|descriptor_\d+_([a-z][a-z0-9]*)")
"""Of its foreign server, or of its table: what PostgreSQL's own words name it by."""


class ShardDownError(ServiceError):
    """A shard that cannot be reached, or was lost on the way; or several.

    Attributes
    ----------
    shards:
        Their names; none where nobody can tell which it was.
    """

    code = "shard_down"

    def __init__(self, *shards: str, reason: str = "no answer") -> None:
        names = ", ".join(map(repr, sorted(shards)))
        which = f"The shard{'s' if len(shards) > 1 else ''} {names}" if shards else "A shard"
        super().__init__(
            f"{which} cannot be reached: {reason}.",
            hint="See that its server runs; searches go on without it, and say so.",
        )
        self.shards = frozenset(shards)


def lost_shard(error: DBAPIError | psycopg.Error) -> ShardDownError | None:
    """Return the error that a shard is away, if that is why a statement failed here.

    The database itself tells of a shard that is lost as an error like any other, while it ends a connection of its own
    with a fatal one, or without a word.
    """
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg.Error):
        return None
    state, told = cause.sqlstate or "", cause.diag
    if told.severity_nonlocalized != "ERROR" or not state.startswith(_STATES) or state == "08P01":
        return None
    named = _NAMED.search(f"{told.message_primary} {told.context}")
    return ShardDownError(*([named[1] or named[2]] if named else ()))
