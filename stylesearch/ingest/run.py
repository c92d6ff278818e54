"""A run from its beginning to its end: open, discover, watch, close."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from stylesearch.catalog import audit, encoders, indexes, upgrades
from stylesearch.catalog.collections import ensure_collection
from stylesearch.catalog.database import Database
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.encoders import EncoderIdentity
from stylesearch.catalog.runs import IngestItem, IngestRun
from stylesearch.encoders.protocol import Encoder, EncoderSpec
from stylesearch.encoders.registry import configured_encoder
from stylesearch.errors import NotFoundError, ServiceError
from stylesearch.images.store import open_store
from stylesearch.ingest import ledger
from stylesearch.ingest.counts import Counts, counts
from stylesearch.ingest.discovery import Discovery
from stylesearch.ingest.doorbell import Doorbell
from stylesearch.ingest.outages import through_outages
from stylesearch.ingest.pipeline import Pipeline
from stylesearch.ingest.sources.protocol import Page, Source
from stylesearch.ingest.sources.registry import Options
from stylesearch.settings import Settings

BACKFILL = "backfill"
POLL_SECONDS = 0.3

OnDiscovered = Callable[[int, int], None]
OnCounts = Callable[[Counts], None]


@dataclass(frozen=True, slots=True)
class Into:
    """Where a source goes: a collection, made if it is new, and what is said of it."""

    collection: str
    title: str | None = None
    provider: str | None = None
    default_license: str | None = None


def identity(spec: EncoderSpec) -> EncoderIdentity:
    """Return an encoder's identity as the catalogue keeps it."""
    return EncoderIdentity(
        spec.slug, spec.digest, spec.dim, spec.weights_sha256, spec.preprocessing, spec.license
    )


def serving_encoder(database: Database, settings: Settings) -> Encoder:
    """Return the encoder that new works are described with: the one that was activated, or that of the settings."""
    with database.session() as session:
        return configured_encoder(settings, upgrades.serving_slug(session))


def make_pipeline(database: Database, settings: Settings, *, expendable: bool = False) -> Pipeline:
    """Return the pipeline of this process."""
    return Pipeline(
        database=database,
        store=open_store(settings),
        encoder=serving_encoder(database, settings),
        settings=settings,
        expendable=expendable,
    )


def open_run(
    session: Session, source: Source, into: Into, *, spec: EncoderSpec, options: Options | None = None
) -> tuple[IngestRun, bool]:
    """Return the run of a source into a collection, and whether it goes on with an unfinished one.

    The encoder of a backfill is built beside those that are active.

    Parameters
    ----------
    options:
        What the source can be opened again from.
    """
    row = ensure_collection(
        session,
        into.collection,
        title=into.title,
        provider=into.provider,
        source_uri=None if source.kind == BACKFILL else source.uri,
        default_license=into.default_license,
    )
    encoder = encoders.register(session, identity(spec), beside=source.kind == BACKFILL)
    kept = dict(options or {})
    run = session.scalar(
        select(IngestRun).where(
            IngestRun.collection_id == row.id,
            IngestRun.source_uri == source.uri,
            IngestRun.state != "finished",
        )
    )
    if run is not None:
        run.problem = None
        run.options = kept
        return run, True
    run = IngestRun(
        collection_id=row.id,
        source_uri=source.uri,
        kind=source.kind,
        options=kept,
        encoder_id=encoder.id,
    )
    session.add(run)
    session.flush()
    audit.record(session, "run.begin", f"run:{run.id}", {"kind": run.kind, "collection": into.collection})
    return run, False


def discover(
    database: Database,
    run_id: int,
    source: Source,
    *,
    on_progress: OnDiscovered,
    on_page: Callable[[], None] = lambda: None,
) -> None:
    """Enter what a source has into the ledger, page by page, from where it was left off.

    It may be interrupted at any time: a page and the place to go on from are entered in one transaction.

    Parameters
    ----------
    on_progress:
        Told how many there are so far, and how many there will be as far as is known.
    on_page:
        Called when new items can be worked on.

    Raises
    ------
    StylesearchError
        If the source is at fault or cannot be reached; what was entered stays, and the run can be gone on with.
    """
    with database.session() as session:
        run = session.get_one(IngestRun, run_id)
        entered = session.scalar(select(func.count()).where(IngestItem.run_id == run_id)) or 0
    if run.state != "discovering":
        return
    discovery = Discovery(run)
    for page in source.pages(run.cursor):
        entered += through_outages(partial(_enter, database, discovery, page))
        on_progress(entered, page.total or entered)
        on_page()
    through_outages(lambda: _begin_running(database, run_id))


