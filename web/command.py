"""The command that runs the portal."""

from __future__ import annotations

import errno
import logging
import signal
import threading
from types import FrameType
from typing import Any

import click
import numpy as np
import waitress
from flask import Flask

from stylesearch.encoders.registry import encode_checked
from stylesearch.errors import StylesearchError
from stylesearch.settings import get_settings
from web.services import services

SLACK = 8
"""So many times the upload limit is still read, to be answered with a page instead of a closed connection."""

log = logging.getLogger(__name__)


@click.command()
@click.option("--host", help="Address to listen on; default: STYLESEARCH_WEB_HOST.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes a free one; default: STYLESEARCH_WEB_PORT.",
)
@click.option(
    "--no-warm", is_flag=True, help="Load the encoder with the first search instead of at the start."
)
def serve(host: str | None, port: int | None, no_warm: bool) -> None:
    """Run the search portal until Ctrl-C."""
    from web.app import create_app

    settings = get_settings()
    app = create_app(settings)
    server = listen(
        app,
        host=settings.web_host if host is None else host,
        port=settings.web_port if port is None else port,
    )
    signal.signal(signal.SIGTERM, _stop)
    if not no_warm:
        threading.Thread(target=_warm, args=(app,), name="warm-up").start()
    for address in addresses(server):
        click.echo(f"The portal listens on {address} (Ctrl-C stops it).")
    try:
        server.run()  # returns on Ctrl-C and SIGTERM, when the requests under way are answered
    finally:
        server.close()
        services(app).database.close()
    click.echo("The portal has stopped.")


def listen(app: Flask, *, host: str, port: int) -> Any:
    """Return a waitress server that listens.

    Raises
    ------
    StylesearchError
        If the address cannot be listened on.

    """
    settings = services(app).settings
    try:
        return waitress.create_server(
            app,
            host=host,
            port=port,
            threads=settings.web_threads,
            ident=None,
            max_request_body_size=settings.max_upload_bytes * SLACK,
            clear_untrusted_proxy_headers=settings.web_trusted_proxy
            is None,  # else the app tells whom to believe
        )
    except OSError as error:
        raise _explain(error, host, port) from None
    except ValueError:  # waitress: the name of the host leads nowhere
        raise StylesearchError(
            f"{host!r} is no address of this machine.",
            hint="Use --host 127.0.0.1 for this machine alone, --host 0.0.0.0 for everybody.",
            code="bad_host",
        ) from None


def _explain(error: OSError, host: str, port: int) -> StylesearchError:
    if error.errno == errno.EADDRINUSE:
        return StylesearchError(
            f"Something else listens on port {port} of {host} already.",
            hint=f"Choose another with --port {port + 1}.",
            code="port_in_use",
        )
    if error.errno == errno.EACCES:
        return StylesearchError(
            f"Port {port} may not be listened on.",
            hint="Choose one above 1023, with --port 8080.",
            code="port_denied",
        )
    return StylesearchError(
        f"{host}:{port} cannot be listened on: {error.strerror}.",
        hint="Use --host 127.0.0.1 for this machine alone, --host 0.0.0.0 for everybody.",
        code="bad_host",
    )


def addresses(server: Any) -> list[str]:
    """Return the URLs that a server listens on."""
    several = getattr(server, "effective_listen", None)  # a host name with several addresses
    pairs = several if several else [(server.effective_host, server.effective_port)]
    return [f"http://{f'[{host}]' if ':' in host else host}:{port}" for host, port in pairs]


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _warm(app: Flask) -> None:
    """Load the encoder, so that the first visitor does not wait for it."""
    try:
        encode_checked(services(app).style_search.encoder, [np.zeros((320, 320, 3), np.uint8)])
    except StylesearchError as error:
        log.warning("the encoder cannot be loaded yet: %s", error)
