"""Changes that say what they change, so that two people do not undo each other's unawares (RFC 9110, If-Match)."""

from __future__ import annotations

from http import HTTPStatus

from flask import request
from pydantic import BaseModel

from web.api.answers import etag_of
from web.api.problems import RefusedError


def check_unchanged(now: BaseModel) -> None:
    """Check that the client has seen a thing as it is now.

    Raises
    ------
    RefusedError
        428 ``no_precondition`` or 412 ``stale``.
    """
    if "If-Match" not in request.headers:
        raise RefusedError(
            HTTPStatus.PRECONDITION_REQUIRED,
            "A change must say which state of the thing it was made from.",
            hint="Send the ETag of the answer that you saw, as If-Match.",
            code="no_precondition",
        )
    if not request.if_match.contains(etag_of(now.model_dump_json().encode())):
        raise RefusedError(
            HTTPStatus.PRECONDITION_FAILED,
            "It was changed by somebody else in the meantime.",
            hint="Read it again, and make the change anew.",
            code="stale",
        )
