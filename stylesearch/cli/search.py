"""``stylesearch search``: find works near an image in style."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.table import Table

from stylesearch.catalog.database import open_database
from stylesearch.catalog.rights import REUSE_CLASSES
from stylesearch.cli.progress import console, errors
from stylesearch.errors import InputError
from stylesearch.images.store import open_store
from stylesearch.search.contact_sheet import write_contact_sheet
from stylesearch.search.query import MODES, Filters, StyleQuery
from stylesearch.search.service import SearchResult, StyleSearch
from stylesearch.settings import get_settings

Function = TypeVar("Function", bound=Callable[..., Any])


def filter_options(function: Function) -> Function:
    """Add the filters' options; a repeated option adds an alternative."""
    options = [
        click.option("--artist", multiple=True, metavar="NAME", help="Only works by this artist."),
        click.option("--artist-not", multiple=True, metavar="NAME", help="No works by this artist."),
        click.option(
            "--license",
            "license",
            multiple=True,
            metavar="ID",
            help="Only works under this licence: SPDX id or URI.",
        ),
        click.option(
            "--license-reuse",
            "reuse",
            multiple=True,
            type=click.Choice(REUSE_CLASSES),
            help="Only works of this reuse class.",
        ),
        click.option("--collection", multiple=True, metavar="SLUG", help="Only works of this collection."),
        click.option("--year-from", type=int, metavar="YEAR", help="Only works made in this year or later."),
        click.option("--year-to", type=int, metavar="YEAR", help="Only works made in this year or earlier."),
        click.option("--medium", multiple=True, help="Only works in this medium."),
        click.option(
            "--keyword", multiple=True, help="Only works with this keyword; several must all be there."
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def read_image(path: Path, *, max_bytes: int) -> bytes:
    """Return an image file's bytes.

    Raises
    ------
    InputError
        If there is no such file, or it is too large or not readable.
    """
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}.", hint="Check the path.", code="file_unreadable"
        ) from error
    if len(data) > max_bytes:
        raise InputError(
            f"{path} has more than {max_bytes:,} bytes.", hint="Make it smaller.", code="image_too_many_bytes"
        )
    return data


@click.command()
@click.argument("image", type=click.Path(path_type=Path), required=False)
@click.option("--work", type=int, metavar="ID", help="Search with a work of the archive instead of a file.")
@filter_options
@click.option("-k", "--number", type=int, default=10, show_default=True, help="How many works to find.")
@click.option(
    "--mode",
    type=click.Choice(MODES),
    default="auto",
    show_default=True,
    help="Exact, through the index, or whichever suits.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--sheet", type=click.Path(path_type=Path, dir_okay=False), help="Also write a contact sheet to this PNG."
)
def search(
    image: Path | None,
    work: int | None,
    number: int,
    mode: Any,
    as_json: bool,
    sheet: Path | None,
    **filters: Any,
) -> None:
    """Find works near an image in style: IMAGE, or a work with --work.

    \b
    stylesearch search picture.png --license-reuse open --artist-not "Jane Doe"
    stylesearch search --work 12 --year-from 1880 --year-to 1900 --json
    """  # noqa: D301
    if (image is None) == (work is None):
        raise click.UsageError("Give either an IMAGE or --work ID.")
    settings = get_settings()
    query = StyleQuery(filters=Filters.of(**filters), k=number, mode=mode)
    data = read_image(image, max_bytes=settings.max_file_bytes) if image else None
    style_search = StyleSearch(open_database(settings), settings)
    if data is not None:
        result = style_search.by_file(data, query)
    else:
        assert work is not None
        result = style_search.by_work(work, query)
    if as_json:
        click.echo(json.dumps(result_json(result), ensure_ascii=False, indent=2))
    else:
        show(result)
    if sheet is not None:
        write_contact_sheet(result.hits, open_store(settings), sheet)
        errors.print(f"contact sheet: {sheet}", highlight=False)


def show(result: SearchResult) -> None:
    """Print a result as a table."""
    for card in result.copies:
        console.print(
            f"This very file is in the archive: “{card.title}” by {card.artist_text} (work {card.work_id}).",
            highlight=False,
        )
    table = Table(
        "#",
        "Score",
        "Work",
        "Title",
        "Artist",
        "Date",
        "Reuse",
        "License",
        title=result.ranking.sentence,
        title_justify="left",
    )
    for hit in result.hits:
        card = hit.card
        table.add_row(
            str(hit.rank), f"{hit.score:.3f}", str(card.work_id), card.title, card.artist_text, card.date_text or "",
            card.image_rights.reuse, card.image_rights.spdx_id or card.image_rights.label,
        )  # fmt: skip
    console.print(table if result.hits else "Nothing matches.")
    if not result.ranking.complete:
        errors.print("The search was cut short: there may be nearer works.", highlight=False)


def result_json(result: SearchResult) -> dict[str, Any]:
    """Return a result as JSON values."""
    return {
        "query": result.ranking.sentence,
        "encoder": {"slug": result.encoder, "digest": result.encoder_digest},
        "method": result.ranking.method,
        "matching": result.ranking.matching,
        "complete": result.ranking.complete,
        "copies": [card.to_json() for card in result.copies],
        "results": [{"rank": hit.rank, "score": hit.score, **hit.card.to_json()} for hit in result.hits],
    }
