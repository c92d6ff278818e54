"""``stylesearch encoders backfill``, ``activate`` and ``retire``: from one encoder to the next, without a pause."""

from __future__ import annotations

import click
from sqlalchemy import select

from stylesearch.catalog import indexes, upgrades
from stylesearch.catalog.database import open_database
from stylesearch.catalog.works import Collection
from stylesearch.cli.taking import Hands, carry_out, hands_options
from stylesearch.encoders.registry import configured_encoder
from stylesearch.images.store import open_store
from stylesearch.ingest.run import Into, open_run
from stylesearch.ingest.sources.registry import build_source
from stylesearch.search.proving import prove
from stylesearch.settings import get_settings


@click.command()
@click.argument("slug")
@hands_options
def backfill(slug: str, hands: Hands) -> None:
    """Describe all images of the catalogue with the encoder SLUG, beside the one that serves.

    Images are read from the image store. An interrupted backfill goes on when the same command is given again; what has
    come into the catalogue meanwhile is described by giving it once more.
    """
    settings = get_settings()
    spec = configured_encoder(settings, slug).spec
    database = open_database(settings)
    with database.session() as session:
        collections = session.scalars(select(Collection.slug).order_by(Collection.id)).all()
    for collection in collections:
        options = {"collection": collection, "encoder": slug}
        source = build_source("backfill", options, settings)
        with database.session() as session:
            run, resumed = open_run(session, source, Into(collection), spec=spec, options=options)
        click.echo(f"{collection}: {'going on with ' if resumed else ''}run {run.id}")
        carry_out(settings, database, run.id, source, hands)
    if hands.detach:
        return
    with database.session() as session:
        row = upgrades.by_slug(session, slug)
        indexes.build_index(session, row)
        missing = upgrades.undescribed(session, row)
    click.echo(
        f"{missing:,} images are still to be described"
        if missing
        else f"'stylesearch encoders activate {slug}' is next"
    )


@click.command()
@click.argument("slug")
def activate(slug: str) -> None:
    """Answer searches with the encoder SLUG from now on, once its gallery has been proved.

    It must hold every image, have an index that finds what an exact search finds, and give the same descriptors here as
    those that are stored. Portals and workers that are running take it up with the next request or run.
    """
    settings = get_settings()
    database = open_database(settings)
    encoder = configured_encoder(settings, slug)
    with database.session() as session:
        row = upgrades.by_slug(session, slug)
        indexes.build_index(session, row)
    with database.session() as session:
        proof = prove(session, row, encoder, open_store(settings), settings)
        upgrades.activate(session, row)
    click.echo(
        f"{slug} serves: {proof.descriptors:,} descriptors, recall {proof.recall:.3f}, canary {proof.canary:.4f}"
    )


@click.command()
@click.argument("slug")
def retire(slug: str) -> None:
    """Let go of the descriptors and the index of the encoder SLUG, which no longer serves.

    Reports that were made with it stay as they are.
    """
    database = open_database(get_settings())
    with database.session() as session:
        upgrades.retire(session, upgrades.by_slug(session, slug))
    upgrades.drop_soon(database)
    click.echo(f"{slug} is retired")
