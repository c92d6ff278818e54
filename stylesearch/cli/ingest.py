"""``stylesearch ingest``: take works in."""

from __future__ import annotations

import csv
import json
import sys
from typing import ClassVar

import click
from rich.table import Table
from sqlalchemy import select

from stylesearch.catalog.database import open_database
from stylesearch.catalog.runs import IngestItem
from stylesearch.cli.ingest_there import Error, errors_there, retry_there
from stylesearch.cli.lazy import Elsewhere, LazyGroup
from stylesearch.cli.progress import console, errors
from stylesearch.cli.remote import server_option
from stylesearch.cli.taking import Hands, carry_out, hands_options
from stylesearch.ingest.run import find_run, try_again
from stylesearch.ingest.sources.registry import build_source
from stylesearch.settings import get_settings

# Commands that take a kind of source in: module and one line for the list. A module is imported when it is used.
SOURCES = {
    "folder": ("stylesearch.cli.ingest_folder", "Take in the images below a folder."),
    "table": ("stylesearch.cli.ingest_table", "Take in what a CSV, JSON Lines or Parquet file lists."),
    "shards": ("stylesearch.cli.ingest_shards", "Take in webdataset shards."),
    "iiif": ("stylesearch.cli.ingest_iiif", "Take in a IIIF manifest or collection."),
    "oai": ("stylesearch.cli.ingest_oai", "Take in what an OAI-PMH server offers."),
}
REVIEWS = {
    "status": ("stylesearch.cli.ingest_status", "Show how a run stands."),
    "report": ("stylesearch.cli.ingest_report", "Write a run's report as one HTML file."),
    "duplicates": (
        "stylesearch.cli.ingest_duplicates",
        "List images that look almost alike, and judge them.",
    ),
}


class IngestGroup(LazyGroup):
    """The commands of this module, and those of each kind of source."""

    sections: ClassVar[dict[str, Elsewhere]] = {"Sources": SOURCES, "Commands": REVIEWS}


@click.group(cls=IngestGroup)
def ingest() -> None:
    """Take works in, follow runs, and look at what went wrong.

    A run that was interrupted goes on when the same command is given again; nothing is taken in twice.
    """


@ingest.command(name="errors")
@click.argument("run", type=int, required=False)
@click.option("--csv", "form", flag_value="csv", help="Print CSV.")
@click.option("--json", "form", flag_value="json", help="Print JSON, an object a line.")
@server_option
def list_errors(run: int | None, form: str | None, server: str | None) -> None:
    """List what went into quarantine, and why."""
    rows = _errors(run) if server is None else errors_there(server, run)
    if form == "json":
        for row in rows:
            click.echo(
                json.dumps(dict(zip(("file", "code", "reason"), row, strict=True)), ensure_ascii=False)
            )
        return
    if form == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerow(["file", "code", "reason"])
        writer.writerows(rows)
        return
    table = Table("File", "Code", "Reason")
    for row in rows:
        table.add_row(*map(str, row))
    console.print(table if rows else "nothing is in quarantine")


def _errors(run: int | None) -> list[Error]:
    with open_database(get_settings()).session() as session:
        rows = session.execute(
            select(IngestItem.source_id, IngestItem.error_code, IngestItem.error_text)
            .where(IngestItem.run_id == find_run(session, run).id, IngestItem.state == "quarantined")
            .order_by(IngestItem.error_code, IngestItem.source_id)
        )
        return [(source_id, code or "", why or "") for source_id, code, why in rows]


@ingest.command()
@click.argument("run", type=int, required=False)
@hands_options
def resume(run: int | None, hands: Hands) -> None:
    """Go on with a run that was interrupted, by default the newest."""
    settings = get_settings()
    database = open_database(settings)
    with database.session() as session:
        one = find_run(session, run)
        if one.state == "finished":
            click.echo(f"run {one.id} is finished")
            return
        one.problem = None
        kind, options, discovering = one.kind, one.options, one.state == "discovering"
    source = build_source(kind, options, settings) if discovering else None
    carry_out(settings, database, one.id, source, hands)


@ingest.command()
@click.argument("run", type=int, required=False)
@server_option
@hands_options
def retry(run: int | None, server: str | None, hands: Hands) -> None:
    """Try again what went into quarantine, after its cause was mended."""
    if server is not None:
        if hands != Hands():
            raise click.UsageError("With --server, the workers there do the work.")
        retry_there(server, run)
        return
    settings = get_settings()
    database = open_database(settings)
    with database.session() as session:
        run_id = find_run(session, run).id
        opened = try_again(session, run_id)
    errors.print(f"trying {opened} again", highlight=False)
    carry_out(settings, database, run_id, None, hands)
