"""Ingest runs: how they stand, what went into quarantine, and trying it again."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterator
from http import HTTPStatus

from flask import Response, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.catalog.database import Database
from stylesearch.catalog.runs import IngestItem, IngestRun
from stylesearch.errors import ServiceError
from stylesearch.ingest.counts import Counts, counts
from stylesearch.ingest.following import standing
from stylesearch.ingest.report import MOST_ERRORS, read_quarantine
from stylesearch.ingest.run import find_run, try_again
from web.admin.blueprint import NUMBER, admin, done, page_from
from web.forms import text
from web.identity import require
from web.services import services

PAGE_RUNS, PAGE_ERRORS = 50, 100
RUN = f"/runs/<{NUMBER}>"
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""

log = logging.getLogger(__name__)


@admin.get("/runs")
@require("curator")
def runs() -> str:
    """Show runs, the newest first."""
    return _runs_page("admin/runs.html")


@admin.get("/runs/progress")
@require("curator")
def runs_progress() -> Response:
    """Show the list alone, for the script that keeps it up to date."""
    return _part(_runs_page("admin/_runs.html"))


@admin.get(RUN)
@require("curator")
def run(number: int) -> str:
    """Show how a run stands, and what went into quarantine."""
    with services().database.session() as session:
        now = standing(session, find_run(session, number).id)
        quarantine = read_quarantine(session, number, now.counts.errors)
    return render_template("admin/run.html", run=now, quarantine=quarantine, most=MOST_ERRORS)


@admin.get(f"{RUN}/progress")
@require("curator")
def run_progress(number: int) -> Response:
    """Show how a run stands alone, for the script that keeps it up to date."""
    with services().database.session() as session:
        now = standing(session, find_run(session, number).id)
    return _part(render_template("admin/_run.html", run=now))


@admin.get(f"{RUN}/errors")
@require("curator")
def run_errors(number: int) -> str:
    """Show what went into quarantine for one reason, page by page."""
    code = request.args.get("code", "").replace("\0", "")
    with services().database.session() as session:
        found = counts(session, find_run(session, number).id).errors
        items = _quarantined(session, number, code, page_from("after") or 0, PAGE_ERRORS)
    return render_template(
        "admin/errors.html",
        number=number,
        code=code,
        codes=found,
        items=items,
        after=items[-1].id if len(items) == PAGE_ERRORS else None,
    )


@admin.get(f"{RUN}/errors.csv")
@require("curator")
def run_errors_csv(number: int) -> Response:
    """Give all that is in quarantine as a table."""
    with services().database.session() as session:
        find_run(session, number)
    response = Response(_table(services().database, number), mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename=f"run-{number}-errors.csv")
    response.headers["Cache-Control"] = "private, no-store"
    return response


@admin.post(f"{RUN}/retry")
@require("curator")
def run_retry(number: int) -> AnyResponse:
    """Try again what went into quarantine, or what did for one reason, and lead back to the run."""
    code = text("code", 200, wanted=False) or None
    with services().database.session() as session:
        opened = try_again(session, number, code=code)
    log.info("run %s: trying %s again", number, opened)
    if not opened:
        return done("There was nothing that could be tried again.", "admin.run", number=number)
    try:
        services().doorbell.ring_for(number, pending=opened, prepared=0)
    except ServiceError as error:
        log.warning("%s", error)  # nothing is lost: workers look for open runs by themselves
    return redirect(url_for("admin.run", number=number), HTTPStatus.SEE_OTHER)


def _runs_page(template: str) -> str:
    before = page_from("before")
    with services().database.session() as session:
        newest = select(IngestRun).order_by(IngestRun.id.desc()).limit(PAGE_RUNS)
        if before is not None:
            newest = newest.where(IngestRun.id < before)
        found = session.scalars(newest).all()
        rows: list[tuple[IngestRun, str, Counts]] = [
            (one, one.collection.slug, counts(session, one.id)) for one in found
        ]
        return render_template(
            template,
            rows=rows,
            before=before,
            older=found[-1].id if len(found) == PAGE_RUNS else None,
            busy=any(one.state != "finished" and not one.problem for one in found),
        )


def _quarantined(session: Session, number: int, code: str, after: int, most: int) -> list[IngestItem]:
    rows = select(IngestItem).where(
        IngestItem.run_id == number, IngestItem.state == "quarantined", IngestItem.id > after
    )
    if code:
        rows = rows.where(IngestItem.error_code == code)
    return list(session.scalars(rows.order_by(IngestItem.id).limit(most)))


def _table(database: Database, number: int) -> Iterator[str]:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["item", "code", "reason", "place"])
    after = 0
    while True:
        with database.session() as session:
            items = _quarantined(session, number, "", after, 1000)
        for item in items:
            row = (item.source_id, item.error_code or "", item.error_text or "", item.locator)
            writer.writerow([_no_formula(value) for value in row])
        yield file.getvalue()
        file.seek(0)
        file.truncate()
        if not items:
            return
        after = items[-1].id


def _no_formula(value: str) -> str:
    return f"'{value}" if value.startswith(FORMULA) else value


def _part(page: str) -> Response:
    response = Response(page)
    response.headers["Cache-Control"] = "no-store"
    return response
