"""Runs that no command stands by: begun from afar, discovered by workers."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from stylesearch.catalog.database import Database
from stylesearch.catalog.runs import IngestRun
from stylesearch.errors import ServiceError, StylesearchError
from stylesearch.ingest.doorbell import DISCOVER_TASK, FETCH_TASK, Doorbell
from stylesearch.ingest.outages import through_outages
from stylesearch.ingest.run import Into, discover, find_run, open_run, serving_encoder, try_again
from stylesearch.ingest.sources.registry import Options, build_source
from stylesearch.settings import Settings

UNATTENDED = "unattended"
"""Among a run's options: workers discover what it has."""

SLICE_SECONDS = 120.0
"""After this long a worker that discovers turns to the next message. A source that is opened again reads its beginning again."""

ALONE_LOCK = 0x414C4F  # "ALO"

log = logging.getLogger(__name__)


class _SliceOverError(Exception):
    """It has been a while."""


def begin(
    database: Database, settings: Settings, doorbell: Doorbell, kind: str, options: Options, into: Into
) -> int:
    """Open a run and call for workers; return its id. One that is open for the same source is gone on with.

    Raises
    ------
    StylesearchError
        If there can be no such source, or the collection cannot be made. A broker that is away is no error: upkeep calls
        later.
    """
    source = build_source(kind, options, settings)
    spec = serving_encoder(database, settings).spec
    with database.session() as session:
        run, _ = open_run(session, source, into, spec=spec, options={**options, UNATTENDED: True})
        run_id = run.id
    ring(doorbell, DISCOVER_TASK, run_id)
    return run_id


def go_on(session: Session, run_id: int) -> int:
    """Let a run be gone on with after its trouble was mended, and try again what is in quarantine.

    Returns how many items were opened again. Errors as :func:`~stylesearch.ingest.run.try_again`.
    """
    run = find_run(session, run_id)
    if run.state == "discovering" and run.options.get(UNATTENDED):
        run.problem = None
        return 0
    return try_again(session, run_id)


def ring(doorbell: Doorbell, task: str, run_id: int) -> None:
    """Call for a worker; nothing is lost where none can be called, as upkeep calls again."""
    try:
        doorbell.ring(task, run_id)
    except ServiceError as error:
        log.warning("%s", error)


def still_discovering(session: Session) -> list[int]:
    """Return the ids of runs that workers are to discover."""
    return list(
        session.scalars(
            select(IngestRun.id).where(
                IngestRun.state == "discovering",
                IngestRun.problem.is_(None),
                IngestRun.options[UNATTENDED].as_boolean(),
            )
        )
    )


def discover_for_a_while(database: Database, settings: Settings, doorbell: Doorbell, run_id: int) -> None:
    """Discover what a run has, and call for whoever is to go on; what stops it is written down with the run.

    Where another process is just discovering it, nothing is done.
    """
    with _alone(database, run_id) as alone:
        if not alone:
            return
        with database.session() as session:
            run = find_run(session, run_id)
            kind, options, state = run.kind, run.options, run.state
        if state != "discovering":
            return
        end = time.monotonic() + SLICE_SECONDS

        def entered() -> None:
            ring(doorbell, FETCH_TASK, run_id)
            if time.monotonic() > end:
                raise _SliceOverError

        try:
            source = build_source(kind, options, settings)
            discover(database, run_id, source, on_progress=_nobody_watches, on_page=entered)
        except _SliceOverError:
            pass
        except StylesearchError as error:
            problem = str(error)
            through_outages(lambda: _stop(database, run_id, problem))
            return
    # The first stage closes a run of which nothing is left.
    ring(doorbell, FETCH_TASK if _is_discovered(database, run_id) else DISCOVER_TASK, run_id)


def _nobody_watches(_done: int, _total: int) -> None:
    pass


@contextmanager
def _alone(database: Database, run_id: int) -> Iterator[bool]:
    """Hold a lock for as long as a run is discovered, without a transaction that stays open."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        key = (ALONE_LOCK, run_id % 2**31)
        alone = bool(connection.scalar(select(func.pg_try_advisory_lock(*key))))
        try:
            yield alone
        finally:
            if alone and not connection.invalidated:
                connection.execute(select(func.pg_advisory_unlock(*key)))


def _is_discovered(database: Database, run_id: int) -> bool:
    with database.session() as session:
        return find_run(session, run_id).state != "discovering"


def _stop(database: Database, run_id: int, problem: str) -> None:
    with database.session() as session:
        find_run(session, run_id).problem = problem
