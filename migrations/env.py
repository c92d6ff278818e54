"""Alembic's entry: the connection comes from the caller, or from stylesearch's settings on the command line."""

from alembic import context

from stylesearch.catalog.schema import is_ours
from stylesearch.catalog.tables import Base


def run() -> None:
    connection = context.config.attributes.get("connection")
    if connection is not None:
        _migrate(connection)
        return
    from stylesearch.catalog.database import open_database
    from stylesearch.settings import get_settings

    with open_database(get_settings(), check=False).engine.begin() as own:
        _migrate(own)


def _migrate(connection: object) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, include_object=is_ours)
    with context.begin_transaction():
        context.run_migrations()


run()
