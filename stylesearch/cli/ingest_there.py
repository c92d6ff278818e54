"""``stylesearch ingest --server``: runs of another server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from rich.table import Table

from stylesearch.cli.progress import console, errors
from stylesearch.cli.remote import client_of, run_there
from stylesearch.cli.taking import Hands, Taking
from stylesearch.wire.runs import ItemsQuery, RunRequest, RunTold

Error = tuple[str, str, str]
"""What went into quarantine: its name in the source, the code, and why."""


def runs_there(server: str, run: int | None, *, every: bool, as_json: bool) -> None:
    """Show how a run of a server stands, or list all."""
    with client_of(server) as client:
        if every:
            table = Table("Run", "Kind", "Collection", "State", "Done", "Quarantined", "Begun")
            for one in client.runs():
                found = one.counts
                done = f"{found.discovered - found.open} of {found.discovered}"
                begun = f"{one.started_at.astimezone():%Y-%m-%d %H:%M}"
                table.add_row(
                    str(one.run_id), one.kind, one.collection, one.state, done, str(found.quarantined), begun
                )
            console.print(table if table.row_count else "There is no ingest run there yet.")
            return
        found_run = run_there(client, run)
    if as_json:
        click.echo(found_run.model_dump_json(indent=2))
    else:
        _tell(found_run)


def errors_there(server: str, run: int | None) -> list[Error]:
    """Return what went into quarantine in a run of a server."""
    with client_of(server) as client:
        items = client.items(run_there(client, run).run_id, ItemsQuery(state="quarantined"))
        return sorted(
            ((one.source_id, one.error_code or "", one.error_text or "") for one in items),
            key=lambda error: (error[1], error[0]),
        )


def retry_there(server: str, run: int | None) -> None:
    """Have a run of a server gone on with, and what is in quarantine tried again."""
    with client_of(server) as client:
        told = client.retry_run(run_there(client, run).run_id)
    errors.print(f"trying {told.opened} again", highlight=False)
    _tell(told.run)


def take_in_there(server: str, kind: str, options: Mapping[str, Any], taking: Taking) -> None:
    """Have a server take in a source on the net.

    Parameters
    ----------
    options:
        As :class:`~stylesearch.wire.runs.RunRequest` names them.
    """
    if taking.hands != Hands():
        raise click.UsageError("With --server, the workers there do the work.")
    into = taking.into
    given = {
        "collection": into.collection,
        "title": into.title,
        "provider": into.provider,
        "license": into.default_license,
    }
    values = {"kind": kind, **options, **given}
    request = RunRequest.model_validate({name: value for name, value in values.items() if value is not None})
    with client_of(server) as client:
        _tell(client.begin_run(request))


def _tell(run: RunTold) -> None:
    found = run.counts
    click.echo(f"run {run.run_id} into {run.collection}: {run.state}")
    click.echo(f"from {run.source_uri}")
    if run.problem:
        click.echo(f"stopped: {run.problem}")
    click.echo(
        f"discovered {found.discovered} = ingested {found.ingested} + duplicates {found.duplicate}"
        f" + unchanged {found.unchanged} + quarantined {found.quarantined} + open {found.open}"
    )
    for code, number in found.errors.items():
        click.echo(f"  {code}: {number}")
