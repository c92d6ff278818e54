"""``stylesearch report``: whose style an image resembles, and under what rights."""

from __future__ import annotations

import json
from pathlib import Path

import click

from stylesearch.attribution.render import render_html
from stylesearch.attribution.report import ReportMaker
from stylesearch.catalog.database import open_database
from stylesearch.cli.search import filter_of, read_image, where_option
from stylesearch.errors import ServiceError
from stylesearch.images.store import open_store
from stylesearch.search.filters import EVERYTHING, Filter
from stylesearch.search.service import StyleSearch
from stylesearch.settings import Settings, get_settings


@click.command()
@click.argument("image", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder for the two files; default: this one.",
)
@where_option
def report(image: Path, out: Path, where: tuple[str, ...]) -> None:
    """Report on IMAGE: writes NAME.report.json and NAME.report.html, and keeps the report in the catalogue."""
    settings = get_settings()
    written = write_report(settings, image, out, filter_of(where))
    for path in written:
        click.echo(path)


def write_report(settings: Settings, image: Path, out: Path, where: Filter = EVERYTHING) -> tuple[Path, Path]:
    """Make a report on an image file; return the paths of its JSON and its HTML.

    Raises
    ------
    StylesearchError
        If the image cannot be taken, the gallery is empty, or the files cannot be written.
    """
    data = read_image(image, max_bytes=settings.max_file_bytes)
    store = open_store(settings)
    saved = ReportMaker(StyleSearch(open_database(settings), settings), store).make(
        data, name=image.name, where=where
    )
    as_json, as_html = out / f"{image.stem}.report.json", out / f"{image.stem}.report.html"
    try:
        out.mkdir(parents=True, exist_ok=True)
        _write(as_json, json.dumps(saved.document, ensure_ascii=False, indent=2) + "\n")
        _write(as_html, render_html(saved.document, store))
    except OSError as error:
        raise ServiceError(
            f"{error.filename or out} cannot be written: {error.strerror}.",
            hint="Name another place with --out.",
            code="not_writable",
        ) from error
    return as_json, as_html


def _write(path: Path, text: str) -> None:
    half_made = path.with_name(f"{path.name}.part")
    try:
        half_made.write_text(text, encoding="utf-8")
        half_made.replace(path)
    finally:
        half_made.unlink(missing_ok=True)
