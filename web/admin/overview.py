"""What waits to be looked at."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template, url_for
from sqlalchemy import Select, func, select

from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.duplicates import count_unjudged
from stylesearch.catalog.people import User
from stylesearch.catalog.runs import IngestItem, IngestRun
from stylesearch.catalog.withdrawals import UNDECIDED, WithdrawalRequest
from stylesearch.catalog.works import Collection
from web.admin.blueprint import admin
from web.identity import current, require
from web.services import services


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, what it counts, and where to see more."""

    number: int
    words: str
    url: str
    urgent: bool = False


@admin.get("")
@require("curator")
def overview() -> str:
    """Show how much of what there is."""
    with services().database.session() as session:

        def count(statement: Select[int]) -> int:
            return session.scalar(statement) or 0

        requests = count(select(func.count()).where(WithdrawalRequest.state.in_(UNDECIDED)))
        stopped = count(
            select(func.count()).where(IngestRun.state != "finished", IngestRun.problem.is_not(None))
        )
        figures = [
            Figure(
                requests, "requests for withdrawal to decide on", url_for("admin.withdrawals"), requests > 0
            ),
            Figure(
                count(select(func.count()).where(IngestRun.state != "finished")),
                "ingest runs that are not finished",
                url_for("admin.runs"),
            ),
            Figure(stopped, "runs that a problem has stopped", url_for("admin.runs"), stopped > 0),
            Figure(
                count(select(func.count()).where(IngestItem.state == "quarantined")),
                "items in quarantine",
                url_for("admin.runs"),
            ),
            Figure(count_unjudged(session), "pairs that look alike, to judge", url_for("admin.duplicates")),
            Figure(
                count(select(func.count()).where(EncoderRow.status != "retired")),
                "encoders",
                url_for("admin.encoders"),
            ),
            Figure(count(select(func.count(Collection.id))), "collections", url_for("admin.collections")),
        ]
        if current().may("admin"):
            number = count(select(func.count(User.id)).where(User.disabled_at.is_(None)))
            figures.append(Figure(number, "users", url_for("admin.users")))
    return render_template("admin/overview.html", figures=figures)
