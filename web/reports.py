"""Attribution reports: made from a search, shown as they were kept."""

from __future__ import annotations

from base64 import b64encode
from http import HTTPStatus

from flask import Blueprint, Response, json, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.attribution.keys import public_keys
from stylesearch.attribution.pdf import render_pdf
from stylesearch.attribution.render import render_html
from stylesearch.attribution.report import SavedReport, find_report
from stylesearch.attribution.schema import report_schema
from stylesearch.catalog.cards import card_of_work
from stylesearch.errors import NotFoundError
from web.identity import require_scope
from web.query_string import SearchAddress
from web.rates import limited
from web.security import REPORT_POLICY
from web.services import services

reports = Blueprint("reports", __name__, url_prefix="/reports")


@reports.post("")
@require_scope("report")
@limited("describe")
def make() -> AnyResponse:
    """Make a report on an uploaded image or on a work's image, and lead to it."""
    address = SearchAddress.read(request.form)
    data, name = _subject(address)
    report = services().reports.make(data, name=name, where=address.where)
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
    with services().database.session() as session:
        found = {key_id: b64encode(key).decode() for key_id, key in public_keys(session).items()}
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
    with services().database.session() as session:
        return find_report(session, public_id)


def _subject(address: SearchAddress) -> tuple[bytes, str]:
    """Return the image file that a report is about, and what to call it."""
    if address.image is not None:
        return services().examples.data(address.image), f"Uploaded image {address.image[:12]}"
    assert address.work is not None
    with services().database.session() as session:
        card = card_of_work(session, address.work)
    if card is None:
        raise NotFoundError(
            f"There is no work {address.work} here.", hint="It may have been withdrawn.", code="unknown_work"
        )
    return services().store.read(card.storage_key), card.title
