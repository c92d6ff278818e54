"""``stylesearch ingest report``: what came of a run, as one HTML file."""

from __future__ import annotations

from pathlib import Path

import click

from stylesearch.catalog.database import open_database
from stylesearch.ingest.report import read_report, render
from stylesearch.ingest.run import find_run
from stylesearch.settings import get_settings


@click.command()
@click.argument("run", type=int, required=False)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write; default: run-NUMBER.html here.",
)
def report(run: int | None, out: Path | None) -> None:
    """Write what came of a run, by default the newest, as one HTML file."""
    with open_database(get_settings()).session(snapshot=True) as session:
        found = read_report(session, find_run(session, run).id)
    path = out or Path(f"run-{found.standing.run_id}.html")
    path.write_text(render(found), "utf-8")
    click.echo(str(path))
