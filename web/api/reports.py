"""Attribution reports: made, handed out, and checked again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response
from sqlalchemy import select

from stylesearch.attribution.keys import Signature, public_keys
from stylesearch.attribution.pdf import render_pdf
from stylesearch.attribution.render import render_html
from stylesearch.attribution.report import SavedReport, find_report
from stylesearch.attribution.schema import report_schema
from stylesearch.attribution.verifying import check_file, check_gallery, read_report_file
from stylesearch.catalog.cards import card_of_work
from stylesearch.catalog.reports import Report
from stylesearch.errors import InputError, NotFoundError
from stylesearch.wire.reports import (
    CheckTold,
    ReportFiles,
    ReportLinks,
    ReportPage,
    ReportRequest,
    ReportsQuery,
    ReportTold,
    Verdict,
)
from web.api import access, links
from web.api.answers import JSON, given
from web.api.filtering import filter_of
from web.api.operations import Answer, Operations, created
from web.api.requests import JsonBody
from web.api.works import card_or_missing
from web.security import REPORT_POLICY
from web.services import services

REPORT_BYTES = 64 * 1024**2
"""Bytes that a report and its signature may have, when they are sent to be checked."""
PDF, HTML = "application/pdf", "text/html"

operations = Operations("reports")


@operations.add("GET", "/reports", "admin", ReportPage, query=ReportsQuery)
def list_reports(query: ReportsQuery) -> ReportPage:
    """List reports, the newest first."""
    with services().database.session() as session:
        statement = select(Report).order_by(Report.id.desc()).limit(query.limit + 1)
        if query.after is not None:
            place = session.scalar(select(Report.id).where(Report.public_id == query.after))
            if place is None:
                raise InputError(
                    "There is no such page of this list.",
                    hint="Go back to its first page.",
                    code="bad_cursor",
                )
            statement = statement.where(Report.id < place)
        rows = session.scalars(statement).all()
    shown, following = rows[: query.limit], None
    if len(rows) > query.limit:
        page = [("limit", str(query.limit)), ("after", shown[-1].public_id)]
        following = links.address("list_reports", page)
    items = [
        _told(
            row.public_id,
            created_at=row.created_at,
            query_sha256=row.query_sha256.hex(),
            gallery=row.gallery_digest,
            signed=row.signature is not None,
        )
        for row in shown
    ]
    return ReportPage(items=items, next=following)


@operations.add(
    "POST",
    "/reports",
    "report",
    Answer("The report was made.", {JSON: ReportTold}, status=201, headers={"Location": "Its file."}),
    body=JsonBody(ReportRequest),
    problems=(422,),
    rate="describe",
)
def make_report(body: ReportRequest) -> Response:
    """Make an attribution report, on an uploaded file or on a work's image.

    The report is signed and kept for good, under an id that cannot be guessed.
    """
    data, name = _subject(body)
    saved = services().reports.make(data, name=body.name or name, where=filter_of(body.where))
    found = _saved_told(saved)
    return created(found, found.links.url)


@operations.add("POST", "/reports/check", "report", Verdict, body=JsonBody(ReportFiles, REPORT_BYTES))
def check_report(body: ReportFiles) -> Verdict:
    """Check a report's file: its form, its signature, the works in it, and whether the gallery is still the same."""
    told = read_report_file(body.file.encode())
    signature = None if body.signature is None else Signature.from_bytes(body.signature.encode())
    with services().database.session(snapshot=True) as session:
        checks = [*check_file(told, signature, public_keys(session)), check_gallery(session, told)]
    return Verdict(
        holds=all(check.state != "fails" for check in checks),
        checks=[CheckTold(name=check.name, state=check.state, text=check.text) for check in checks],
    )


@operations.add(
    "GET", "/reports/schema", None, Answer("A JSON Schema.", {"application/schema+json": {"type": "object"}})
)
def read_report_schema() -> Response:
    """Give the JSON Schema that reports keep to."""
    return given(report_schema(), "application/schema+json")


@operations.add(
    "GET", "/reports/{report_id}", "read", Answer("The report's file.", {JSON: {"type": "object"}})
)
def read_report(report_id: str) -> Response:
    """Give a report's file: what its signature is of.

    Its form is that of `/reports/schema`. Works that were withdrawn since are masked.
    """
    return given(_report(report_id).file(), JSON)


@operations.add(
    "GET",
    "/reports/{report_id}/signature",
    "read",
    Answer("The detached signature.", {JSON: {"type": "object"}}),
)
def read_signature(report_id: str) -> Response:
    """Give a report's detached signature."""
    signature = _report(report_id).signature
    if signature is None:
        raise NotFoundError("This report was not signed.", hint="Make it again.", code="unsigned_report")
    return given(signature.to_bytes(), JSON)


@operations.add("GET", "/reports/{report_id}/html", "read", Answer("The report for people.", {HTML: None}))
def read_report_html(report_id: str) -> Response:
    """Give a report as a page that needs nothing else."""
    response = given(
        render_html(_report(report_id).view, services().store).encode(), f"{HTML}; charset=utf-8"
    )
    response.headers["Content-Security-Policy"] = REPORT_POLICY
    return response


@operations.add("GET", "/reports/{report_id}/pdf", "read", Answer("The report for people.", {PDF: None}))
def read_report_pdf(report_id: str) -> Response:
    """Give a report as PDF."""
    response = given(render_pdf(_report(report_id).view, services().store), PDF)
    response.headers.set("Content-Disposition", "attachment", filename=f"report-{report_id}.pdf")
    return response


def _report(public_id: str) -> SavedReport:
    if "\0" in public_id:
        raise NotFoundError("There is no such report.", hint="Check the address.", code="unknown_report")
    with services().database.session() as session:
        return find_report(session, public_id)


def _subject(body: ReportRequest) -> tuple[bytes, str]:
    """Return the image file that a report is to be on, and what to call it."""
    if (body.file is None) == (body.work is None):
        raise InputError(
            "A report is on one image.",
            hint="Give either the file's SHA-256, as file, or a work's number, as work.",
            code="no_example",
        )
    if body.file is not None:
        return services().examples.data(body.file), f"Uploaded image {body.file[:12]}"
    assert body.work is not None
    with services().database.session() as session:
        card = card_or_missing(card_of_work(session, body.work, access.current()), body.work)
    return services().store.read(card.storage_key), card.title


def _saved_told(saved: SavedReport) -> ReportTold:
    document: dict[str, Any] = saved.document
    return _told(
        saved.public_id,
        created_at=datetime.fromisoformat(document["created_at"]),
        query_sha256=document["query"]["sha256"],
        gallery=document["record"]["gallery"]["digest"],
        signed=saved.signature is not None,
    )


def _told(
    public_id: str, *, created_at: datetime, query_sha256: str, gallery: str, signed: bool
) -> ReportTold:
    return ReportTold(
        report_id=public_id,
        created_at=created_at,
        query_sha256=query_sha256,
        gallery=gallery,
        links=ReportLinks(
            url=links.address("read_report", report_id=public_id),
            signature=links.address("read_signature", report_id=public_id) if signed else None,
            page=links.page("reports.show", public_id=public_id),
            pdf=links.address("read_report_pdf", report_id=public_id),
        ),
    )
