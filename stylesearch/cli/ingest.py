"""``stylesearch ingest``: take works in."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path

import click
from rich.table import Table
from sqlalchemy import select

from stylesearch.catalog.database import Database, open_database
from stylesearch.catalog.runs import IngestItem, IngestRun
from stylesearch.cli.progress import Stopwatch, console, errors, progress_bar
from stylesearch.encoders.registry import configured_encoder
from stylesearch.errors import ServiceError
from stylesearch.ingest import ledger
from stylesearch.ingest.doorbell import Doorbell
from stylesearch.ingest.ledger import Counts
from stylesearch.ingest.run import discover, drive, find_run, make_pipeline, open_run, watch
from stylesearch.ingest.sources.folder import FolderSource
from stylesearch.local.processes import die_with_parent
from stylesearch.settings import Settings, get_settings

STOP_SECONDS = 30


@click.group()
def ingest() -> None:
    """Take works in, follow runs, and look at what went wrong.

    A run that was interrupted goes on when the same command is given again; nothing is taken in twice.
    """


@ingest.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--collection", "-c", required=True, help="Slug of the collection, made if it is new.")
@click.option("--title", help="Title of the collection.")
@click.option("--provider", help="Who holds the collection.")
@click.option(
    "--license", "license_", help="Rights of works whose own metadata states none: an SPDX id or a URI."
)
@click.option(
    "--metadata",
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV with the works' metadata; default: metadata.csv in the folder, if there is one.",
)
@click.option("--inline", is_flag=True, help="Do the work in this process, without Redis and workers.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes to start if no worker is running.")
def folder(
    path: Path,
    collection: str,
    title: str | None,
    provider: str | None,
    license_: str | None,
    metadata: Path | None,
    inline: bool,
    workers: int | None,
) -> None:
    """Take in the images below PATH.

    Metadata is read from a CSV, from XMP and IPTC inside the files, and from RDF inside SVG drawings.
    """
    settings = get_settings()
    source = FolderSource(path, table=metadata, max_bytes=settings.max_file_bytes)
    source.paths()  # an empty folder is told before anything is made
    counts = run_source(
        settings,
        source,
        collection=collection,
        title=title,
        provider=provider,
        default_license=license_,
        inline=inline,
        workers=workers,
    )
    if counts.errors:
        click.echo("'stylesearch ingest errors' lists what went into quarantine.")


def run_source(
    settings: Settings,
    source: FolderSource,
    *,
    collection: str,
    title: str | None = None,
    provider: str | None = None,
    default_license: str | None = None,
    inline: bool = False,
    workers: int | None = None,
) -> Counts:
    """Take a source in, showing progress, and say what came of it."""
    database = open_database(settings)
    spec = configured_encoder(settings).spec
    with database.session() as session:
        run, resumed = open_run(
            session,
            source,
            collection=collection,
            spec=spec,
            title=title,
            provider=provider,
            default_license=default_license,
        )
    if resumed:
        click.echo(f"going on with run {run.id}")
    with Stopwatch() as stopwatch:
        with progress_bar("Looking") as looked:
            discover(database, run, source, on_progress=looked)
        counts = _carry_out(database, run.id, settings, inline=inline, workers=workers)
    say(counts, stopwatch.seconds)
    return counts


def _carry_out(
    database: Database, run_id: int, settings: Settings, *, inline: bool, workers: int | None
) -> Counts:
    with database.session() as session:
        still_open = ledger.counts(session, run_id).open
    with progress_bar("Taking in") as bar:

        def show(counts: Counts) -> None:
            bar(
                counts.done,
                counts.discovered,
                note=f"{counts.quarantined} in quarantine" if counts.quarantined else "",
            )

        if inline:
            return drive(make_pipeline(database, settings), run_id, on_progress=show)
        doorbell = Doorbell(settings)
        nobody = not doorbell.answering()
        if nobody and still_open <= settings.ingest_batch_size:
            # Starting a worker would take longer than the work.
            return drive(make_pipeline(database, settings), run_id, on_progress=show)
        with _own_worker(workers) if nobody else nullcontext():
            return watch(database, run_id, doorbell, settings=settings, on_progress=show)


@contextmanager
def _own_worker(processes: int | None) -> Iterator[None]:
    """Run a worker for as long as the block lasts."""
    options = ["--concurrency", str(processes)] if processes else []
    worker = subprocess.Popen(
        [sys.executable, "-m", "stylesearch", "workers", "start", *options],
        env={**os.environ, "STYLESEARCH_LOG_LEVEL": "warning"},
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C comes to us, and we ask it to finish
        preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - no other thread holds a lock the child needs
    )
    try:
        yield
    finally:
        worker.terminate()
        try:
            worker.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()


def say(counts: Counts, seconds: float | None = None) -> None:
    """Print a run's numbers, and how long it took where that is known."""
    line = (
        f"discovered {counts.discovered} = ingested {counts.ingested} + duplicates {counts.duplicate}"
        f" + unchanged {counts.unchanged} + quarantined {counts.quarantined}"
    )
    if counts.open:
        line += f" + open {counts.open}"
    if seconds:
        rate = f", {counts.ingested / seconds:.1f} images/s" if counts.ingested else ""
        line += f" ({seconds:.1f} s{rate})"
    click.echo(line)
    for code, number in counts.errors.items():
        click.echo(f"  {code}: {number}")


