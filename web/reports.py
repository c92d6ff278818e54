"""Attribution reports: made from a search, shown as they were kept."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from flask import Blueprint, Response, json, redirect, render_template, request, session, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.attribution.keys import Signature, public_keys
from stylesearch.attribution.pdf import render_pdf
from stylesearch.attribution.render import render_html
from stylesearch.attribution.report import SavedReport, find_report
from stylesearch.attribution.schema import report_schema
from stylesearch.attribution.verifying import Check, check_file, check_gallery, read_report_file
from stylesearch.catalog.cards import card_of_work, cards_of_images
from stylesearch.catalog.reports import Report
from stylesearch.errors import InputError, NotFoundError
from stylesearch.search.examples import FileExample, ImageExample, WorkExample
from web.identity import current_access, require_scope
from web.query_string import SearchAddress
from web.rates import limited
from web.security import REPORT_POLICY
from web.services import services

SESSION_KEY = "reports"
MOST_REMEMBERED = 30
"""Reports of a visit that are listed; the cookie that remembers them has no room for many more."""

reports = Blueprint("reports", __name__, url_prefix="/reports")


@dataclass(frozen=True, slots=True)
class Made:
    """A report that was made in this visit."""

    public_id: str
    created_at: datetime
    name: str


@reports.get("")
def listed() -> str:
    """Show the reports that were made in this visit, and where one is looked up or verified.

    A report is for those who know its number, so that no list shows those of others.
    """
    return render_template("reports.html", made=_made(), checks=None)


@reports.get("/find")
def find() -> AnyResponse:
    """Lead to the report of a number, or of an address that ends in one."""
    text = request.args.get("id", "").strip().rstrip("/").rpartition("/")[2]
    public_id = text.partition(".")[0]
    _report(public_id)
    return redirect(url_for("reports.show", public_id=public_id))


@reports.post("/verify")
@limited("search")
def verify() -> str:
    """Check a report's file and its signature, against our keys and our gallery."""
    report, signature = _sent("report"), _sent("signature")
    if not report:
        raise InputError(
            "No report was chosen.", hint="Choose NAME.report.json, and its signature.", code="no_report"
        )
    try:
        checks = _checks(report, signature)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise InputError(
            "This is no report, or it was cut off or changed so that it cannot be read.",
            hint="Give the file NAME.report.json as it was downloaded.",
            code="not_a_report",
        ) from None
    return render_template("reports.html", made=_made(), checks=checks)


def _checks(report: bytes, signature: bytes) -> list[Check]:
    """Check what was sent; nothing in it is believed before."""
    told = read_report_file(report)
    signed = Signature.from_bytes(signature) if signature else None
    with services().database.session(snapshot=True) as catalogue:
        return [*check_file(told, signed, public_keys(catalogue)), check_gallery(catalogue, told)]


@reports.post("")
@require_scope("report")
@limited("describe")
def make() -> AnyResponse:
    """Make a report on an uploaded image or on a work's image, and lead to it."""
    address = SearchAddress.read(request.form)
    data, name = _subject(address)
    report = services().reports.make(data, name=name, where=address.where)
    _remember(report.public_id)
    return redirect(url_for("reports.show", public_id=report.public_id), HTTPStatus.SEE_OTHER)


@reports.get("/<public_id>")
def show(public_id: str) -> Response:
    """Show a report; the page needs nothing else and may be saved."""
    response = Response(render_html(_report(public_id).view, services().store, files=True))
    response.headers["Content-Security-Policy"] = REPORT_POLICY
    return response


@reports.get("/<public_id>.json")
def download(public_id: str) -> Response:
    """Give a report as the file that its signature is of."""
    return _file(_report(public_id).file(), f"report-{public_id}.json", "application/json")


@reports.get("/<public_id>.sig")
def signature(public_id: str) -> Response:
    """Give a report's detached signature."""
    found = _report(public_id).signature
    if found is None:
        raise NotFoundError("This report was not signed.", hint="Make it again.", code="unsigned_report")
    return _file(found.to_bytes(), f"report-{public_id}.sig", "application/json")


@reports.get("/<public_id>.pdf")
def as_pdf(public_id: str) -> Response:
    """Give a report as PDF."""
    data = render_pdf(_report(public_id).view, services().store)
    return _file(data, f"report-{public_id}.pdf", "application/pdf")


@reports.get("/keys.json")
def keys() -> Response:
    """Give the public keys that reports are and were signed with, by id, in base64."""
    with services().database.session() as catalogue:
        found = {key_id: b64encode(key).decode() for key_id, key in public_keys(catalogue).items()}
    return Response(json.dumps(found, indent=2), mimetype="application/json")


@reports.get("/schema.json")
def schema() -> Response:
    """Give the JSON Schema of reports."""
    return Response(report_schema(), mimetype="application/schema+json")


def _file(data: bytes, name: str, media_type: str) -> Response:
    response = Response(data, mimetype=media_type)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _report(public_id: str) -> SavedReport:
    if "\0" in public_id:
        raise NotFoundError("There is no such report.", hint="Check the address.", code="unknown_report")
    with services().database.session() as catalogue:
        return find_report(catalogue, public_id)


def _subject(address: SearchAddress) -> tuple[bytes, str]:
    """Return the image file that a report is about, and what to call it."""
    example = address.examples[0] if len(address.examples) == 1 else None
    if isinstance(example, FileExample):
        return services().examples.data(example.file), f"Uploaded image {example.file[:12]}"
    if not isinstance(example, WorkExample | ImageExample):
        raise InputError(
            "A report is about one image.", hint="Make it from one image or one work.", code="no_example"
        )
    access = current_access()
    with services().database.session() as catalogue:
        card = (
            card_of_work(catalogue, example.work, access)
            if isinstance(example, WorkExample)
            else cards_of_images(catalogue, [example.image], access).get(example.image)
        )
    if card is None:
        raise NotFoundError(
            "There is no such work here.", hint="It may have been withdrawn.", code="unknown_work"
        )
    return services().store.read(card.storage_key), card.title


def _sent(name: str) -> bytes:
    file = request.files.get(name)
    return b"" if file is None else file.read()


def _remember(public_id: str) -> None:
    session[SESSION_KEY] = [public_id, *_remembered()][:MOST_REMEMBERED]


def _remembered() -> list[str]:
    kept = session.get(SESSION_KEY, [])
    return [one for one in kept if isinstance(one, str)] if isinstance(kept, list) else []


def _made() -> list[Made]:
    """Return the reports of this visit that are still there, the newest first."""
    ids = _remembered()
    if not ids:
        return []
    with services().database.session() as catalogue:
        rows = catalogue.execute(
            select(Report.public_id, Report.created_at, Report.result["query"]["name"].astext).where(
                Report.public_id.in_(ids)
            )
        ).all()
    found = {public_id: Made(public_id, created_at, name or "") for public_id, created_at, name in rows}
    return [found[public_id] for public_id in ids if public_id in found]
