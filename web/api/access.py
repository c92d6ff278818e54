"""Who asks, and what they may: the one place of the API that knows."""

from __future__ import annotations

from http import HTTPStatus

from flask import request

from stylesearch.catalog.access import Access
from web.api.problems import RefusedError
from web.api.scopes import SCOPES, Scope
from web.runs import comes_from_here
from web.services import services

ANONYMOUS: frozenset[Scope] = frozenset(["read", "report"])
"""What anybody may, as on the portal's pages."""


def authorise(scope: Scope | None) -> None:
    """Let a request pass, or not.

    Raises
    ------
    RefusedError
        401, ``no_token`` or ``bad_token``.
    """
    if "Authorization" in request.headers:
        raise _unauthorised(
            "The token is not known here.", hint="Ask without one, or with another.", code="bad_token"
        )
    if scope is None or scope in ANONYMOUS or _is_at_the_machine(scope):
        return
    raise _unauthorised(
        f"A token of the scope {scope!r} is needed here. It is for this: {SCOPES[scope]}",
        hint="Send one as 'Authorization: Bearer TOKEN'.",
        code="no_token",
    )


def current() -> Access:
    """Return on whose behalf the catalogue is asked."""
    return Access.EVERYBODY


def _is_at_the_machine(scope: Scope) -> bool:
    """Whether a request is of the kind that may see the pages on ingest runs."""
    return scope == "ingest" and services().settings.web_runs and comes_from_here()


def _unauthorised(message: str, *, hint: str, code: str) -> RefusedError:
    challenge = 'Bearer realm="stylesearch"'
    if code == "bad_token":
        challenge += ', error="invalid_token"'
    return RefusedError(
        HTTPStatus.UNAUTHORIZED, message, hint=hint, code=code, headers={"WWW-Authenticate": challenge}
    )
