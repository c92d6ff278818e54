"""``stylesearch ingest oai``: harvest works over OAI-PMH."""

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
    "--prefix",
    default="oai_dc",
    show_default=True,
    metavar="NAME",
    help="Metadata format, as the server calls it: oai_dc, edm, lido.",
)
@click.option("--set", "set_", metavar="NAME", help="Set to harvest, instead of all.")
@click.option("--from", "since", metavar="DATE", help="Only what has changed since then, such as 2024-01-31.")
@click.option("--until", metavar="DATE", help="Only what has not changed after then.")
@click.option(
    "--image",
    metavar="ADDRESS",
    help="Address of the image where a record gives none; {id} stands for the last part of its identifier.",
)
@click.option("--first-image", is_flag=True, help="Take only the first image of each record.")
@click.option(
    "--size",
    "side",
    type=click.IntRange(64, 10_000),
    default=SIDE,
    show_default=True,
    help="Longest side of images that a IIIF service scales, in pixels.",
)
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
def oai(
    url: str,
    *,
    prefix: str,
    set_: str | None,
    since: str | None,
    until: str | None,
    image: str | None,
    first_image: bool,
    side: int,
    languages: tuple[str, ...],
    server: str | None,
    taking: Taking,
) -> None:
    """Take in the records of the OAI-PMH server at URL: Dublin Core, EDM or LIDO.

    A harvest that was interrupted goes on where it was, also when the server has forgotten its token.
    """
    if server is not None:
        asked = {
            "url": url,
            "prefix": prefix,
            "set": set_,
            "since": since,
            "until": until,
            "image": image,
            "first_image": first_image,
            "side": side,
            "languages": list(languages),
        }
        take_in_there(server, "oai", asked, taking)
        return
    options = {
        "url": url,
        "prefix": prefix,
        "set_": set_,
        "since": since,
        "until": until,
        "image": image,
        "images": "first" if first_image else "all",
        "side": side,
        "languages": list(languages),
    }
    run_source(get_settings(), "oai", options, taking)
