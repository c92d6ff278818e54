"""What the pages of administration share."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.errors import InputError
from stylesearch.search.examples import LARGEST_ID

admin = Blueprint("admin", __name__, url_prefix="/admin")
NUMBER = f"int(max={LARGEST_ID}):number"


def done(words: str, endpoint: str, **values: Any) -> AnyResponse:
    """Lead back to a page, which says what was done."""
    flash(words)
    return redirect(url_for(endpoint, **values), HTTPStatus.SEE_OTHER)


def page_from(name: str) -> int | None:
    """Return the number in the query string behind which a page of a list begins.

    Raises
    ------
    InputError
        ``bad_parameter``, if it is none.
    """
    found = request.args.get(name, "").strip()
    if not found:
        return None
    if not re.fullmatch(r"[0-9]{1,19}", found) or int(found) > LARGEST_ID:
        raise InputError(
            f"The parameter {name} must be a whole number; {found[:50]!r} is none.",
            hint="Begin the list anew.",
            code="bad_parameter",
        )
    return int(found)
