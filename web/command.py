"""The command that runs the portal."""

from __future__ import annotations

import errno
import logging
import signal
import socket
import threading
from contextlib import ExitStack
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
    with ExitStack() as resources:
        # The address comes first: whether it can be had is known at once, a database takes a while to start.
        sockets = bind(
            settings.web_host if host is None else host, settings.web_port if port is None else port
        )
        for one in sockets:
            resources.enter_context(one)
        app = create_app(settings)
        resources.callback(services(app).database.close)
        server = waitress_server(app, sockets)
        resources.callback(server.close)
        for number in (signal.SIGTERM, signal.SIGINT):  # a shell may have begun us with the latter ignored
            signal.signal(number, _stop)
        if not no_warm:
            threading.Thread(target=_warm, args=(app,), name="warm-up").start()
        for one in sockets:
            click.echo(f"The portal listens on {url_of(one)} (Ctrl-C stops it).")
        server.run()  # returns on Ctrl-C and SIGTERM, when the requests under way are answered
    click.echo("The portal has stopped.")


def bind(host: str, port: int) -> list[socket.socket]:
    """Return a listening socket for each address of a host.

    Raises
    ------
    StylesearchError
        If one cannot be listened on; then none is left open.
    """
    bound: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
            bound.append(socket.create_server(address[:2], family=family))
    except OSError as error:
        for one in bound:
            one.close()
        raise _explain(error, host, port) from None
    return bound


def url_of(listening: socket.socket) -> str:
    """Return the URL that a socket answers."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def waitress_server(app: Flask, sockets: list[socket.socket]) -> Any:
    """Return a waitress server on some sockets."""
    settings = services(app).settings
    # That a request waits for a moment is nothing that the person at the terminal can do about.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    return waitress.create_server(
        app,
        sockets=sockets,
        threads=settings.web_threads,
        ident=None,
        max_request_body_size=settings.max_upload_bytes * SLACK,
        clear_untrusted_proxy_headers=settings.web_trusted_proxy
        is None,  # else the app tells whom to believe
    )


def _explain(error: OSError, host: str, port: int) -> StylesearchError:
    if error.errno == errno.EADDRINUSE:
        return StylesearchError(
            f"Something else listens on port {port} of {host} already.",
            hint=f"Choose another with --port {port + 1 if port < 65535 else 8080}.",
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


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _warm(app: Flask) -> None:
    """Load the encoder, so that the first visitor does not wait for it."""
    try:
        encode_checked(services(app).style_search.encoder, [np.zeros((320, 320, 3), np.uint8)])
    except StylesearchError as error:
        log.warning("the encoder cannot be loaded yet: %s", error)
