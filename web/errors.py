"""Errors as pages that say what happened and what to do, or as problem documents (RFC 9457)."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus

from flask import Flask, Response, json, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError, RequestEntityTooLarge

from stylesearch.accounts.roles import Role
from stylesearch.catalog.versions import ChangedMeanwhileError
from stylesearch.errors import (
    ConflictError,
    DeniedError,
    ImageError,
    InputError,
    NotFoundError,
    ServiceError,
    SignInError,
    StylesearchError,
)
from web.fetching import FetchingError
from web.identity import current, is_api
from web.messages import lazy_gettext
from web.rates import TooManyError
from web.services import services
from web.told import in_their_language

PROBLEM = "application/problem+json"
RETRY_SECONDS = 10
_STATUS = (
    (ImageError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (InputError, HTTPStatus.BAD_REQUEST),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (FetchingError, HTTPStatus.BAD_GATEWAY),
    (ServiceError, HTTPStatus.SERVICE_UNAVAILABLE),
    (SignInError, HTTPStatus.UNAUTHORIZED),
    (DeniedError, HTTPStatus.FORBIDDEN),
    (ConflictError, HTTPStatus.CONFLICT),
    (TooManyError, HTTPStatus.TOO_MANY_REQUESTS),
)
_HEADINGS = {
    400: lazy_gettext("That does not work"),
    401: lazy_gettext("Sign in"),
    403: lazy_gettext("Not for you"),
    404: lazy_gettext("Nothing here"),
    405: lazy_gettext("Not this way"),
    409: lazy_gettext("Changed meanwhile"),
    413: lazy_gettext("Too large"),
    422: lazy_gettext("This image cannot be used"),
    429: lazy_gettext("One moment"),
    500: lazy_gettext("Something went wrong here"),
    502: lazy_gettext("Another server does not answer"),
    503: lazy_gettext("Out of order for the moment"),
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, ready to be shown.

    Attributes
    ----------
    retry_after:
        In how many seconds to try again, where that is known.
    changed:
        What somebody else has changed meanwhile.
    faults:
        Places of a request that cannot be used, each with why.
    """

    status: int
    message: str
    hint: str
    code: str
    detail: str = ""
    retry_after: int | None = None
    changed: ChangedMeanwhileError | None = None
    faults: tuple[tuple[str, str], ...] = ()

    @property
    def heading(self) -> str:
        """The page's heading."""
        return str(_HEADINGS.get(self.status, HTTPStatus(self.status).phrase))

    @property
    def told(self) -> Problem:
        """The problem in the visitor's language."""
        message, hint = in_their_language(self.code, self.message, self.hint)
        return replace(self, message=message, hint=hint)


def register(app: Flask) -> None:
    """Let an app answer errors."""
    app.config["PROPAGATE_EXCEPTIONS"] = False  # in tests too: nobody is ever shown a stack trace
    app.register_error_handler(StylesearchError, _library_error)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(InternalServerError, _own_fault)
    app.register_error_handler(HTTPException, _http_error)


def status_of(error: StylesearchError) -> int:
    """Return the HTTP status of an error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def wants_page() -> bool:
    """Whether the client would rather have a page than a problem document."""
    if is_api():
        return False
    wanted = request.accept_mimetypes.best_match(["text/html", PROBLEM, "application/json"])
    return wanted in (None, "text/html")


def answer(problem: Problem) -> Response:
    """Return a problem as the client prefers it."""
    if wants_page():
        response = Response(render_template("error.html", problem=problem.told), status=problem.status)
    else:
        body: dict[str, object] = {
            "type": "about:blank",
            "title": HTTPStatus(problem.status).phrase,
            "status": problem.status,
            "detail": problem.message,
            "hint": problem.hint,
            "code": problem.code,
        }
        if problem.detail:
            body["place"] = problem.detail
        if problem.changed is not None:
            body["differences"] = [asdict(one) for one in problem.changed.differences]
        if problem.faults:
            body["errors"] = [{"where": where, "why": why} for where, why in problem.faults]
        response = Response(json.dumps(body), status=problem.status, content_type=PROBLEM)
    response.vary.add("Accept")
    response.headers["Cache-Control"] = "no-store"
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="stylesearch"'
    return response


def _library_error(error: StylesearchError) -> Response:
    return answer(problem_of(error))


def problem_of(error: StylesearchError) -> Problem:
    """Return an error as it is shown; one that is no visitor's fault goes into the log too."""
    status = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s %s: %s (%s)", request.method, request.path, error, error.code)
    return Problem(
        status,
        error.message,
        visitors_hint(error.hint),
        error.code,
        error.detail,
        retry_after=error.retry_after if isinstance(error, TooManyError) else None,
        changed=error if isinstance(error, ChangedMeanwhileError) else None,
    )


def told(error: StylesearchError) -> Problem:
    """Return the problem that an error is, in the visitor's language."""
    return problem_of(error).told


def as_json(values: object) -> Response:
    """Return values as a JSON answer."""
    return Response(json.dumps(values), mimetype="application/json")


def visitors_hint(hint: str) -> str:
    """Return what a visitor can do: settings and commands are for those who run the archive."""
    if current().role is Role.ADMIN:
        return hint
    return (
        "Ask the people who run this archive." if "STYLESEARCH_" in hint or "stylesearch " in hint else hint
    )


def _too_large(_error: RequestEntityTooLarge) -> Response:
    return answer(too_large(services().settings.max_upload_bytes))


def too_large(most: int) -> Problem:
    """Return the problem that an upload is over the limit of so many bytes."""
    return Problem(
        413,
        f"The file is larger than {size_text(most)}, which is the most that is taken.",
        "Scale it down and try again: 1,000 pixels on the shorter side are plenty.",
        "upload_too_large",
    )


def size_text(number: int) -> str:
    """Return ``32 MB`` for a number of bytes."""
    for unit, size in (("MB", 1024**2), ("kB", 1024)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number} bytes"


def _own_fault(_error: InternalServerError) -> Response:
    return answer(
        Problem(
            500,
            "An error that nobody foresaw. It is in the log.",
            "Try again; if it comes back, tell whoever runs this archive.",
            "internal",
        )
    )


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    messages = {
        404: ("There is no such page.", "Check the address, or start from the home page."),
        405: ("This address cannot be used that way.", "Start from the home page."),
    }
    message, hint = messages.get(
        status, (f"{HTTPStatus(status).phrase}.", "Go back, or start from the home page.")
    )
    answered = answer(Problem(status, message, hint, HTTPStatus(status).name.lower()))
    for name, value in error.get_headers():
        if name == "Allow":
            answered.headers[name] = value
    return answered
