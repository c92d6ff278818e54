"""``stylesearch db``: the catalogue's database."""

from __future__ import annotations

from pathlib import Path

import click

from stylesearch.catalog import backup as backups
from stylesearch.catalog import schema
from stylesearch.catalog.database import Database, check_server, open_database
from stylesearch.errors import ServiceError
from stylesearch.settings import get_settings


@click.group()
def db() -> None:
    """Upgrade, check, back up and restore the catalogue's database."""


def _unchecked() -> Database:
    return open_database(get_settings(), check=False)


@db.command()
def upgrade() -> None:
    """Bring the schema up to date. Back up first."""
    database = _unchecked()
    check_server(database)
    with database.engine.connect() as connection:
        before = schema.current(connection)
    if before not in (None, *schema.known_revisions()):
        schema.bring_up_to_date(database.engine, upgrade=True)  # says that it is newer
    schema.migrate(database.engine)
    click.echo(
        f"at {schema.head()}" if before == schema.head() else f"{before or 'empty'} -> {schema.head()}"
    )


@db.command()
def check() -> None:
    """Check versions, the schema's revision, and that its tables are those of this version."""
    database = _unchecked()
    versions = check_server(database)
    click.echo(f"PostgreSQL {versions['postgres']}, pgvector {versions['pgvector']}")
    with database.engine.connect() as connection:
        revision = schema.current(connection)
        if revision != schema.head():
            raise ServiceError(
                f"The schema is at {revision or 'nothing'}; this version needs {schema.head()}.",
                hint="Run 'stylesearch db upgrade'.",
                code="schema_older",
            )
        found = schema.differences(connection)
    for difference in found:
        click.echo(f"differs: {difference}")
    if found:
        raise ServiceError(
            "The tables are not those of this version.", hint="Restore a backup.", code="schema_differs"
        )
    click.echo(f"schema {revision}: as it should be")


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Write the database into FILE, with what shards keep. Images are not in it: copy the image store's folder too."""
    size = backups.backup(open_database(get_settings()), file)
    click.echo(f"{file}: {size:,} bytes")


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--replace", is_flag=True, help="Throw away the catalogue that is there.")
def restore(file: Path, replace: bool) -> None:
    """Put the database back to what FILE holds.

    Galleries that were split are whole again afterwards, on the catalogue's own server.
    """
    database = _unchecked()
    check_server(database)
    joined = backups.restore(database, file, replace=replace)
    click.echo(f"restored from {file}")
    if joined:
        click.echo(
            f"no shards are known now; {', '.join(joined)} can be split again: 'stylesearch shards add', then 'split'"
        )
