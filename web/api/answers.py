"""Answers: JSON with an ETag, and files that are handed on as they are."""

from __future__ import annotations

import hashlib
from http import HTTPStatus

from flask import Response, request
from pydantic import BaseModel

from stylesearch.catalog.access import Access
from web.api import access

JSON = "application/json"
CACHE_CONTROL = "private, no-cache"


def told(
    model: BaseModel, *, status: int = HTTPStatus.OK, location: str | None = None, media_type: str = JSON
) -> Response:
    """Return a model as JSON; to a reader who has it already, that it is still right."""
    response = given(model.model_dump_json().encode(), media_type, status=status)
    following = getattr(model, "next", None)
    if isinstance(following, str) and following.isascii():
        response.headers["Link"] = f'<{following}>; rel="next"'
    if location is not None:
        response.headers["Location"] = location
    return response


def given(data: bytes, media_type: str, *, status: int = HTTPStatus.OK) -> Response:
    """Return bytes; to a reader who has them already, that they are still right."""
    response = kept_private(Response(data, status=status, content_type=media_type))
    if status == HTTPStatus.OK:
        response.set_etag(etag_of(data))
        if request.method in ("GET", "HEAD"):
            response.make_conditional(request)
    return response


def kept_private(response: Response) -> Response:
    """Keep an answer out of shared stores; and let pages of other sites read it, where it tells what everybody may see."""
    response.headers["Cache-Control"] = CACHE_CONTROL
    response.vary.add("Authorization")
    if request.method in ("GET", "HEAD") and access.current() is Access.EVERYBODY:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def etag_of(data: bytes) -> str:
    """Return the ETag of some bytes."""
    return hashlib.sha256(data).hexdigest()[:32]
