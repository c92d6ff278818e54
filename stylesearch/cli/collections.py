"""``stylesearch collections``: what there is, and who may see it."""

from __future__ import annotations

import click
from rich.table import Table
from sqlalchemy import func, select

from stylesearch.catalog.access import Access
from stylesearch.catalog.collections import set_visibility
from stylesearch.catalog.database import open_database
from stylesearch.catalog.works import Collection, Work
from stylesearch.cli.progress import console
from stylesearch.cli.remote import client_of, server_option
from stylesearch.settings import get_settings
from stylesearch.wire.collections import CollectionChange


@click.group()
def collections() -> None:
    """List collections, and say who may see them."""


@collections.command("list")
@server_option
def list_(server: str | None) -> None:
    """List collections with their works and who may see them."""
    table = Table("Slug", "Title", "Works", "Seen by")
    if server is not None:
        with client_of(server) as client:
            for one in client.collections():
                table.add_row(one.slug, one.title, f"{one.works:,}", one.visibility)
        console.print(table if table.row_count else "There is no collection to be seen there.")
        return
    number = func.count(Work.id).filter(Work.withdrawn_at.is_(None))
    with open_database(get_settings()).session() as session:
        rows = session.execute(
            select(Collection.slug, Collection.title, number, Collection.visibility)
            .outerjoin(Work, Work.collection_id == Collection.id)
            .group_by(Collection.id)
            .order_by(Collection.slug)
        )
        for slug, title, works, visibility in rows:
            table.add_row(slug, title, f"{works:,}", visibility)
    console.print(table if table.row_count else "There is no collection yet.")


@collections.command()
@click.argument("slug")
@click.argument("who", type=click.Choice([one.value for one in Access]))
@server_option
def visibility(slug: str, who: str, server: str | None) -> None:
    """Say who may see the collection SLUG: everybody, viewers and the staff, or the staff alone."""
    if server is not None:
        with client_of(server) as client:
            client.change_collection(slug, CollectionChange.model_validate({"visibility": who}))
        click.echo(f"{slug}: seen by {who}")
        return
    with open_database(get_settings()).session() as session:
        set_visibility(session, slug, Access(who))
    click.echo(f"{slug}: seen by {who}")
