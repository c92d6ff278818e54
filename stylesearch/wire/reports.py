"""Attribution reports."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from stylesearch.wire.base import Digest, Given, Id, Page, Text, Told
from stylesearch.wire.searches import Where


class ReportRequest(Given, json_schema_extra={"oneOf": [{"required": ["file"]}, {"required": ["work"]}]}):
    """What a report is to be on: a file that was uploaded, or a work's image."""

    file: Digest | None = Field(default=None, description="SHA-256 of a file that was uploaded.")
    work: Id | None = Field(default=None, description="Number of a work.")
    name: Text | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="What the file is called; shown, never trusted.",
    )
    where: Where = Field(default="", description="Which works to look for the nearest among.")


class ReportLinks(Told):
    """The files of a report."""

    url: str = Field(description="The file that is signed, JSON.")
    signature: str | None = Field(description="Its detached signature; null for one of the first format.")
    page: str = Field(description="Its page for people.")
    pdf: str


class ReportTold(Told):
    """A report that was made."""

    report_id: str = Field(description="Cannot be guessed; whoever knows it may read the report.")
    created_at: datetime
    query_sha256: str = Field(description="Of the image that it is on.")
    gallery: str = Field(description="Digest of the gallery that it was computed against.")
    links: ReportLinks


class ReportPage(Page[ReportTold]):
    """Reports, the newest first."""


class ReportsQuery(Given):
    """Which page."""

    limit: int = Field(default=50, ge=1, le=200, description="How many a page.")
    after: Text | None = Field(
        default=None, max_length=64, description="Id of the report that the page before ended with."
    )


class ReportFiles(Given):
    """A report and its signature, each as the file that was handed out."""

    file: str = Field(description="The text of the report's file, NAME.report.json.")
    signature: str | None = Field(default=None, description="The text of its signature, NAME.report.sig.")


class CheckTold(Told):
    """What came of one check."""

    name: str
    state: Literal["holds", "fails", "unknown"]
    text: str


class Verdict(Told):
    """Whether a report still holds."""

    holds: bool = Field(description="Whether no check fails.")
    checks: list[CheckTold]
