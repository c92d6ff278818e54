"""Backing the database up into one file, and restoring it. The image store is files of its own: copy its folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from sqlalchemy import inspect
from sqlalchemy.engine import URL

from stylesearch.catalog import schema
from stylesearch.catalog.database import Database
from stylesearch.errors import InputError, ServiceError
from stylesearch.local.binaries import postgres_root

MAGIC = b"PGDMP"


def backup(database: Database, path: Path) -> int:
    """Write the database into a compressed file, whole or not at all; return its size in bytes.

    Raises
    ------
    ServiceError
        If the file cannot be written or the server refuses.
    """
    half_made = path.with_name(f"{path.name}.part")
    try:
        half_made.touch(mode=0o600)  # personal data: users, audit
        _run(
            "pg_dump",
            database.url,
            ["--format=custom", "--schema=public", "--no-owner", f"--file={half_made}"],
        )
        half_made.replace(path)
    except OSError as error:
        raise ServiceError(
            f"{path} cannot be written: {error.strerror}.", hint="Name another place.", code="backup_failed"
        ) from error
    finally:
        half_made.unlink(missing_ok=True)
    return path.stat().st_size


def restore(database: Database, path: Path, *, replace: bool) -> None:
    """Put the database back to what a backup holds, in one transaction, and bring its schema up to date.

    Parameters
    ----------
    replace:
        Whether a catalogue that is there may be thrown away.

    Raises
    ------
    InputError
        If the file is no backup, or the database is not empty and may not be replaced.
    ServiceError
        If the server refuses.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise InputError(
                    f"{path} is no backup.",
                    hint="Backups are made by 'stylesearch db backup'.",
                    code="no_backup",
                )
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", code="no_backup") from error
    with database.engine.connect() as connection:
        holds_works = inspect(connection).has_table("work") and bool(
            connection.exec_driver_sql("SELECT 1 FROM work LIMIT 1").all()
        )
    if holds_works and not replace:
        raise InputError(
            "The database holds a catalogue already.",
            hint="Add --replace to throw it away.",
            code="database_not_empty",
        )
    # Read to its end, so that a cut-off file is found before anything goes.
    _run("pg_restore", database.url, [f"--file={os.devnull}", str(path)], connect=False)
    schema.migrate(database.engine, "base")
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
    _run(
        "pg_restore",
        database.url,
        [
            "--no-owner",
            "--no-privileges",
            "--schema=public",
            "--single-transaction",
            "--exit-on-error",
            str(path),
        ],
    )
    schema.migrate(database.engine)


def _run(program: str, url: URL, options: list[str], *, connect: bool = True) -> None:
    """Run one of PostgreSQL's programs; the password goes through the environment, not the process list."""
    shown = URL.create(
        "postgresql", url.username, None, url.host, url.port, url.database, url.query
    ).render_as_string()
    done = subprocess.run(
        [postgres_root() / "bin" / program, *([f"--dbname={shown}"] if connect else []), *options],
        env={**os.environ, "PGPASSWORD": url.password or "", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise ServiceError(
            f"{program} failed: {lines[0].removeprefix(f'{program}: ')}.", code="backup_failed"
        )
