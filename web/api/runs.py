"""Ingest runs: begun from afar, followed, gone on with; and what became of each file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.catalog.database import Database
from stylesearch.catalog.runs import IngestItem, IngestRun
from stylesearch.catalog.works import Image
from stylesearch.ingest.counts import counts
from stylesearch.ingest.doorbell import DISCOVER_TASK, EMBED_TASK, FETCH_TASK
from stylesearch.ingest.following import standing
from stylesearch.ingest.run import Into, find_run
from stylesearch.ingest.unattended import begin, go_on, ring
from stylesearch.wire.runs import (
    CountsTold,
    ItemPage,
    ItemsQuery,
    ItemTold,
    RetryTold,
    RunPage,
    RunRequest,
    RunsQuery,
    RunTold,
)
from web.api import links
from web.api.answers import JSON, told
from web.api.exports import CSV, JSON_LINES, Table, exported
from web.api.operations import Answer, Operations, created
from web.api.requests import JsonBody
from web.services import services

BATCH = 1000
"""Items that are read at a time where all are wanted."""

operations = Operations("ingest")

_COLUMNS = ("item_id", "source_id", "state", "attempts", "error_code", "error_text", "work", "updated_at")
TABLE: Table[ItemTold] = Table("items", _COLUMNS, lambda row: [getattr(row, name) for name in _COLUMNS])


@operations.add("GET", "/ingest/runs", "ingest", RunPage, query=RunsQuery)
def list_runs(query: RunsQuery) -> RunPage:
    """List ingest runs, the newest first."""
    statement = select(IngestRun.id).order_by(IngestRun.id.desc()).limit(query.limit + 1)
    if query.after is not None:
        statement = statement.where(IngestRun.id < query.after)
    with services().database.session() as session:
        ids = session.scalars(statement).all()
    shown, following = ids[: query.limit], None
    if len(ids) > query.limit:
        following = links.address("list_runs", [("limit", str(query.limit)), ("after", str(shown[-1]))])
    return RunPage(items=[_told(run_id) for run_id in shown], next=following)


@operations.add(
    "POST",
    "/ingest/runs",
    "ingest",
    Answer("The run was begun.", {JSON: RunTold}, status=201, headers={"Location": "The run."}),
    body=JsonBody(RunRequest),
    problems=(422,),
)
def begin_run(body: RunRequest) -> Response:
    """Begin to take in a IIIF manifest or collection, or the records of an OAI-PMH server.

    Workers do it in the background. If a run of the same source into the same collection is open, it is gone on with.
    """
    into = Into(body.collection, body.title, body.provider, body.license)
    run_id = begin(
        services().database, services().settings, services().doorbell, body.kind, _options(body), into
    )
    return created(_told(run_id), links.address("read_run", run_id=run_id))


@operations.add("GET", "/ingest/runs/{run_id}", "ingest", RunTold)
def read_run(run_id: int) -> RunTold:
    """Tell how a run stands."""
    return _told(run_id)


@operations.add(
    "GET",
    "/ingest/runs/{run_id}/items",
    "ingest",
    Answer("Items.", {JSON: ItemPage, CSV: None, JSON_LINES: None}),
    query=ItemsQuery,
)
def list_items(query: ItemsQuery, run_id: int) -> AnyResponse:
    """List the items of a run, such as those in quarantine, with why."""
    with services().database.session() as session:
        find_run(session, run_id)
    database = services().database
    if query.format != "json":
        return exported(_every_item(database, query, run_id), query.format, TABLE)
    items = _items(database, query, run_id, query.after, query.limit + 1)
    shown, following = items[: query.limit], None
    if len(items) > query.limit:
        asked = query.model_dump(exclude_none=True, include={"state", "code", "limit"})
        pairs = [*((name, str(value)) for name, value in asked.items()), ("after", str(shown[-1].item_id))]
        following = links.address("list_items", pairs, run_id=run_id)
    total = None
    if query.after is None:
        with database.session() as session:
            found = counts(session, run_id)
        if query.code is None:
            total = found.discovered if query.state is None else getattr(found, query.state)
    return told(ItemPage(items=shown, next=following, total=total))


@operations.add("POST", "/ingest/runs/{run_id}/retry", "ingest", RetryTold, problems=(409,))
def retry_run(run_id: int) -> RetryTold:
    """Go on with a run after its trouble was mended, and try again what is in quarantine."""
    with services().database.session() as session:
        opened = go_on(session, run_id)
        discovering = find_run(session, run_id).state == "discovering"
        now = counts(session, run_id)
    if discovering:
        ring(services().doorbell, DISCOVER_TASK, run_id)
    if now.pending or now.fetching:
        ring(services().doorbell, FETCH_TASK, run_id)
    if now.prepared or now.embedding:
        ring(services().doorbell, EMBED_TASK, run_id)
    return RetryTold(opened=opened, run=_told(run_id))


def _options(body: RunRequest) -> dict[str, Any]:
    """Return what a source is opened from, as :mod:`stylesearch.ingest.sources` names it."""
    options: dict[str, Any] = {"url": body.url, "side": body.side, "languages": body.languages}
    which = "first" if body.first_image else "all"
    if body.kind == "iiif":
        return options | {"canvases": which}
    return options | {
        "prefix": body.prefix or "oai_dc",
        "set_": body.set,
        "since": body.since,
        "until": body.until,
        "image": body.image,
        "images": which,
    }


def _told(run_id: int) -> RunTold:
    with services().database.session() as session:
        now = standing(session, find_run(session, run_id).id)
    values = now.to_json()
    return RunTold(
        **{name: values[name] for name in RunTold.model_fields if name not in ("counts", "items")},
        counts=CountsTold(**values["counts"]),
        items=links.address("list_items", run_id=run_id),
    )


def _items(
    database: Database, query: ItemsQuery, run_id: int, after: int | None, limit: int
) -> list[ItemTold]:
    statement = (
        select(IngestItem, Image.work_id)
        .outerjoin(Image, Image.id == IngestItem.image_id)
        .where(IngestItem.run_id == run_id)
        .order_by(IngestItem.id)
        .limit(limit)
    )
    if query.state is not None:
        statement = statement.where(IngestItem.state == query.state)
    if query.code is not None:
        statement = statement.where(IngestItem.error_code == query.code)
    if after is not None:
        statement = statement.where(IngestItem.id > after)
    with database.session() as session:
        return [_item_told(item, work_id) for item, work_id in session.execute(statement)]


def _every_item(database: Database, query: ItemsQuery, run_id: int) -> Iterator[ItemTold]:
    after = query.after
    while True:
        items = _items(database, query, run_id, after, BATCH)
        yield from items
        if len(items) < BATCH:
            return
        after = items[-1].item_id


def _item_told(item: IngestItem, work_id: int | None) -> ItemTold:
    return ItemTold(
        item_id=item.id,
        source_id=item.source_id,
        state=item.state,
        attempts=item.attempts,
        error_code=item.error_code,
        error_text=item.error_text,
        work=links.address("read_work", work_id=work_id) if work_id is not None else None,
        updated_at=item.updated_at,
    )
