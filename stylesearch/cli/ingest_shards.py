"""``stylesearch ingest shards``: take in WebDataset shards."""

from __future__ import annotations

from pathlib import Path

import click

from stylesearch.cli.taking import Taking, collection_options, run_source
from stylesearch.settings import get_settings


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@collection_options
def shards(path: Path, taking: Taking) -> None:
    """Take in WebDataset shards, as img2dataset writes them: a .tar file, PATH, or the folder of them.

    Of each sample the image is taken, and its .json and .txt for metadata.
    """
    run_source(get_settings(), "shards", {"path": str(path.absolute())}, taking)