def _enter(database: Database, discovery: Discovery, page: Page) -> int:
    with database.session() as session:
        return discovery.enter(session, page)


def _begin_running(database: Database, run_id: int) -> None:
    with database.session() as session:
        run = session.get_one(IngestRun, run_id)
        if run.state == "discovering":
            run.state = "running"
            run.cursor = None


def watch(
    database: Database,
    run_id: int,
    doorbell: Doorbell,
    *,
    settings: Settings,
    on_progress: OnCounts,
    on_quiet: Callable[[], None] = lambda: None,
) -> Counts:
    """Ring for the workers and follow a run to its end.

    Rings again when nothing has moved for a while: messages, brokers and workers may all have been lost.

    Parameters
    ----------
    on_quiet:
        Called before it rings again.

    Raises
    ------
    ServiceError
        If a worker met a problem that stops the run, such as a full disk.
    """
    quiet = settings.ingest_lease_seconds / 2
    moved_at, last_moved = -quiet, -1
    while True:
        began = time.monotonic()
        now_counted = through_outages(lambda: close_if_done(database, run_id))
        counting = time.monotonic() - began
        on_progress(now_counted)
        if now_counted.open == 0:
            return now_counted
        _raise_problem(database, run_id)
        now = time.monotonic()
        if now_counted.moved != last_moved:
            moved_at = now if last_moved >= 0 else moved_at
            last_moved = now_counted.moved
        if now - moved_at >= quiet:
            if moved_at > 0:
                on_quiet()
            moved_at = now
            _ring_through_outages(doorbell, run_id, now_counted)
        time.sleep(max(POLL_SECONDS, 9 * counting))  # counting a large run is not to keep the database busy


def _raise_problem(database: Database, run_id: int) -> None:
    def read() -> str | None:
        with database.session() as session:
            return session.get_one(IngestRun, run_id).problem

    problem = through_outages(read)
    if problem is not None:
        raise ServiceError(
            f"The run has stopped: {problem}", hint="Then give the same command again.", code="run_stopped"
        )


def _ring_through_outages(doorbell: Doorbell, run_id: int, now: Counts) -> None:
    try:
        doorbell.ring_for(run_id, pending=now.pending + now.fetching, prepared=now.prepared + now.embedding)
    except ServiceError:
        # Nothing is lost by silence: the next quiet spell rings again.
        time.sleep(1)


def close_if_done(database: Database, run_id: int) -> Counts:
    """Count a run's items, and close it when none is open: join duplicates, refresh statistics, build the index."""
    with database.session() as session:
        found = counts(session, run_id)
        if found.open == 0:
            if ledger.finish(session, run_id):  # waits for another who is just closing it
                run = session.get_one(IngestRun, run_id)
                if run.kind != BACKFILL:  # whose index is built when all collections are in
                    indexes.build_index(session, session.get_one(EncoderRow, run.encoder_id))
            found = counts(session, run_id)
    return found


def find_run(session: Session, run_id: int | None) -> IngestRun:
    """Return a run, by default the newest.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    query = select(IngestRun).order_by(IngestRun.id.desc()).limit(1)
    run = session.scalar(query if run_id is None else query.where(IngestRun.id == run_id))
    if run is None:
        what = "There is no ingest run yet." if run_id is None else f"There is no ingest run {run_id}."
        raise NotFoundError(what, hint="'stylesearch ingest status --all' lists them.", code="unknown_run")
    return run


def try_again(session: Session, run_id: int, *, code: str | None = None) -> int:
    """Open a run's quarantined items again; return how many there are. See :func:`stylesearch.ingest.ledger.retry`.

    Parameters
    ----------
    code:
        The only error code whose items are meant.

    Raises
    ------
    NotFoundError
        If there is no such run.
    ServiceError
        ``run_interrupted``, if its discovery has not come to its end.
    """
    run = find_run(session, run_id)
    if run.state == "discovering":
        raise ServiceError(
            f"Run {run.id} was interrupted.",
            hint=f"Go on with it first: 'stylesearch ingest resume {run.id}'.",
            code="run_interrupted",
        )
    opened = ledger.retry(session, run.id, code=code)
    if opened:
        audit.record(session, "run.retry", f"run:{run.id}", {"code": code, "items": opened})
    return opened
