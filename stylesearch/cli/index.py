"""``stylesearch index``: the indexes of a gallery, and what is measured of it for searches."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click
from rich.table import Table
from sqlalchemy.orm import Session

from stylesearch.catalog import densities, encoders, indexes, shards, upgrades, whitening
from stylesearch.catalog.database import Database, open_database
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.hnsw import KINDS, Kind
from stylesearch.catalog.index_states import GalleryState, IndexState, state
from stylesearch.catalog.part_indexes import PartState
from stylesearch.cli.progress import Stopwatch, console, errors
from stylesearch.errors import ServiceError
from stylesearch.search import recall
from stylesearch.search.engine import not_parted
from stylesearch.settings import Settings, get_settings

MIB = 1024**2


def encoder_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command be told whose gallery is meant."""
    return click.option("--encoder", "slug", metavar="SLUG", help="Default: the encoder that serves.")(
        command
    )


def kind_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command be told which index is meant."""
    return click.option(
        "--kind",
        type=click.Choice(KINDS),
        default="hnsw",
        show_default=True,
        help="On the descriptors, or on their signs alone.",
    )(command)


def opened(slug: str | None) -> tuple[Settings, Database, EncoderRow]:
    """Return the settings, the database, and the encoder that is named or serves."""
    settings = get_settings()
    database = open_database(settings)
    with database.session() as session:
        return settings, database, _encoder(session, slug, settings.encoder)


def _encoder(session: Session, slug: str | None, configured: str) -> EncoderRow:
    """Return the encoder that is named, or the one that serves: that was activated, or that of the settings."""
    if slug is not None:
        return upgrades.by_slug(session, slug)
    return encoders.active(session, upgrades.serving_slug(session) or configured)


@click.group()
def index() -> None:
    """Build the index that makes large galleries quick, and look after it."""


@index.command()
@encoder_option
@kind_option
def build(slug: str | None, kind: Kind) -> None:
    """Build an index where it is missing, while others search and write.

    One that was left half-built is taken away first. The first run of a gallery builds its index by itself. Of a gallery that
    is split, each shard builds its own.
    """
    _, database, row = opened(slug)
    with Stopwatch() as watch, errors.status("Building the index"):
        built = indexes.build_index_beside(database, row, kind)
    click.echo(f"built in {watch.seconds:.1f} s" if built else "already there")


@index.command()
@encoder_option
@kind_option
def rebuild(slug: str | None, kind: Kind) -> None:
    """Build an index anew, without what was deleted, while others search and write."""
    _, database, row = opened(slug)
    with Stopwatch() as watch, errors.status("Building the index"):
        indexes.rebuild_index(database, row, kind)
    click.echo(f"rebuilt in {watch.seconds:.1f} s")


@index.command()
@encoder_option
@kind_option
@click.option(
    "--sample",
    type=click.IntRange(1, 10_000),
    default=recall.SAMPLE,
    show_default=True,
    help="How many searches to compare.",
)
@click.option(
    "--least",
    type=click.FloatRange(0, 1),
    default=0.95,
    show_default=True,
    help="Exit with 1 where less of the nearest are found.",
)
def verify(slug: str | None, kind: Kind, sample: int, least: float) -> None:
    """Compare what an index finds with what an exact search finds.

    Workers do the same once a day, and /metrics tells what came of it.
    """
    settings, database, row = opened(slug)
    with errors.status("Comparing"), database.session() as session:
        found = recall.measure(session, row, settings, kind=kind, sample=sample)
    click.echo(f"recall {found.share:.3f} of the {found.k} nearest, over {found.sample} searches")
    if found.share < least:
        raise ServiceError(
            f"The index of {row.slug!r} finds less than {least:g} of what it should.",
            hint="Raise STYLESEARCH_SEARCH_EF, or run 'stylesearch index rebuild'.",
            code="recall_low",
        )


@index.command()
@encoder_option
def warm(slug: str | None) -> None:
    """Read a gallery and its indexes into the database's memory, as after a restart."""
    _, database, row = opened(slug)
    with Stopwatch() as watch, errors.status("Reading"), database.session() as session:
        size = indexes.warm(session, row)
    click.echo(f"read {size / MIB:,.1f} MiB in {watch.seconds:.1f} s")


@index.command()
@encoder_option
@click.option(
    "--seconds", type=float, default=3600.0, show_default=True, help="How long to go on for at most."
)
def measure(slug: str | None, seconds: float) -> None:
    """Measure what the readouts csls and whitened need to know of a gallery.

    For csls, how crowded it is around each descriptor; for whitened, how the gallery spreads. Workers do the same in the
    background; this does it now.
    """
    _, database, row = opened(slug)
    with database.session() as session:
        if shards.parts(session, row.partition):
            raise not_parted("csls")
    with errors.status("Measuring"):
        crowding = densities.refresh(database, row, seconds=seconds)
        lengths = whitening.refresh(database, row)
    click.echo(f"csls: {crowding:,} measured; whitened: {lengths:,} measured")


@index.command()
@encoder_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(slug: str | None, as_json: bool) -> None:
    """Say how large a gallery and its indexes are, and whether they are whole."""
    _, database, row = opened(slug)
    with database.session() as session:
        found = state(session, row)
    if as_json:
        click.echo(json.dumps(asdict(found), default=str, indent=2))
        return
    click.echo(
        f"{found.slug} ({found.status}): about {found.rows:,} descriptors of {found.dim} numbers,"
        f" {found.size_bytes / MIB:,.1f} MiB{f', split over {len(found.parts)} shards' if found.parts else ''}"
    )
    if found.parts:
        console.print(_table_of_parts(found.parts))
    console.print(_table(found) if found.indexes else "no index: 'stylesearch index build' builds one")
    if found.worn:
        click.echo(
            f"{found.dead_share:.0%} of the descriptors are dead: 'stylesearch index rebuild' leaves them out"
        )


def _table(found: GalleryState) -> Table:
    table = Table("Index", "MiB", "State", "Recall", "Measured")
    for one in found.indexes:
        table.add_row(
            one.kind, f"{one.size_bytes / MIB:,.1f}",
            _standing(one) if one.valid or not found.parts else "not whole on each shard",
            "" if one.recall is None else f"{one.recall:.3f}",
            "" if one.measured_at is None else f"{one.measured_at:%Y-%m-%d %H:%M}",
        )  # fmt: skip
    return table


def _table_of_parts(parts: tuple[PartState, ...]) -> Table:
    table = Table("Shard", "Descriptors", "MiB", "Its index", "MiB")
    for one in parts:
        sizes = [f"{size / MIB:,.1f}" if one.answers else "" for size in (one.size_bytes, one.index_bytes)]
        standing = _standing(one) if one.answers else "not known: the shard does not answer"
        table.add_row(one.shard, f"about {one.rows:,}", sizes[0], standing, sizes[1])
    return table


def _standing(one: IndexState | PartState) -> str:
    if one.built is not None:
        return f"being built: {one.built:.0%}"
    if isinstance(one, PartState) and not one.index_bytes:
        return "none: 'stylesearch index build' builds it"
    return "whole" if one.valid else "half-built: 'stylesearch index build' begins anew"
