"""``stylesearch shards``: other PostgreSQL servers that keep parts of galleries."""

from __future__ import annotations

import click
from rich.table import Table
from sqlalchemy import select

from stylesearch.catalog import encoders, joining, splitting
from stylesearch.catalog import shards as known
from stylesearch.catalog.database import open_database
from stylesearch.catalog.descriptors import Shard
from stylesearch.catalog.shard_connections import unreachable
from stylesearch.cli.index import encoder_option, opened
from stylesearch.cli.progress import Stopwatch, console, errors
from stylesearch.settings import get_settings


@click.group()
def shards() -> None:
    """Split galleries over several PostgreSQL servers, and move their parts."""


@shards.command()
@click.argument("name")
@click.argument("url")
def add(name: str, url: str) -> None:
    """Make the empty PostgreSQL database at URL known as the shard NAME; nothing is moved to it yet.

    The catalogue's database must reach it, and so must every machine that searches. Its server must ask for a password.
    """
    settings = get_settings()
    known.add(open_database(settings), name, url, ef=settings.search_ef)
    click.echo(f"{name} is known")


@shards.command("list")
def list_() -> None:
    """List shards, whether they answer, and what they keep."""
    database = open_database(get_settings())
    down = unreachable(database)
    table = Table("Shard", "State", "Answers", "Keeps")
    with database.session() as session:
        galleries = [(row.slug, known.parts(session, row.partition)) for row in encoders.all_kept(session)]
        for shard in session.scalars(select(Shard).order_by(Shard.slug)):
            kept = [
                f"{slug}: about {part.rows:,.0f}"
                for slug, parts in galleries
                for part in parts
                if part.shard == shard.slug
            ]
            answers = "no" if shard.slug in down else "yes"
            table.add_row(shard.slug, shard.state, answers, ", ".join(kept) or "nothing")
    console.print(table if table.row_count else "There is no shard yet.")


@shards.command()
@encoder_option
def split(slug: str | None) -> None:
    """Move a gallery from the catalogue's own server to all shards.

    It is searched all the time; no works can be taken in meanwhile.
    """
    _, database, row = opened(slug)
    with Stopwatch() as watch, errors.status("Moving"):
        layout = splitting.split(database, row)
    click.echo(f"{row.slug} is kept by {', '.join(layout.shards)}; moved in {watch.seconds:.1f} s")


@shards.command()
@encoder_option
def rebalance(slug: str | None) -> None:
    """Spread a gallery evenly over the shards, after one was added; what is moved can be searched all the time."""
    _, database, row = opened(slug)
    with errors.status("Moving"):
        moved = splitting.rebalance(database, row)
    click.echo(f"moved {moved:,} descriptors")


@shards.command()
@encoder_option
def join(slug: str | None) -> None:
    """Move a gallery from all shards back to the catalogue's own server.

    It is searched all the time; no works can be taken in meanwhile.
    """
    _, database, row = opened(slug)
    with Stopwatch() as watch, errors.status("Moving"):
        joining.join(database, row)
    click.echo(f"{row.slug} is kept by the catalogue's own server; moved in {watch.seconds:.1f} s")


@shards.command()
@click.argument("name")
def drain(name: str) -> None:
    """Move all that the shard NAME keeps to the others, and give it nothing any more."""
    database = open_database(get_settings())
    with database.session() as session:
        rows = encoders.all_kept(session)
    with errors.status("Moving"):
        moved = splitting.drain(database, name, rows)
    click.echo(f"moved {moved:,} descriptors; 'stylesearch shards remove {name}' forgets it")


@shards.command()
@click.argument("name")
def remove(name: str) -> None:
    """Forget the shard NAME, which keeps nothing any more."""
    with open_database(get_settings()).session() as session:
        known.remove(session, name)
    click.echo(f"{name} is forgotten")
