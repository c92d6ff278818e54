"""The driver's own connection below a session, for what SQLAlchemy has no words for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from sqlalchemy.orm import Session

PREPARED = "stylesearch_prepared"
"""Execution option of statements that name their partition, and are worth being planned once a connection."""


def raw_connection(session: Session) -> psycopg.Connection[Any]:
    """Return the psycopg connection below a session, in the session's own transaction."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection


def copy_binary(
    session: Session, table: str, columns: dict[str, str], rows: Iterable[Sequence[object]]
) -> None:
    """Load rows by binary COPY.

    Parameters
    ----------
    columns:
        Name to PostgreSQL type of each column, in the order of the rows' values.
    """
    statement = psycopg.sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        psycopg.sql.Identifier(table), psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, columns))
    )
    with raw_connection(session).cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(list(columns.values()))
        for row in rows:
            copy.write_row(row)
