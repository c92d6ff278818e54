"""``stylesearch search``: find works near an image in style."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import click

from stylesearch.catalog.access import Access
from stylesearch.catalog.database import open_database
from stylesearch.cli.progress import console, errors
from stylesearch.cli.remote import server_option
from stylesearch.cli.results import hits_table, reason_text
from stylesearch.cli.search_there import search_there
from stylesearch.errors import InputError
from stylesearch.images.store import open_store
from stylesearch.search.contact_sheet import write_contact_sheet
from stylesearch.search.cursor import Cursor
from stylesearch.search.examples import WorkExample, parse_example
from stylesearch.search.filters import Filter, every
from stylesearch.search.grammar import parse
from stylesearch.search.query import MODES, StyleQuery
from stylesearch.search.readout import USUAL, Against, Fusion, Measure, Readout
from stylesearch.search.service import SearchResult, StyleSearch, through_retirement
from stylesearch.settings import get_settings

where_option = click.option(
    "-w",
    "--where",
    multiple=True,
    metavar="FILTER",
    help="Only works that a filter lets through, as docs/search.md says; several must all hold.",
)


def filter_of(where: Sequence[str]) -> Filter:
    """Return the filter that lines of a command's option stand for.

    Raises
    ------
    InputError
        If a line cannot be read; it points at the place.
    """
    return every(*map(parse, where))


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
@click.argument("images", metavar="[IMAGE]...", type=click.Path(path_type=Path), nargs=-1)
@click.option(
    "--work", "works", type=int, multiple=True, metavar="ID", help="Search with a work of the archive."
)
@click.option(
    "--like",
    multiple=True,
    metavar="EXAMPLE",
    help="Search with image:ID, work:ID, artist:NAME or words:TEXT; behind it @left,top,width,height for a part of an image,"
    " ^2 for twice the weight.",
)
@click.option(
    "--unlike",
    multiple=True,
    metavar="EXAMPLE",
    help="What works should not be like, in the same way, or a file.",
)
@where_option
@click.option("-k", "--number", type=int, default=10, show_default=True, help="How many works to find.")
@click.option("--after", metavar="PLACE", help="Go on behind a page: what --json prints as next.")
@click.option("--per-artist", type=int, metavar="NUMBER", help="Show at most so many works by one artist.")
@click.option(
    "--readout",
    "measure",
    type=click.Choice(get_args(Measure)),
    default=USUAL.measure,
    show_default=True,
    help="How scores are measured.",
)
@click.option(
    "--fusion",
    type=click.Choice(get_args(Fusion)),
    default=USUAL.fusion,
    show_default=True,
    help="What is made of several examples: their mean, or their rankings joined.",
)
@click.option(
    "--against",
    type=click.Choice(get_args(Against)),
    default=USUAL.against,
    show_default=True,
    help="How --unlike counts: subtracted, or as a margin to be kept.",
)
@click.option("--encoder", metavar="SLUG", help="Whose gallery to search; default: the one that serves.")
@click.option(
    "--mode",
    type=click.Choice(MODES),
    default="auto",
    show_default=True,
    help="Exact, through an index, or whichever suits.",
)
@click.option("--staff", is_flag=True, help="Search what only the staff may see as well.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--sheet", type=click.Path(path_type=Path, dir_okay=False), help="Also write a contact sheet to this PNG."
)
@server_option
def search(
    *,
    images: tuple[Path, ...],
    works: tuple[int, ...],
    like: tuple[str, ...],
    unlike: tuple[str, ...],
    where: tuple[str, ...],
    number: int,
    after: str | None,
    per_artist: int | None,
    measure: Any,
    fusion: Any,
    against: Any,
    encoder: str | None,
    mode: Any,
    staff: bool,
    as_json: bool,
    sheet: Path | None,
    server: str | None,
) -> None:
    """Find works near an image in style, or near several: IMAGE, works with --work, and others with --like.

    \b
    stylesearch search picture.png -w 'reuse:open -artist:"Jane Doe"'
    stylesearch search --work 12 -w year:1880..1900 --json
    stylesearch search --like "artist:Jane Doe" --unlike work:12 --per-artist 2
    """  # noqa: D301
    if not (images or works or like):
        raise click.UsageError("Give an IMAGE, --work ID or --like EXAMPLE.")
    settings = get_settings()
    query = StyleQuery(
        where=filter_of(where),
        readout=Readout(measure=measure, fusion=fusion, against=against),
        k=number,
        per_artist=per_artist,
        encoder=encoder,
        mode=mode,
    )
    named = [*((text, False) for text in like), *((text, True) for text in unlike)]
    read = [(parse_example(text, against=against), text, against) for text, against in named]
    paths = [
        *((path, False) for path in images),
        *((Path(text), against) for one, text, against in read if one is None),
    ]
    files = [(read_image(path, max_bytes=settings.max_file_bytes), against) for path, against in paths]
    if server is not None:
        if staff or sheet is not None:
            raise click.UsageError("--server goes with neither --staff nor --sheet.")
        named_examples = (*map(WorkExample, works), *(one for one, _, _ in read if one is not None))
        search_there(server, query, named_examples, files, after=after, as_json=as_json)
        return
    access = Access.STAFF if staff else Access.EVERYBODY
    style_search = StyleSearch(open_database(settings), settings, access=access)

    def ask() -> SearchResult:
        described = [(style_search.describe(data, encoder=encoder), against) for data, against in files]
        asked = query.with_(
            examples=(
                *map(WorkExample, works),
                *(one for one, _, _ in read if one is not None),
                *(replace(one.example, against=against) for one, against in described),
            )
        )
        if after is not None:
            asked = asked.with_(after=Cursor.parse(after))
        return style_search.search(asked, at_hand=[one for one, _ in described])

    result = through_retirement(ask)
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
    rows = [
        (
            hit.rank, hit.score, hit.card.work_id, hit.card.title, hit.card.artist_text, hit.card.date_text,
            hit.card.image_rights.reuse, hit.card.image_rights.spdx_id or hit.card.image_rights.label,
        )
        for hit in result.hits
    ]  # fmt: skip
    console.print(hits_table(result.ranking.sentence, rows) if rows else "Nothing matches.")
    if not result.ranking.complete:
        errors.print(reason_text(result.ranking.reason), highlight=False)
    if result.following is not None:
        console.print(f"more: --after {result.following.after}", highlight=False, soft_wrap=True)


def result_json(result: SearchResult) -> dict[str, Any]:
    """Return a result as JSON values."""
    return {
        "query": result.ranking.sentence,
        "encoder": {"slug": result.encoder, "digest": result.encoder_digest},
        "method": result.ranking.method,
        "matching": result.ranking.matching,
        "complete": result.ranking.complete,
        "reason": result.ranking.reason,
        "next": str(result.following.after) if result.following else None,
        "copies": [card.to_json() for card in result.copies],
        "results": [{"rank": hit.rank, "score": hit.score, **hit.card.to_json()} for hit in result.hits],
    }
