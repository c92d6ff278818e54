"""``stylesearch ingest table``: take in the works of a table."""

from __future__ import annotations

from pathlib import Path

import click

from stylesearch.cli.taking import Taking, collection_options, run_source
from stylesearch.settings import get_settings


@click.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--map",
    "pairs",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="Column that holds a field, such as title=Titel, where its name is not a usual one.",
)
@click.option(
    "--images",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that paths in the table are relative to; default: the table's own.",
)
@click.option(
    "--delimiter", metavar="SIGN", help="Sign between a CSV's fields; found out where it is not given."
)
@collection_options
def table(
    path: Path, pairs: tuple[str, ...], images: Path | None, delimiter: str | None, taking: Taking
) -> None:
    """Take in the works of a table, PATH, with the paths or addresses of their images.

    It may be CSV in UTF-8, JSON lines (one object a line) or Parquet.
    """
    if delimiter is not None and len(delimiter) != 1:
        raise click.UsageError("--delimiter takes a single sign.")
    options = {
        "path": str(path.absolute()),
        "columns": column_options(pairs),
        "images": str(images.absolute()) if images else None,
        "delimiter": delimiter,
    }
    run_source(get_settings(), "table", options, taking)


def column_options(pairs: tuple[str, ...]) -> dict[str, str]:
    """Return field to column of some ``FIELD=COLUMN``.

    Raises
    ------
    click.UsageError
        If one has no equals sign, or a field comes twice.
    """
    columns: dict[str, str] = {}
    for pair in pairs:
        target, sign, column = (part.strip() for part in pair.partition("="))
        if not (target and sign and column) or target in columns:
            raise click.UsageError(f"--map takes FIELD=COLUMN, each field once; not {pair!r}.")
        columns[target] = column
    return columns
