"""What is to be looked after now and then: runs that nobody watches, and what lost workers have left."""

from __future__ import annotations

import logging

from sqlalchemy import select, text

from stylesearch.catalog import densities, encoders, upgrades, whitening
from stylesearch.catalog.database import Database
from stylesearch.catalog.runs import IngestRun
from stylesearch.images.store import open_spool
from stylesearch.ingest.doorbell import DISCOVER_TASK, Doorbell
from stylesearch.ingest.run import close_if_done
from stylesearch.ingest.spool import Spool
from stylesearch.ingest.unattended import still_discovering
from stylesearch.settings import Settings

UPKEEP_SECONDS = 30.0
DENSITY_SECONDS = 10.0
"""How long densities are measured at a time."""

LEFT_SECONDS = 6 * 3600.0
"""What lies in the spool for this long and is in no ledger was left by a worker that is no more."""

UPKEEP_LOCK = 0x555046  # "UPF"

log = logging.getLogger(__name__)


def keep_up(database: Database, settings: Settings, doorbell: Doorbell) -> None:
    """Look after everything once; two that come at the same time do it once.

    Raises
    ------
    ServiceError
        If the database, the broker or the store cannot be reached; the next time is soon.
    """
    with database.session() as session:
        if not session.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": UPKEEP_LOCK}):
            return
        spool = Spool(open_spool(settings), max_bytes=settings.spool_max_bytes)
        swept = spool.sweep(session, older_than_seconds=LEFT_SECONDS)
        if swept:
            log.info("removed %s pictures that lost workers had left in the spool", swept)
        upgrades.drop_emptied(session)
        open_runs = session.scalars(
            select(IngestRun.id).where(IngestRun.state == "running", IngestRun.problem.is_(None))
        ).all()
        discovering = still_discovering(session)
        active = encoders.all_active(session)
    for run_id in discovering:  # whoever is just at it is not disturbed
        doorbell.ring(DISCOVER_TASK, run_id, expires=UPKEEP_SECONDS)
    for run_id in open_runs:
        _wake(database, settings, doorbell, run_id)
    if not (open_runs or discovering):  # whoever takes works in has better things to do
        for encoder in active:
            densities.refresh(database, encoder, seconds=DENSITY_SECONDS)
            whitening.refresh(database, encoder)


def _wake(database: Database, settings: Settings, doorbell: Doorbell, run_id: int) -> None:
    """Call for a run in which nothing has moved for a while, or close it if there is nothing left of it."""
    with database.session() as session:
        moving = session.scalar(
            text(
                "SELECT EXISTS (SELECT FROM ingest_item WHERE run_id = :run"
                " AND updated_at > now() - make_interval(secs => :quiet))"
            ),
            {"run": run_id, "quiet": max(UPKEEP_SECONDS, settings.ingest_lease_seconds / 2)},
        )
    if moving:
        return
    counts = close_if_done(database, run_id)
    doorbell.ring_for(
        run_id, pending=counts.pending + counts.fetching, prepared=counts.prepared + counts.embedding
    )
