"""``stylesearch demo``: the whole path from a collection to a search page and a report."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from stylesearch.attribution.calibrating import calibrate_gallery, of_gallery
from stylesearch.attribution.gallery import read_gallery
from stylesearch.catalog.database import open_database
from stylesearch.cli.ingest_folder import folder_options
from stylesearch.cli.progress import errors, progress_bar
from stylesearch.cli.report import write_report
from stylesearch.cli.search import show
from stylesearch.cli.taking import Taking, run_source
from stylesearch.demo import openclipart
from stylesearch.demo.drawings import draw_collection
from stylesearch.errors import InputError, ServiceError
from stylesearch.ingest.run import Into
from stylesearch.ingest.sources.folder import FolderSource
from stylesearch.search.query import StyleQuery
from stylesearch.search.service import StyleSearch
from stylesearch.settings import Settings, get_settings

DEFAULT_WORKS = 1500


@dataclass(frozen=True, slots=True)
class DemoCollection:
    """What the demonstration takes in.

    Attributes
    ----------
    only:
        Source ids to take in, all if ``None``.
    example:
        The file to search with, kept out of the collection where there are more files than are taken in.
    """

    slug: str
    title: str
    provider: str
    folder: Path
    only: frozenset[str] | None
    example: Path


@click.command()
@click.option(
    "--works",
    type=click.IntRange(10),
    default=DEFAULT_WORKS,
    show_default=True,
    help="How many works to take in.",
)
@click.option("--all", "every", is_flag=True, help="Take in the whole collection.")
@click.option(
    "--drawn", is_flag=True, help="Use the collection drawn by stylesearch itself, without any download."
)
@click.option(
    "--serve/--no-serve", default=True, show_default=True, help="Serve the portal at the end, until Ctrl-C."
)
@click.pass_context
def demo(ctx: click.Context, works: int, every: bool, drawn: bool, serve: bool) -> None:
    """Take in a collection, search it, report on it and serve it.

    The collection is the Open Clip Art Library where this machine can get its Debian package, and otherwise one that
    stylesearch draws itself. A second run takes in nothing twice.
    """
    settings = get_settings()
    if serve:
        _check_port(settings)
    collection = None if drawn else _open_clip_art(settings, None if every else works)
    collection = collection or _drawn(settings)
    click.echo(f"data folder: {settings.home}")
    click.echo(f"collection: {collection.title}, in {collection.folder}")
    open_database(settings)  # holds the local services for all of what follows
    run_source(
        settings,
        "folder",
        folder_options(collection.folder, only=collection.only),
        Taking(Into(collection.slug, collection.title, collection.provider)),
    )
    _calibrate(settings)
    _search_and_report(settings, collection)
    _say_what_next(settings, collection, serve=serve)
    if serve:
        assert ctx.parent is not None
        assert isinstance(ctx.parent.command, click.Group)
        portal = ctx.parent.command.get_command(ctx.parent, "serve")
        assert portal is not None
        ctx.invoke(portal)


def _check_port(settings: Settings) -> None:
    """Find out before the long work whether the portal will have its port."""
    try:
        with socket.create_server((settings.web_host, settings.web_port)):
            return
    except OSError as error:
        raise ServiceError(
            f"The portal cannot listen on {settings.web_host}:{settings.web_port}: {error.strerror}.",
            hint="Set STYLESEARCH_WEB_PORT to another port, or add --no-serve.",
            code="port_in_use",
        ) from error


def _calibrate(settings: Settings) -> None:
    """Calibrate the gallery, if it is not as it was last time; a small one may be too small, and that is said."""
    database = open_database(settings)
    encoder = StyleSearch(database, settings).gallery_encoder
    with database.session(snapshot=True) as session:
        row = encoder(session)
        if of_gallery(session, row, read_gallery(session, row).digest) is not None:
            return
    try:
        with errors.status("Calibrating"):
            calibrate_gallery(database, encoder, check=False)
    except InputError as error:
        errors.print(f"Not calibrated: {error.message}", highlight=False, markup=False)


def _search_and_report(settings: Settings, collection: DemoCollection) -> None:
    style_search = StyleSearch(open_database(settings), settings)
    click.echo(f"\nThe ten works nearest in style to {collection.example}:")
    described = style_search.describe(collection.example.read_bytes())
    show(style_search.search(StyleQuery(examples=(described.example,), k=10), at_hand=[described]))
    for path in write_report(settings, collection.example, settings.home / "demo"):
        click.echo(f"report: {path}")


def _say_what_next(settings: Settings, collection: DemoCollection, *, serve: bool) -> None:
    command = _own_command()
    click.echo("\nWhat to try next:")
    click.echo(f"  {command} search {collection.example} -w reuse:open --sheet sheet.png")
    click.echo(f"  {command} ingest folder YOUR/IMAGES --collection my-collection --license CC-BY-4.0")
    click.echo(f"  {command} ingest errors")
    click.echo(f"  {command} doctor")
    if not serve:
        click.echo(f"  {command} serve      # the portal, on http://{settings.web_host}:{settings.web_port}")


def _own_command() -> str:
    """Return what a person types to call us: the bare name where the shell would find us by it."""
    ours = Path(sys.executable).with_name("stylesearch")
    found = shutil.which("stylesearch")
    if found is not None and Path(found).resolve() == ours.resolve():
        return "stylesearch"
    return os.path.relpath(ours) if ours.is_relative_to(Path.cwd()) else str(ours)


def _open_clip_art(settings: Settings, works: int | None) -> DemoCollection | None:
    with errors.status("Fetching the Open Clip Art Library (25 MB)"):
        folder = openclipart.fetch(settings.home / "cache" / "openclipart")
    if folder is None:
        errors.print(
            "The Open Clip Art Library cannot be had here; drawing a collection instead.", highlight=False
        )
        return None
    files = openclipart.sample(folder, works + 1 if works else len(openclipart.sample(folder, 10**9)))
    taken = files[:works] if works else files
    source = FolderSource(folder)
    return DemoCollection(
        slug="open-clip-art",
        title="Open Clip Art Library",
        provider="openclipart.org",
        folder=folder,
        only=frozenset(source.source_id(path) for path in taken) if works else None,
        example=files[-1],
    )


def _drawn(settings: Settings) -> DemoCollection:
    folder = settings.home / "cache" / "drawn"
    with progress_bar("Drawing", "pictures") as bar:
        draw_collection(folder, progress=bar)
    return DemoCollection(
        slug="drawn",
        title="Drawn by stylesearch",
        provider="stylesearch",
        folder=folder,
        only=None,
        example=min(folder.rglob("*.svg")),
    )
