"""The blueprint of the API, with its own way to answer errors."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response
from werkzeug.exceptions import RequestEntityTooLarge

from stylesearch.errors import StylesearchError
from web import errors
from web.api.operations import PREFIX
from web.api.parts import PARTS
from web.api.problems import FaultyError, RefusedError, too_large
from web.api.requests import JSON_BYTES

STATUSES = {
    "run_interrupted": 409,
    "fetch_status": 422,
    "fetch_failed": 502,
    "fetch_timeout": 502,
    "fetch_busy": 502,
    "stale": 412,
}
"""Statuses of errors by their codes, where their kind alone says too little."""

api = Blueprint("api", __name__, url_prefix=PREFIX)
for part in PARTS:
    part.serve(api)


@api.errorhandler(StylesearchError)
def answer_error(error: StylesearchError) -> Response:
    """Answer an error with a problem document."""
    found = errors.problem_of(error)
    if error.code == "sign_in":
        found = replace(
            found,
            message="A token is needed here.",
            hint="Send one as 'Authorization: Bearer TOKEN'; people make them on the page of their account.",
        )
    if isinstance(error, FaultyError):
        found = replace(found, faults=error.faults)
    status = error.status if isinstance(error, RefusedError) else STATUSES.get(error.code, found.status)
    response = errors.answer(replace(found, status=status))
    if isinstance(error, RefusedError):
        response.headers.extend(error.headers)
    return response


@api.errorhandler(RequestEntityTooLarge)
def answer_large(_error: RequestEntityTooLarge) -> Response:
    """Answer that a body is too large, where it came without saying how large it is."""
    return answer_error(too_large(JSON_BYTES))
