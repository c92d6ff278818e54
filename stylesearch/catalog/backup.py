"""Backing the database up into one file, and restoring it. The image store is files of its own: copy its folder.

What shards keep is in the file too, so that all of it is in one place and of about one moment. Where the shards are, and how
to sign in there, is not: restored, galleries are whole again on the catalogue's own server.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from sqlalchemy import delete, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

from stylesearch.catalog import encoders, joining, schema
from stylesearch.catalog.database import Database
from stylesearch.catalog.descriptors import Shard
from stylesearch.catalog.shard_connections import unreachable
from stylesearch.catalog.shard_errors import ShardDownError
from stylesearch.catalog.splitting import COLUMNS
from stylesearch.errors import InputError, ServiceError
from stylesearch.local.binaries import postgres_root

MAGIC = b"PGDMP"
SERVERS = "stylesearch_*"
"""All shards, as PostgreSQL's programs are told."""

_PART = re.compile(r"\d+; \d+ \d+ FOREIGN TABLE public (descriptor_\d+_[a-z][a-z0-9]*) ")


def backup(database: Database, path: Path) -> int:
    """Write the database into a compressed file, whole or not at all; return its size in bytes.

    Raises
    ------
    ServiceError
        If the file cannot be written or the server refuses; ``shard_down``.
    """
    with database.session() as session:
        split = session.scalar(
            text(
                "SELECT EXISTS (SELECT FROM pg_foreign_table JOIN pg_foreign_server ON oid = ftserver"
                " WHERE starts_with(srvname, 'stylesearch_'))"
            )
        )
    down = unreachable(database) if split else frozenset()
    if down:
        raise ShardDownError(*down, reason="what it keeps could not be backed up")
    shards = [f"--include-foreign-data={SERVERS}"] if split else []
    half_made = path.with_name(f"{path.name}.part")
    try:
        half_made.touch(mode=0o600)  # personal data: users, audit
        _run(
            "pg_dump",
            database.url,
            ["--format=custom", "--schema=public", "--no-owner", *shards, f"--file={half_made}"],
        )
        half_made.replace(path)
    except OSError as error:
        raise ServiceError(
            f"{path} cannot be written: {error.strerror}.", hint="Name another place.", code="backup_failed"
        ) from error
    finally:
        half_made.unlink(missing_ok=True)
    return path.stat().st_size


def restore(database: Database, path: Path, *, replace: bool) -> list[str]:
    """Put the database back to what a backup holds, in one transaction, and bring its schema up to date.

    Galleries that were split are whole afterwards; shards are forgotten, and what they keep is left alone. Return the names
    of the encoders whose galleries that were.

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
    _forget_shards(database)
    schema.migrate(database.engine, "base")
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
    with _without_shards(database, path) as options:
        _run(
            "pg_restore",
            database.url,
            [
                "--no-owner",
                "--no-privileges",
                "--schema=public",
                "--single-transaction",
                "--exit-on-error",
                *options,
                str(path),
            ],
        )
    schema.migrate(database.engine)
    return _make_whole(database)


def _forget_shards(database: Database) -> None:
    """Have the database know no shards any more, nor the galleries that they keep."""
    with database.session() as session:
        servers = session.scalars(
            text("SELECT srvname FROM pg_foreign_server WHERE starts_with(srvname, 'stylesearch_')")
        ).all()
        for name in servers:
            session.execute(text(f'DROP SERVER "{name}" CASCADE'))
        for name in _parted(session):
            session.execute(text(f"DROP TABLE {name}"))


def _parted(session: Session) -> Sequence[str]:
    """Return the galleries that consist of parts, by the names of their tables."""
    found = "SELECT relname FROM pg_class WHERE relkind = 'p' AND relname ~ '^descriptor_' AND pg_table_is_visible(oid)"
    return session.scalars(text(found)).all()


@contextmanager
def _without_shards(database: Database, path: Path) -> Iterator[list[str]]:
    """Give the options by which what shards kept is restored into tables of this server, which are made for it."""
    contents = _run("pg_restore", database.url, ["--list", str(path)], connect=False).splitlines()
    names = [found[1] for line in contents if (found := _PART.match(line))]
    with database.session() as session:
        for name in names:
            session.execute(text(f"DROP TABLE IF EXISTS {name}"))
            session.execute(text(f"CREATE TABLE {name} ({COLUMNS})"))
    with NamedTemporaryFile("w", suffix=".list") as kept:
        kept.writelines(f"{line}\n" for line in contents if not _PART.match(line))
        kept.flush()
        yield [f"--use-list={kept.name}"] if names else []


def _make_whole(database: Database) -> list[str]:
    """Put galleries together of which parts have been restored; return the names of their encoders."""
    with database.session() as session:
        session.execute(delete(Shard))
        parted = _parted(session)
        rows = [row for row in encoders.all_kept(session) if row.partition in parted]
        # Of encoders that are no more, and of what was about to be split.
        for name in set(parted) - {row.partition for row in rows}:
            session.execute(text(f"DROP TABLE {name}"))
    for row in rows:
        joining.join_here(database, row)
    return [row.slug for row in rows]


def _run(program: str, url: URL, options: list[str], *, connect: bool = True) -> str:
    """Run one of PostgreSQL's programs; return what it printed.

    The password goes through the environment, not the process list.
    """
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
    return done.stdout
