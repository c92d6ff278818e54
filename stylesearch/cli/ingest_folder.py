"""``stylesearch ingest folder``: take in the images below a folder."""

from __future__ import annotations

from pathlib import Path

import click

from stylesearch.cli.taking import Taking, collection_options, run_source
from stylesearch.ingest.sources.folder import FolderSource
from stylesearch.settings import get_settings


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--metadata",
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV with the works' metadata; default: metadata.csv in the folder, if there is one.",
)
@collection_options
def folder(path: Path, metadata: Path | None, taking: Taking) -> None:
    """Take in the images below PATH.

    Metadata is read from a CSV, from JSON beside the files, from XMP, IPTC and EXIF inside them and RDF inside SVG drawings,
    and from a package's debian/copyright.
    """
    settings = get_settings()
    options = folder_options(path, metadata)
    FolderSource(path, table=metadata).paths()  # an empty folder is told before anything is made
    run_source(settings, "folder", options, taking)


def folder_options(
    path: Path, table: Path | None = None, only: frozenset[str] | None = None
) -> dict[str, object]:
    """Return what a folder can be opened again from."""
    return {
        "path": str(path.absolute()),
        "table": str(table.absolute()) if table else None,
        "only": sorted(only) if only is not None else None,
    }
