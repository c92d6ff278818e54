"""The tasks: short, safe to run twice, given ids and never pixels."""

from __future__ import annotations

import logging
from functools import lru_cache

from stylesearch.attribution.batches import report_for_a_while
from stylesearch.attribution.report import ReportMaker
from stylesearch.catalog import encoders
from stylesearch.catalog.database import open_database
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.errors import StylesearchError
from stylesearch.images.store import open_store
from stylesearch.ingest.doorbell import (
    DISCOVER_TASK,
    EMBED_TASK,
    FETCH_TASK,
    MAP_TASK,
    REPORT_TASK,
    UPKEEP_TASK,
    Doorbell,
)
from stylesearch.ingest.pipeline import Pipeline
from stylesearch.ingest.run import make_pipeline
from stylesearch.ingest.unattended import discover_for_a_while
from stylesearch.ingest.upkeep import UPKEEP_SECONDS, keep_up
from stylesearch.ingest.working import embed_for_a_while, fetch_for_a_while
from stylesearch.search import stylemap
from stylesearch.search.recall import measure_where_due
from stylesearch.search.service import StyleSearch
from stylesearch.settings import get_settings
from workers.app import app

log = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def _pipeline() -> Pipeline:
    """Return this process's pipeline; made at its first task, so that nothing open is shared across a fork."""
    settings = get_settings()
    return make_pipeline(open_database(settings), settings, expendable=True)


@lru_cache(maxsize=1)
def _doorbell() -> Doorbell:
    return Doorbell(get_settings())


@app.task(name=DISCOVER_TASK)  # type: ignore[untyped-decorator,unused-ignore]
def discover(run_id: int) -> None:
    """Find out for a while what a run has."""
    settings = get_settings()
    discover_for_a_while(open_database(settings), settings, _doorbell(), run_id)


@app.task(name=FETCH_TASK)  # type: ignore[untyped-decorator,unused-ignore]
def fetch(run_id: int) -> None:
    """Fetch and decode items of a run for a while."""
    fetch_for_a_while(_pipeline(), _doorbell(), run_id)


@app.task(name=EMBED_TASK)  # type: ignore[untyped-decorator,unused-ignore]
def embed(run_id: int) -> None:
    """Describe and write items of a run for a while."""
    embed_for_a_while(_pipeline(), _doorbell(), run_id)


@lru_cache(maxsize=1)
def _report_maker() -> ReportMaker:
    settings = get_settings()
    return ReportMaker(StyleSearch(open_database(settings), settings), open_store(settings))


@app.task(name=REPORT_TASK)  # type: ignore[untyped-decorator,unused-ignore]
def report(batch_id: int) -> None:
    """Make reports of a batch for a while."""
    if report_for_a_while(_report_maker(), batch_id):
        _doorbell().ring(REPORT_TASK, batch_id)


@app.task(name=UPKEEP_TASK)  # type: ignore[untyped-decorator,unused-ignore]
def upkeep() -> None:
    """Look after runs, the spool, what is known of indexes, and maps."""
    settings = get_settings()
    database = open_database(settings)
    keep_up(database, settings, _doorbell())
    measure_where_due(database, settings)
    with database.session() as session:
        due = [row.id for row in encoders.all_active(session) if stylemap.is_due(session, row)]
    for encoder_id in due:
        _doorbell().ring(MAP_TASK, encoder_id, expires=2 * UPKEEP_SECONDS)


@app.task(name=MAP_TASK)  # type: ignore[untyped-decorator,unused-ignore]
def draw_map(encoder_id: int) -> None:
    """Draw the map of an encoder's gallery, unless that has been done meanwhile."""
    database = open_database(get_settings())
    with database.session() as session:
        row = session.get(EncoderRow, encoder_id)
        if row is None or row.status != "active" or not stylemap.is_due(session, row):
            return
    try:
        stylemap.build(database, row)
    except StylesearchError as error:  # the next upkeep asks for it again
        log.warning("%s", error)
