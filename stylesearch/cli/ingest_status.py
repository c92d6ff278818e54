"""``stylesearch ingest status``: how runs stand."""

from __future__ import annotations

import json
import time
from datetime import datetime

import click
from rich.console import Group
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text
from sqlalchemy import select

from stylesearch.catalog.database import Database, open_database
from stylesearch.catalog.runs import IngestRun
from stylesearch.cli.ingest_there import runs_there
from stylesearch.cli.progress import console
from stylesearch.cli.remote import server_option
from stylesearch.cli.taking import say
from stylesearch.ingest.counts import counts
from stylesearch.ingest.following import Standing, standing
from stylesearch.ingest.run import find_run
from stylesearch.settings import get_settings

WATCH_SECONDS = 1.0
QUIET_SECONDS = 120.0
"""Who holds items and has not moved for this long is pointed out."""


@click.command()
@click.argument("run", type=int, required=False)
@click.option("--all", "every", is_flag=True, help="List all runs.")
@click.option("--watch", "watching", is_flag=True, help="Follow the run until it is finished, or Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@server_option
def status(run: int | None, every: bool, watching: bool, as_json: bool, server: str | None) -> None:
    """Show how a run stands, by default the newest."""
    if server is not None:
        if watching:
            raise click.UsageError("--server does not go with --watch.")
        runs_there(server, run, every=every, as_json=as_json)
        return
    database = open_database(get_settings())
    if every:
        _list(database)
        return
    with database.session() as session:
        run_id = find_run(session, run).id
        now = standing(session, run_id)
    if as_json:
        click.echo(json.dumps(now.to_json(), indent=2))
    elif watching:
        _watch(database, run_id)
    else:
        for line in lines(now):
            click.echo(line)
        say(now.counts)


def _list(database: Database) -> None:
    table = Table("Run", "Kind", "Collection", "State", "Done", "Quarantined", "Begun")
    with database.session() as session:
        for one in session.scalars(select(IngestRun).order_by(IngestRun.id)):
            found = counts(session, one.id)
            table.add_row(
                str(one.id),
                one.kind,
                one.collection.slug,
                one.state,
                f"{found.done} of {found.discovered}",
                str(found.quarantined),
                _moment(one.started_at),
            )
    console.print(table)


def lines(now: Standing) -> list[str]:
    """Return how a run stands in words, without the numbers that its end is told with."""
    found = now.counts
    told = [
        f"run {now.run_id} into {now.collection}: {now.state}, begun {_moment(now.started_at)}",
        f"from {now.source_uri}",
    ]
    if now.problem:
        told.append(f"stopped: {now.problem}")
    if found.open:
        told.append(
            f"open {found.open}: waiting {found.pending}, being fetched {found.fetching},"
            f" decoded {found.prepared}, being described {found.embedding}"
        )
        left = f", {_duration(now.seconds_left)} left" if now.seconds_left is not None else ""
        told.append(f"pace: decoded {now.prepared_rate:.1f}/s, done {now.described_rate:.1f}/s{left}")
    if now.waiting_seconds >= 1:
        told.append(f"oldest that waits to be described: {_duration(now.waiting_seconds)}")
    if now.deferred:
        told.append(f"put off until their server is ready: {now.deferred}")
    for holder in now.holders:
        if holder.quiet_seconds >= QUIET_SECONDS:
            told.append(
                f"{holder.name} holds {holder.items} and has not moved for {_duration(holder.quiet_seconds)}"
            )
    return told


def _watch(database: Database, run_id: int) -> None:
    with Live(console=console, refresh_per_second=4) as live:
        while True:
            with database.session() as session:
                now = standing(session, run_id)
            live.update(_picture(now))
            if now.state == "finished":
                return
            time.sleep(WATCH_SECONDS)


def _picture(now: Standing) -> Group:
    table = Table(Column(), Column("Items", justify="right"), box=None)
    found = now.counts
    for label, number in (
        ("waiting", found.pending),
        ("being fetched", found.fetching),
        ("decoded", found.prepared),
        ("being described", found.embedding),
        ("ingested", found.ingested),
        ("duplicates", found.duplicate),
        ("unchanged", found.unchanged),
        ("quarantined", found.quarantined),
        *((f"  {code}", number) for code, number in found.errors.items()),
    ):
        table.add_row(label, f"{number:,}")
    done = f"{found.done:,} of {now.expected:,} done"
    return Group(*(Text(line) for line in lines(now)), Text(done), table)


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes = whole // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _moment(when: datetime) -> str:
    return f"{when.astimezone():%Y-%m-%d %H:%M}"
