"""A run from its beginning to its end: open, discover, drive or watch, close."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from stylesearch.catalog import encoders
from stylesearch.catalog.collections import ensure_collection
from stylesearch.catalog.database import Database
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.encoders import EncoderIdentity
from stylesearch.catalog.runs import IngestRun
from stylesearch.encoders.protocol import EncoderSpec
from stylesearch.encoders.registry import configured_encoder
from stylesearch.errors import NotFoundError, ServiceError
from stylesearch.images.store import open_store
from stylesearch.ingest import ledger
from stylesearch.ingest.doorbell import Doorbell
from stylesearch.ingest.ledger import Counts, Discovery
from stylesearch.ingest.pipeline import Pipeline, through_outages
from stylesearch.ingest.sources.folder import FolderSource, Found
from stylesearch.settings import Settings

DISCOVERY_CHUNK = 500
POLL_SECONDS = 0.3
MOST_MESSAGES = 1000

OnDiscovered = Callable[[int, int], None]
OnCounts = Callable[[Counts], None]


def identity(spec: EncoderSpec) -> EncoderIdentity:
    """Return an encoder's identity as the catalogue keeps it."""
    return EncoderIdentity(
        spec.slug, spec.digest, spec.dim, spec.weights_sha256, spec.preprocessing, spec.license
    )


def make_pipeline(database: Database, settings: Settings) -> Pipeline:
    """Return the pipeline of this process."""
    return Pipeline(
        database=database,
        store=open_store(settings),
        encoder=configured_encoder(settings),
        settings=settings,
    )


def open_run(
    session: Session,
    source: FolderSource,
    *,
    collection: str,
    spec: EncoderSpec,
    title: str | None = None,
    provider: str | None = None,
    default_license: str | None = None,
) -> tuple[IngestRun, bool]:
    """Return the run of a source into a collection, and whether it goes on with an unfinished one."""
    row = ensure_collection(
        session,
        collection,
        title=title,
        provider=provider,
        source_uri=source.uri,
        default_license=default_license,
    )
    encoder = encoders.register(session, identity(spec))
    run = session.scalar(
        select(IngestRun).where(
            IngestRun.collection_id == row.id,
            IngestRun.source_uri == source.uri,
            IngestRun.state != "finished",
        )
    )
    if run is not None:
        run.problem = None
        return run, True
    run = IngestRun(collection_id=row.id, source_uri=source.uri, encoder_id=encoder.id)
    session.add(run)
    session.flush()
    return run, False


def discover(database: Database, run: IngestRun, source: FolderSource, *, on_progress: OnDiscovered) -> None:
    """Enter a source's files into the ledger, in small transactions; may be interrupted and done again."""
    paths = source.paths()
    with database.session() as session:
        discovery = Discovery(session, run)
    entered = 0
    for chunk in _chunks(source.scan(paths), DISCOVERY_CHUNK):
        with database.session() as session:
            discovery.enter(session, chunk)
        entered += len(chunk)
        on_progress(entered, len(paths))
    with database.session() as session:
        session.get_one(IngestRun, run.id).state = "running"


def _chunks(found: Iterator[Found], size: int) -> Iterator[list[Found]]:
    while chunk := list(itertools.islice(found, size)):
        yield chunk


def drive(pipeline: Pipeline, run_id: int, *, on_progress: OnCounts) -> Counts:
    """Deal with all of a run in this process."""
    while True:
        taken = pipeline.run_batch(run_id)
        counts = close_if_done(pipeline.database, run_id)
        on_progress(counts)
        if counts.open == 0:
            return counts
        if taken == 0:  # a lost worker's items; their lease will end
            time.sleep(POLL_SECONDS)


def watch(
    database: Database, run_id: int, doorbell: Doorbell, *, settings: Settings, on_progress: OnCounts
) -> Counts:
    """Ring for the workers and follow a run to its end.

    Rings again when nothing has moved for a while: messages, brokers and workers may all have been lost.

    Raises
    ------
    ServiceError
        If a worker met a problem that stops the run, such as a full disk.
    """
    quiet = settings.ingest_lease_seconds / 2
    moved_at, last_done = -quiet, -1
    while True:
        counts = through_outages(lambda: close_if_done(database, run_id))
        on_progress(counts)
        if counts.open == 0:
            return counts
        _raise_problem(database, run_id)
        now = time.monotonic()
        if counts.done != last_done:
            moved_at = now if last_done >= 0 else moved_at
            last_done = counts.done
        if now - moved_at >= quiet:
            moved_at = now
            _ring_through_outages(doorbell, run_id, batches=-(-counts.open // settings.ingest_batch_size))
        time.sleep(POLL_SECONDS)


def _raise_problem(database: Database, run_id: int) -> None:
    def read() -> str | None:
        with database.session() as session:
            return session.get_one(IngestRun, run_id).problem

    problem = through_outages(read)
    if problem is not None:
        raise ServiceError(
            f"The run has stopped: {problem}", hint="Then give the same command again.", code="run_stopped"
        )


def _ring_through_outages(doorbell: Doorbell, run_id: int, *, batches: int) -> None:
    try:
        doorbell.ring(run_id, batches=min(batches, MOST_MESSAGES))
    except ServiceError:
        # Nothing is lost by silence: the next quiet spell rings again.
        time.sleep(1)


def close_if_done(database: Database, run_id: int) -> Counts:
    """Count a run's items, and close it when none is open: join duplicates, refresh statistics, build the index."""
    with database.session() as session:
        counts = ledger.counts(session, run_id)
        if counts.open == 0:
            if ledger.finish(session, run_id):  # waits for another who is just closing it
                run = session.get_one(IngestRun, run_id)
                encoders.build_index(session, session.get_one(EncoderRow, run.encoder_id))
            counts = ledger.counts(session, run_id)
    return counts


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
