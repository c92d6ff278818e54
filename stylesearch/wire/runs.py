"""Ingest runs and their items."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from stylesearch.wire.base import Given, Id, Page, Text, Told
from stylesearch.wire.works import Form

ItemState = Literal[
    "pending", "fetching", "prepared", "embedding", "ingested", "duplicate", "unchanged", "quarantined"
]


class CountsTold(Told):
    """A run in numbers."""

    discovered: int
    open: int
    pending: int
    fetching: int
    prepared: int
    embedding: int
    ingested: int
    duplicate: int
    unchanged: int
    quarantined: int
    errors: dict[str, int] = Field(description="Items in quarantine, by code.")


class RunTold(Told):
    """An ingest run."""

    run_id: int
    kind: str
    collection: str
    source_uri: str
    state: str = Field(description="`discovering`, `running` or `finished`.")
    problem: str | None = Field(description="What stops it.")
    started_at: datetime
    finished_at: datetime | None
    expected: int = Field(description="How many items there will be in all, as far as is known.")
    counts: CountsTold
    prepared_rate: float = Field(description="Items a second that were decoded lately.")
    described_rate: float = Field(description="Items a second that came to their end lately.")
    waiting_seconds: float
    seconds_left: float | None = Field(description="At the present pace.")
    items: str = Field(description="Address of its items.")


class RunPage(Page[RunTold]):
    """Runs, the newest first."""


class RunsQuery(Given):
    """Which page."""

    limit: int = Field(default=20, ge=1, le=100, description="How many a page.")
    after: Id | None = Field(default=None, description="Number of the run that the page before ended with.")


class ItemTold(Told):
    """One file of a run, and what became of it."""

    item_id: int
    source_id: str
    state: ItemState
    attempts: int
    error_code: str | None
    error_text: str | None
    work: str | None = Field(description="The work that it became, in this API.")
    updated_at: datetime


class ItemPage(Page[ItemTold]):
    """Items of a run."""


class ItemsQuery(Given):
    """Which items."""

    state: ItemState | None = Field(default=None, description="Only those in this state.")
    code: Text | None = Field(
        default=None, min_length=1, max_length=100, description="Only those in quarantine for this code."
    )
    limit: int = Field(default=100, ge=1, le=1000, description="How many a page.")
    after: Id | None = Field(default=None, description="Number of the item that the page before ended with.")
    format: Form = Field(
        default="json", description="`csv` and `jsonl` give all that there are, not a page, as they are read."
    )


class RunRequest(Given):
    """A source on the net that is to be taken in."""

    kind: Literal["iiif", "oai"]
    url: Text = Field(
        min_length=1, max_length=8000, description="Of the manifest, the collection or the server."
    )
    collection: Text = Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100, description="Slug; made if it is new."
    )
    title: Text | None = Field(default=None, max_length=300, description="Title of the collection.")
    provider: Text | None = Field(default=None, max_length=300, description="Who holds the collection.")
    license: Text | None = Field(
        default=None, max_length=300, description="Rights of works whose own metadata state none."
    )
    prefix: Text | None = Field(default=None, max_length=100, description="OAI-PMH: metadata format.")
    set: Text | None = Field(default=None, max_length=300, description="OAI-PMH: the set to harvest.")
    since: Text | None = Field(
        default=None, max_length=30, description="OAI-PMH: only what has changed since."
    )
    until: Text | None = Field(
        default=None, max_length=30, description="OAI-PMH: only what has not changed after."
    )
    image: Text | None = Field(
        default=None,
        max_length=2000,
        description="OAI-PMH: address of the image where a record gives none, with `{id}` in it.",
    )
    first_image: bool = Field(default=False, description="Only the first image of each record or manifest.")
    side: int = Field(default=1024, ge=64, le=10_000, description="Longest side of scaled images, in pixels.")
    languages: list[Text] = Field(
        default=["en"], min_length=1, max_length=10, description="Language to take of several."
    )


class RetryTold(Told):
    """What was opened again."""

    opened: int = Field(description="How many items are tried again.")
    run: RunTold
