"""Ingest runs and their quarantine, for whoever sits at the portal's own machine."""

from __future__ import annotations

import logging
from http import HTTPStatus

from flask import Blueprint, abort, redirect, render_template, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.catalog.runs import IngestRun
from stylesearch.errors import ServiceError
from stylesearch.ingest.counts import counts
from stylesearch.ingest.following import standing
from stylesearch.ingest.report import MOST_ERRORS, read_quarantine
from stylesearch.ingest.run import find_run, try_again
from stylesearch.search.examples import LARGEST_ID
from web.here import comes_from_here
from web.services import services

MOST_RUNS = 100
RUN = f"/<int(max={LARGEST_ID}):run_id>"

runs = Blueprint("runs", __name__, url_prefix="/runs")
log = logging.getLogger(__name__)


@runs.before_request
def only_from_here() -> None:
    """Hide these pages from everybody else: the portal has no sign-in yet."""
    if not (services().settings.web_runs and comes_from_here()):
        abort(HTTPStatus.NOT_FOUND)


@runs.get("")
def listed() -> str:
    """Show the newest runs."""
    with services().database.session() as session:
        newest = session.scalars(select(IngestRun).order_by(IngestRun.id.desc()).limit(MOST_RUNS)).all()
        rows = [(run, run.collection.slug, counts(session, run.id)) for run in newest]
        return render_template("runs.html", rows=rows)


@runs.get(RUN)
def shown(run_id: int) -> str:
    """Show how a run stands, and what went into quarantine."""
    with services().database.session() as session:
        now = standing(session, find_run(session, run_id).id)
        quarantine = read_quarantine(session, run_id, now.counts.errors)
    return render_template("run.html", run=now, quarantine=quarantine, most=MOST_ERRORS)


@runs.post(f"{RUN}/retry")
def retry(run_id: int) -> AnyResponse:
    """Try again what went into quarantine, and lead back to the run."""
    with services().database.session() as session:
        opened = try_again(session, run_id)
    log.info("run %s: trying %s again", run_id, opened)
    if opened:
        try:
            services().doorbell.ring_for(run_id, pending=opened, prepared=0)
        except ServiceError as error:
            log.warning("%s", error)  # nothing is lost: workers look for open runs by themselves
    return redirect(url_for("runs.shown", run_id=run_id), HTTPStatus.SEE_OTHER)
