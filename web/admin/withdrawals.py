"""Requests for withdrawal: looked at, and decided on."""

from __future__ import annotations

from flask import render_template, request
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.catalog import withdrawing
from stylesearch.catalog.audit import AuditEvent
from stylesearch.catalog.withdrawals import GROUNDS
from stylesearch.catalog.works import Collection, Image, Work
from stylesearch.search.examples import LARGEST_ID
from web.admin.blueprint import NUMBER, admin, done, page_from
from web.forms import choice, text, whole
from web.identity import require
from web.services import services

DECISIONS = ("hide", "grant", "refuse", "reopen")
SAID = {
    "hide": "The work is hidden while the request is looked at.",
    "grant": "The work is withdrawn: hidden, and not taken in again.",
    "refuse": "The request is refused.",
    "reopen": "The decision is taken back.",
}


@admin.get("/withdrawals")
@require("curator")
def withdrawals() -> str:
    """Show requests that wait for a decision, or those that have one."""
    decided = request.args.get("decided") == "yes"
    with services().database.session() as session:
        rows = withdrawing.list_requests(session, decided=decided, before=page_from("before"))
    return render_template(
        "admin/withdrawals.html",
        rows=rows,
        decided=decided,
        grounds=GROUNDS,
        following=rows[-1].id if len(rows) == withdrawing.PAGE else None,
    )


@admin.get(f"/withdrawals/<{NUMBER}>")
@require("curator")
def withdrawal(number: int) -> str:
    """Show a request, its work, and what was done so far."""
    with services().database.session() as session:
        found = withdrawing.find_request(session, number)
        work = session.execute(
            select(Work, Collection).join(Collection).where(Work.id == (found.work_id or 0))
        ).one_or_none()
        same = session.execute(
            select(Work.id, Work.title, Collection.title)
            .join(Image, Image.work_id == Work.id)
            .join(Collection, Collection.id == Work.collection_id)
            .where(
                Image.sha256.in_(select(Image.sha256).where(Image.work_id == (found.work_id or 0))),
                Work.id != (found.work_id or 0),
            )
            .distinct()
        ).all()
        events = session.scalars(
            select(AuditEvent)
            .where(AuditEvent.subject == withdrawing.subject_of(found))
            .order_by(AuditEvent.id)
        ).all()
        return render_template(
            "admin/withdrawal.html",
            asked=found,
            work=work.Work if work else None,
            collection=work.Collection if work else None,
            same=same,
            events=events,
            grounds=GROUNDS,
            longest=withdrawing.LONGEST,
        )


@admin.post(f"/withdrawals/<{NUMBER}>/work")
@require("curator")
def withdrawal_concern(number: int) -> AnyResponse:
    """Say which work a request is about."""
    with services().database.session() as session:
        withdrawing.concern(
            session, number, whole("work", 1, LARGEST_ID), version=whole("version", 1, LARGEST_ID)
        )
    return done("Noted.", "admin.withdrawal", number=number)


@admin.post(f"/withdrawals/<{NUMBER}>")
@require("curator")
def withdrawal_decide(number: int) -> AnyResponse:
    """Hide a request's work for now, withdraw it, leave it, or take the decision back."""
    decision = choice("decision", DECISIONS)
    version = whole("version", 1, LARGEST_ID)
    note = text("note", withdrawing.LONGEST["note"], wanted=False, lines=True)
    everywhere = request.form.get("everywhere") == "yes"
    with services().database.session() as session:
        match decision:
            case "hide":
                withdrawing.hide(session, number, version=version)
            case "grant":
                withdrawing.grant(session, number, note=note, everywhere=everywhere, version=version)
            case "refuse":
                withdrawing.refuse(session, number, note=note, version=version)
            case _:
                withdrawing.reopen(session, number, version=version)
    return done(SAID[decision], "admin.withdrawal", number=number)
