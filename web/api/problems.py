"""Errors that only an API has, and the statuses that its problem documents come with."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from stylesearch.errors import InputError, StylesearchError

MOST_FAULTS = 20

NOT_MODIFIED = "What the client has is still right."
MEANINGS = {
    400: "The request cannot be used.",
    401: "Who asks is not known, or has no right to be asked that without a token.",
    403: "The token is not good for this.",
    404: "There is no such thing, or it may not be seen.",
    405: "The address cannot be used that way.",
    409: "Something stands in the way of it for now.",
    412: "It was changed by somebody else in the meantime.",
    413: "What was sent is too large.",
    415: "What was sent is of another media type than is taken.",
    422: "The image cannot be taken.",
    428: "A change must say what it changes, in `If-Match`.",
    429: "Too many requests; `Retry-After` says when to ask again.",
    500: "A fault of the server.",
    502: "Another server that was asked gave no good answer.",
    503: "Out of order for the moment; `Retry-After` says when to ask again.",
}


class RefusedError(StylesearchError):
    """A request that is refused by the rules of HTTP.

    Attributes
    ----------
    status:
        Of the answer.
    headers:
        To be sent with it.
    """

    def __init__(
        self, status: int, message: str, *, hint: str, code: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.status = status
        self.headers = headers or {}


class FaultyError(InputError):
    """A request of which some places cannot be used; ``faults`` has each of them, with why."""

    def __init__(self, message: str, *, hint: str, code: str, faults: Iterable[tuple[str, str]]) -> None:
        super().__init__(message, hint=hint, code=code)
        self.faults = tuple(faults)


def faulty(error: ValidationError, what: str, code: str) -> FaultyError:
    """Return the error that parameters or a body cannot be used."""
    found = [(_place(one), _why(one)) for one in error.errors(include_url=False, include_input=False)]
    place, why = found[0]
    named = f"{what} {place}" if place else what
    return FaultyError(
        f"{named} cannot be used: {why}.",
        hint="The API's description says what it may be.",
        code=code,
        faults=found[:MOST_FAULTS],
    )


def _place(error: ErrorDetails) -> str:
    return ".".join(str(part)[:100] for part in error["loc"])


def _why(error: ErrorDetails) -> str:
    text = error["msg"].removeprefix("Value error, ").rstrip(".")
    return (text[:1].lower() + text[1:])[:300]


def too_large(most: int) -> RefusedError:
    """Return the error that a body has more than so many bytes."""
    return RefusedError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"What was sent has more than {most:,} bytes.",
        hint="Send less at a time.",
        code="body_too_large",
    )
