"""What keeps the portal safe: headers, the secret key, cookies, form tokens, and whom to believe about proxies."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, Response
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from stylesearch.errors import ServiceError
from stylesearch.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
UNTRUSTED_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""For files that others made: they may look as they like, and do nothing."""
REPORT_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # form tokens need the referrer over TLS; nobody else is told
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
KEY_FILE = "web_secret_key"
FORM_ROOM = 64 * 1024
"""Bytes a form may have beside its file."""

csrf = CSRFProtect()


def secure(app: Flask, settings: Settings) -> None:
    """Set up an app's keys, cookies, limits and headers."""
    app.config.update(
        SECRET_KEY=secret_key(settings),
        SESSION_COOKIE_NAME="stylesearch_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.web_trusted_proxy is not None,  # TLS ends at the proxy
        MAX_CONTENT_LENGTH=settings.max_upload_bytes + FORM_ROOM,
        WTF_CSRF_TIME_LIMIT=None,  # a page may stay open overnight; the token ends with the session
    )
    csrf.init_app(app)
    app.after_request(add_headers)
    if settings.web_trusted_proxy is not None:
        app.wsgi_app = TrustedProxy(app.wsgi_app, settings.web_trusted_proxy)  # type: ignore[method-assign]


def add_headers(response: Response) -> Response:
    """Give a response the headers that it does not set itself."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if response.mimetype == "text/html" and "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "private, no-cache"  # pages carry a form token
    return response


def secret_key(settings: Settings) -> str:
    """Return the key that signs sessions: the one that is set, or one made once and kept in the data folder.

    Raises
    ------
    ServiceError
        If it cannot be kept.
    """
    if settings.web_secret_key is not None:
        return settings.web_secret_key.get_secret_value()
    path = settings.home.absolute() / KEY_FILE
    try:
        if not path.exists():
            _make_key(path)
        return path.read_text("ascii").strip()
    except OSError as error:
        raise ServiceError(
            f"The portal's key cannot be kept in {path}: {error.strerror}.",
            hint="Make the folder writable, or set STYLESEARCH_WEB_SECRET_KEY.",
            code="secret_key",
        ) from None


def _make_key(path: Path) -> None:
    """Make a key; of several processes that come at once, all end up with the first one's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{KEY_FILE}.")  # made with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        Path(beside).unlink()


class TrustedProxy:
    """Believes X-Forwarded headers from one address, and from nobody else."""

    def __init__(self, app: WSGIApplication, address: str) -> None:
        self._plain = app
        self._forwarded = ProxyFix(app, x_for=1, x_proto=1, x_host=1)
        self._address = address

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        app = self._forwarded if environ.get("REMOTE_ADDR") == self._address else self._plain
        return app(environ, start_response)
