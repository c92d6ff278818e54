"""The tasks: short, safe to run twice, given ids and never pixels."""

from __future__ import annotations

from functools import lru_cache

from stylesearch.catalog.database import open_database
from stylesearch.ingest.doorbell import BATCH_TASK
from stylesearch.ingest.pipeline import Pipeline
from stylesearch.ingest.run import close_if_done, make_pipeline
from stylesearch.settings import get_settings
from workers.app import app


@lru_cache(maxsize=1)
def _pipeline() -> Pipeline:
    """Return this process's pipeline; made at its first task, so that nothing open is shared across a fork."""
    settings = get_settings()
    return make_pipeline(open_database(settings), settings)


@app.task(name=BATCH_TASK)  # type: ignore[untyped-decorator,unused-ignore]
def ingest_batch(run_id: int) -> None:
    """Deal with one batch of a run, and close the run when it was the last."""
    pipeline = _pipeline()
    if pipeline.run_batch(run_id):
        close_if_done(pipeline.database, run_id)
