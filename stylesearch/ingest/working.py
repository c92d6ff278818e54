"""What a worker does when it is called: it works for a while, and calls whoever is to go on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import select, text

from stylesearch.catalog.runs import FETCH_STATES, OPEN_STATES, IngestItem, IngestRun
from stylesearch.errors import ServiceError
from stylesearch.ingest.doorbell import EMBED_TASK, FETCH_TASK, Doorbell
from stylesearch.ingest.outages import through_outages
from stylesearch.ingest.pipeline import Pipeline
from stylesearch.ingest.run import close_if_done

SLICE_SECONDS = 10.0
"""After this long a worker turns to the next message: other runs have their turn, and a stop is heard."""

LINGER_SECONDS, LINGERS = 0.2, 10
"""How long, and how often, a worker waits for more before it ends its turn."""

log = logging.getLogger(__name__)


def fetch_for_a_while(pipeline: Pipeline, doorbell: Doorbell, run_id: int) -> None:
    """Do the first stage of a run, calling for the second; call for more at the end if there is more.

    Errors as :meth:`Pipeline.fetch_batch`.
    """
    called = False

    def batch() -> int:
        nonlocal called
        number = pipeline.fetch_batch(run_id)
        if number and not called:
            called = True
            _call(doorbell, EMBED_TASK, run_id)
        return number

    if _for_a_while(batch, partial(_is_over, pipeline, run_id, FETCH_STATES)):
        _close_if_done(pipeline, run_id)  # all of it may have been unchanged, or in quarantine
        _call(doorbell, EMBED_TASK, run_id)
    if is_ready(pipeline, run_id, "pending"):
        _call(doorbell, FETCH_TASK, run_id)


def embed_for_a_while(pipeline: Pipeline, doorbell: Doorbell, run_id: int) -> None:
    """Do the second stage of a run, and close the run when that was the last of it; call for more if there is more.

    Errors as :meth:`Pipeline.embed_batch`.
    """
    batch = partial(pipeline.embed_batch, run_id)
    if _for_a_while(batch, partial(_is_over, pipeline, run_id, OPEN_STATES)):
        _close_if_done(pipeline, run_id)
    if is_ready(pipeline, run_id, "prepared"):
        _call(doorbell, EMBED_TASK, run_id)


def _for_a_while(batch: Callable[[], int], is_over: Callable[[], bool]) -> int:
    """Do batches until there are no more or it has been a while; return how many items that was.

    Where there are none just now, others may be on their way: it waits for them a little, unless it is over.
    """
    end = time.monotonic() + SLICE_SECONDS
    total = lingered = 0
    while time.monotonic() < end and lingered < LINGERS:
        number = batch()
        total += number
        if number:
            lingered = 0
        elif is_over():
            break
        else:
            lingered += 1
            time.sleep(LINGER_SECONDS)
    return total


def _close_if_done(pipeline: Pipeline, run_id: int) -> None:
    through_outages(lambda: close_if_done(pipeline.database, run_id))


def _is_over(pipeline: Pipeline, run_id: int, states: Sequence[str]) -> bool:
    """Whether all of a run is discovered, and none of it is in one of these states."""

    def read() -> bool:
        with pipeline.database.session() as session:
            run = session.get_one(IngestRun, run_id)
            some = select(IngestItem.id).where(IngestItem.run_id == run_id, IngestItem.state.in_(states))
            return run.state != "discovering" and not session.scalar(select(some.exists()))

    return through_outages(read)


def is_ready(pipeline: Pipeline, run_id: int, state: str) -> bool:
    """Whether a run has items in a state that may be taken now."""
    return through_outages(lambda: _is_ready(pipeline, run_id, state))


def _is_ready(pipeline: Pipeline, run_id: int, state: str) -> bool:
    with pipeline.database.session() as session:
        return bool(
            session.scalar(
                text(
                    "SELECT EXISTS (SELECT FROM ingest_item WHERE run_id = :run AND state = :state"
                    " AND (not_before IS NULL OR not_before <= now()))"
                ),
                {"run": run_id, "state": state},
            )
        )


def _call(doorbell: Doorbell, task: str, run_id: int) -> None:
    try:
        doorbell.ring(task, run_id)
    except ServiceError as error:
        log.warning("%s", error)  # whoever watches the run calls again
