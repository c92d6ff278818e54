"""``stylesearch ingest iiif``: take in IIIF manifests."""

from __future__ import annotations

import click

from stylesearch.cli.ingest_there import take_in_there
from stylesearch.cli.remote import server_option
from stylesearch.cli.taking import Taking, collection_options, run_source
from stylesearch.ingest.sources.iiif import SIDE
from stylesearch.settings import get_settings


@click.command()
@click.argument("url")
@click.option(
    "--size",
    "side",
    type=click.IntRange(64, 10_000),
    default=SIDE,
    show_default=True,
    help="Longest side of the images that are asked for, in pixels.",
)
@click.option("--first-canvas", is_flag=True, help="Take only the first image of each manifest.")
@click.option(
    "--language",
    "languages",
    multiple=True,
    default=("en",),
    show_default="en",
    metavar="TAG",
    help="Language to take of several, such as de; the first that is there counts.",
)
@server_option
@collection_options
def iiif(
    url: str,
    side: int,
    first_canvas: bool,
    languages: tuple[str, ...],
    server: str | None,
    taking: Taking,
) -> None:
    """Take in the IIIF manifest or collection at URL, of the Presentation API 2 or 3.

    Images are asked for in the size that is needed, where the server can scale them.
    """
    if server is not None:
        asked = {"url": url, "side": side, "first_image": first_canvas, "languages": list(languages)}
        take_in_there(server, "iiif", asked, taking)
        return
    options = {
        "url": url,
        "side": side,
        "canvases": "first" if first_canvas else "all",
        "languages": list(languages),
    }
    run_source(get_settings(), "iiif", options, taking)
