"""The audit log: what was changed, when, by whom."""

from __future__ import annotations

from flask import render_template, request
from sqlalchemy import select

from stylesearch.catalog.audit import AuditEvent
from web.admin.blueprint import admin, page_from
from web.identity import require
from web.services import services

PAGE_EVENTS = 100


@admin.get("/audit")
@require("admin")
def audit() -> str:
    """Show changes, the newest first; of one kind, one thing or one person, if wanted."""
    wanted = {
        name: request.args.get(name, "").replace("\0", "").strip()[:300]
        for name in ("action", "subject", "actor")
    }
    rows = select(AuditEvent).order_by(AuditEvent.id.desc()).limit(PAGE_EVENTS)
    for name, value in wanted.items():
        if value:
            rows = rows.where(getattr(AuditEvent, name).contains(value, autoescape=True))
    before = page_from("before")
    if before is not None:
        rows = rows.where(AuditEvent.id < before)
    with services().database.session() as session:
        events = session.scalars(rows).all()
    return render_template(
        "admin/audit.html",
        events=events,
        wanted=wanted,
        following=events[-1].id if len(events) == PAGE_EVENTS else None,
    )
