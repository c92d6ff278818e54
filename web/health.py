"""Whether the portal can serve, for supervisors and load balancers."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from sqlalchemy import text

from stylesearch.errors import ServiceError
from web.identity import open_to_all
from web.services import services

health = Blueprint("health", __name__)


@health.get("/healthz")
@open_to_all
def healthz() -> tuple[Response, int]:
    """Answer 200 when the database answers, 503 otherwise."""
    try:
        with services().database.session() as session:
            session.execute(text("SELECT 1"))
    except ServiceError as error:
        state, status = {"status": "unavailable", "database": error.code}, 503
    else:
        state, status = {"status": "ok", "database": "ok"}, 200
    response = jsonify(state)
    response.headers["Cache-Control"] = "no-store"
    return response, status
