"""``stylesearch ingest duplicates``: images that look almost alike, for a person to judge."""

from __future__ import annotations

import getpass

import click
from rich.table import Table

from stylesearch.catalog import duplicates as near
from stylesearch.catalog.collections import find_collection
from stylesearch.catalog.database import open_database
from stylesearch.cli.progress import console
from stylesearch.settings import get_settings


@click.group(invoke_without_command=True)
@click.option("--collection", "-c", help="Slug of the only collection to look at.")
@click.pass_context
def duplicates(ctx: click.Context, collection: str | None) -> None:
    """List images that look almost alike, in groups that nobody has judged yet.

    Nothing is merged by itself. Files with the very same bytes are not among them: of those, one is taken in.
    """
    if ctx.invoked_subcommand is not None:
        return
    with open_database(get_settings()).session() as session:
        only = find_collection(session, collection).id if collection else None
        groups = near.groups(session, collection_id=only)
    table = Table("Group", "Image", "Collection", "Work", "Differs by")
    for number, group in enumerate(groups, start=1):
        for member in group:
            bits = "" if member.bits is None else f"{member.bits} bits"
            table.add_row(str(number), str(member.image_id), member.collection, member.source_id, bits)
        table.add_section()
    console.print(table if groups else "there is nothing to judge")


@duplicates.command()
@click.argument("images", type=int, nargs=-1, required=True)
@click.option("--same", "verdict", flag_value="same", help="They show the same picture.")
@click.option("--different", "verdict", flag_value="different", help="They only look alike.")
def mark(images: tuple[int, ...], verdict: str | None) -> None:
    """Say of IMAGES, by their numbers, whether they are the same."""
    if verdict is None:
        raise click.UsageError("Say --same or --different.")
    with open_database(get_settings()).session() as session:
        number = near.decide(session, images, verdict, by=getpass.getuser())
    click.echo(f"{number} pairs marked as {verdict}")
