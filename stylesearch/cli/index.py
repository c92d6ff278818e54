"""``stylesearch index``: the HNSW index of the active encoder."""

from __future__ import annotations

import click
from sqlalchemy import text
from sqlalchemy.orm import Session

from stylesearch.catalog import densities, encoders, upgrades
from stylesearch.catalog.database import open_database
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.cli.progress import Stopwatch, errors
from stylesearch.settings import get_settings


def _encoder(session: Session, configured: str) -> EncoderRow:
    """Return the encoder that serves: the one that was activated, or that of the settings."""
    return encoders.active(session, upgrades.serving_slug(session) or configured)


@click.group()
def index() -> None:
    """Build the index that makes large galleries quick, and look at it."""


@index.command()
def build() -> None:
    """Build the index where it is missing, and refresh the planner's statistics."""
    settings = get_settings()
    database = open_database(settings)
    with Stopwatch() as watch, errors.status("Building the index"), database.session() as session:
        built = encoders.build_index(session, _encoder(session, settings.encoder))
    click.echo(f"built in {watch.seconds:.1f} s" if built else "already there")


@index.command("densities")
@click.option(
    "--seconds", type=float, default=3600.0, show_default=True, help="How long to go on for at most."
)
def densities_(seconds: float) -> None:
    """Measure how crowded it is around each descriptor, for searches with the readout csls.

    Workers do the same in the background; this does it now.
    """
    settings = get_settings()
    database = open_database(settings)
    with database.session() as session:
        row = _encoder(session, settings.encoder)
    with errors.status("Measuring"):
        measured = densities.refresh(database, row, seconds=seconds)
    click.echo(f"measured {measured}")


@index.command()
def status() -> None:
    """Say how large the gallery and its index are."""
    settings = get_settings()
    with open_database(settings).session() as session:
        row = _encoder(session, settings.encoder)
        number = session.scalar(text(f"SELECT count(*) FROM {row.partition}"))  # noqa: S608 - a name of ours
        size = session.scalar(
            text("SELECT pg_size_pretty(pg_relation_size(to_regclass(:name)))"), {"name": row.index}
        )
        state = f"index of {size}" if encoders.has_index(session, row) else "no index"
    click.echo(f"{row.slug}: {number} descriptors of {row.dim} numbers, {state}")
