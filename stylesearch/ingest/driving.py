"""All of a run in one process: threads that fetch and decode, ahead of the one that describes and writes."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from stylesearch.ingest.counts import Counts
from stylesearch.ingest.outages import through_outages
from stylesearch.ingest.pipeline import Pipeline
from stylesearch.ingest.run import POLL_SECONDS, OnCounts, close_if_done

SHOW_SECONDS = 0.5


def drive(pipeline: Pipeline, run_id: int, *, on_progress: OnCounts) -> Counts:
    """Deal with all of a run in this process.

    Raises
    ------
    StylesearchError
        If the store, the encoder or the database fails; the run can be gone on with.
    """
    threads = pipeline.settings.ingest_threads
    with ThreadPoolExecutor(threads, thread_name_prefix="prepare") as pool:
        ahead: set[Future[int]] = set()
        fetch_at = shown_at = 0.0
        try:
            while True:
                now = time.monotonic()
                while now >= fetch_at and len(ahead) < threads:
                    ahead.add(pool.submit(pipeline.fetch_batch, run_id))
                described = pipeline.embed_batch(run_id)
                done = {future for future in ahead if future.done()}
                ahead -= done
                if any(future.result() == 0 for future in done) and not described:
                    # No more for now: all is held, a server is to be asked later, or the spool is full.
                    fetch_at = time.monotonic() + POLL_SECONDS
                nothing_in_hand = not described and not ahead
                if nothing_in_hand or now - shown_at >= SHOW_SECONDS:
                    shown_at = now
                    counts = through_outages(lambda: close_if_done(pipeline.database, run_id))
                    on_progress(counts)
                    if counts.open == 0:
                        return counts
                if nothing_in_hand:
                    time.sleep(max(0.0, fetch_at - time.monotonic()))
                elif not described:
                    wait(ahead, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
        finally:
            for future in ahead:
                future.cancel()
