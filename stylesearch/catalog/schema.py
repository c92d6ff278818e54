"""The schema's version: bring a database up to date, or say why it cannot be."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

import stylesearch
from stylesearch.catalog import licenses
from stylesearch.catalog.tables import Base
from stylesearch.errors import ServiceError

UPGRADE_LOCK = 0x5354594C45  # "STYLE": one upgrade at a time, whichever process comes first


def migrations_folder() -> Path:
    """Return where the migrations are: inside the installed package, or beside it in a checkout."""
    package = Path(stylesearch.__file__).parent
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


def alembic_config() -> Config:
    """Return Alembic's configuration; connections are passed in, never read from it."""
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    config.set_main_option("path_separator", "os")
    return config


def head() -> str:
    """Return the newest revision that this version knows."""
    revision = ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert revision is not None
    return revision


def current(connection: Connection) -> str | None:
    """Return the database's revision, ``None`` where it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def bring_up_to_date(engine: Engine, *, upgrade: bool) -> None:
    """Upgrade a database that is ours or empty; refuse one that is older or newer than we are.

    Raises
    ------
    ServiceError
        If the schema is older and not ours to change, or newer than this version.
    """
    with engine.connect() as connection:
        revision = current(connection)
        empty = revision is None and not inspect(connection).has_table("work")
    if revision == head():
        return
    if revision is not None and revision not in known_revisions():
        raise ServiceError(
            f"The database's schema ({revision}) was made by a newer stylesearch.",
            hint="Upgrade stylesearch.",
            code="schema_newer",
        )
    if not upgrade and not empty:
        raise ServiceError(
            f"The database's schema ({revision or 'none'}) is older than this stylesearch needs ({head()}).",
            hint="Back it up with 'stylesearch db backup FILE', then run 'stylesearch db upgrade'.",
            code="schema_older",
        )
    migrate(engine)


def known_revisions() -> set[str]:
    """Return every revision that this version knows."""
    return {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}


def migrate(engine: Engine, revision: str = "head") -> None:
    """Move the schema to a revision, all or nothing, and seed the licences.

    Raises
    ------
    ServiceError
        If the server refuses, most often because pgvector may only be created by a superuser there.
    """
    config = alembic_config()
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
            config.attributes["connection"] = connection
            if revision == "base":
                command.downgrade(config, revision)
                return
            command.upgrade(config, revision)
            licenses.seed(connection)
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise ServiceError(
            f"The database could not be upgraded: {reason}.",
            hint="Have a superuser run 'CREATE EXTENSION vector; CREATE EXTENSION pg_trgm' in it, or grant what is missing.",
            code="upgrade_failed",
        ) from error


def differences(connection: Connection) -> list[str]:
    """Return what differs between the tables of the code and those of the database, in words."""
    context = MigrationContext.configure(
        connection, opts={"include_object": is_ours, "compare_server_default": False}
    )
    return [str(difference) for difference in compare_metadata(context, Base.metadata)]


def is_ours(thing: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:  # noqa: ARG001
    """Leave out what is made at run time: an encoder's partition and its index."""
    return not (kind == "table" and reflected and (name or "").startswith("descriptor_"))