@ingest.command()
@click.argument("run", type=int, required=False)
@click.option("--all", "every", is_flag=True, help="List all runs.")
def status(run: int | None, every: bool) -> None:
    """Show how a run stands, by default the newest."""
    with open_database(get_settings()).session() as session:
        if every:
            table = Table("Run", "Collection", "State", "Done", "Quarantined", "Begun")
            for one in session.scalars(select(IngestRun).order_by(IngestRun.id)):
                counts = ledger.counts(session, one.id)
                done = f"{counts.done} of {counts.discovered}"
                table.add_row(
                    str(one.id),
                    one.collection.slug,
                    one.state,
                    done,
                    str(counts.quarantined),
                    _moment(one.started_at),
                )
            console.print(table)
            return
        found = find_run(session, run)
        counts = ledger.counts(session, found.id)
        click.echo(
            f"run {found.id} into {found.collection.slug}: {found.state}, begun {_moment(found.started_at)}"
        )
        click.echo(f"from {found.source_uri}")
        if counts.open:
            click.echo(f"open {counts.open} (held by workers {counts.leased})")
        say(counts)


def _moment(when: datetime) -> str:
    return f"{when.astimezone():%Y-%m-%d %H:%M}"


@ingest.command(name="errors")
@click.argument("run", type=int, required=False)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
def list_errors(run: int | None, as_csv: bool) -> None:
    """List what went into quarantine, and why."""
    with open_database(get_settings()).session() as session:
        rows = session.execute(
            select(IngestItem.source_id, IngestItem.error_code, IngestItem.error_text)
            .where(IngestItem.run_id == find_run(session, run).id, IngestItem.state == "quarantined")
            .order_by(IngestItem.error_code, IngestItem.source_id)
        ).all()
    if as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(["file", "code", "reason"])
        writer.writerows(rows)
        return
    table = Table("File", "Code", "Reason")
    for row in rows:
        table.add_row(*map(str, row))
    console.print(table if rows else "nothing is in quarantine")


@ingest.command()
@click.argument("run", type=int, required=False)
@click.option("--inline", is_flag=True, help="Do the work in this process, without Redis and workers.")
def retry(run: int | None, inline: bool) -> None:
    """Try again what went into quarantine, after its cause was mended."""
    settings = get_settings()
    database = open_database(settings)
    with database.session() as session:
        found = find_run(session, run)
        if found.state == "discovering":
            raise ServiceError(
                f"Run {found.id} was interrupted.",
                hint="Give its 'ingest folder' command again.",
                code="run_interrupted",
            )
        opened = ledger.retry(session, found.id)
    errors.print(f"trying {opened} again", highlight=False)
    with Stopwatch() as stopwatch:
        counts = _carry_out(database, found.id, settings, inline=inline, workers=None)
    say(counts, stopwatch.seconds)
