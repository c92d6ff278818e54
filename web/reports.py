"""Attribution reports: made from a search, shown as they were kept."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, json, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.attribution.render import render_html
from stylesearch.attribution.report import find_report
from stylesearch.catalog.cards import card_of_work
from stylesearch.errors import NotFoundError
from web.query_string import SearchAddress
from web.security import REPORT_POLICY
from web.services import services

reports = Blueprint("reports", __name__, url_prefix="/reports")


@reports.post("")
def make() -> AnyResponse:
    """Make a report on an uploaded image or on a work's image, and lead to it."""
    address = SearchAddress.read(request.form)
    data, name = _subject(address)
    report = services().reports.make(data, name=name, where=address.where)
    return redirect(url_for("reports.show", public_id=report.public_id), HTTPStatus.SEE_OTHER)


@reports.get("/<public_id>")
def show(public_id: str) -> Response:
    """Show a report; the page needs nothing else and may be saved."""
    response = Response(render_html(_document(public_id), services().store))
    response.headers["Content-Security-Policy"] = REPORT_POLICY
    return response


@reports.get("/<public_id>.json")
def download(public_id: str) -> Response:
    """Give a report as JSON."""
    response = Response(
        json.dumps(_document(public_id), ensure_ascii=False, indent=2), mimetype="application/json"
    )
    response.headers.set("Content-Disposition", "attachment", filename=f"report-{public_id}.json")
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _document(public_id: str) -> dict[str, object]:
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
