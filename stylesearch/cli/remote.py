"""What commands have in common that ask another server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from stylesearch.errors import NotFoundError
from stylesearch.settings import get_settings

if TYPE_CHECKING:
    from stylesearch.client import Client
    from stylesearch.wire.runs import RunTold

server_option = click.option(
    "--server",
    metavar="URL",
    help="Ask the API of this server instead of the local archive; STYLESEARCH_API_TOKEN may hold a token for it.",
)


@contextmanager
def client_of(server: str) -> Iterator[Client]:
    """Open a client of a server, with the token of the settings.

    Raises
    ------
    InputError
        If that is no address of a server, or one that the token should not be sent to.
    """
    from stylesearch.client import Client

    token = get_settings().api_token
    with Client(server, token=None if token is None else token.get_secret_value()) as client:
        yield client


def run_there(client: Client, run: int | None) -> RunTold:
    """Return a run of a server, by default the newest.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    if run is not None:
        return client.run(run)
    newest = next(client.runs(), None)
    if newest is None:
        raise NotFoundError("There is no ingest run there yet.", hint="Begin one first.", code="unknown_run")
    return newest
