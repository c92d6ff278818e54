"""``stylesearch workers``: run the workers on this machine."""

from __future__ import annotations

import logging
import os
import threading
import time
import warnings
from typing import Any

import click
from celery.platforms import SecurityWarning
from celery.signals import worker_ready

from stylesearch.catalog.database import open_database
from stylesearch.errors import InputError, ServiceError
from stylesearch.ingest.doorbell import (
    EMBED_QUEUE,
    INGEST_QUEUE,
    MAINTENANCE_QUEUE,
    QUEUES,
    UPKEEP_TASK,
    Doorbell,
)
from stylesearch.ingest.upkeep import UPKEEP_SECONDS
from stylesearch.logs import set_up_logging
from stylesearch.settings import Settings, get_settings

MOST_PROCESSES = 8

log = logging.getLogger(__name__)


@click.group()
def workers() -> None:
    """Run the workers that take collections in."""


@workers.command()
@click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    help="Processes that decode; default: one a core, 8 at most.",
)
@click.option(
    "--queues",
    help="Run one worker for these queues only, parted by commas: ingest (fetches and decodes, in several processes),"
    " embed (describes, one process a device), maintenance.",
)
def start(concurrency: int | None, queues: str | None) -> None:
    """Start all that one machine needs, in the foreground; Ctrl-C lets it finish what it holds.

    That is one worker that fetches and decodes in several processes, and one that describes; either is started again if
    it ends. With --queues, just one worker, for machines that share the work.
    """
    settings = get_settings()
    open_database(settings).close()  # says at once what is wrong, and leaves no connection to be forked
    processes = concurrency or settings.worker_concurrency or min(os.cpu_count() or 1, MOST_PROCESSES)
    if queues is not None:
        _run_worker(settings, _checked(queues), processes)
        return
    from workers.supervisor import Child, Supervisor, worker_command

    set_up_logging(settings)
    ingest = worker_command(INGEST_QUEUE, "--concurrency", str(processes))
    embed = worker_command(f"{EMBED_QUEUE},{MAINTENANCE_QUEUE}")
    Supervisor([Child("ingest", ingest), Child("embed", embed)]).run()


def _checked(queues: str) -> list[str]:
    names = [name.strip() for name in queues.split(",") if name.strip()]
    unknown = [name for name in names if name not in QUEUES]
    if unknown or not names:
        raise InputError(
            f"There is no queue {(unknown or [queues])[0]!r}.",
            hint=f"Queues: {', '.join(QUEUES)}.",
            code="queue",
        )
    return names


def _run_worker(settings: Settings, queues: list[str], processes: int) -> None:
    # Celery warns root because pickled messages could run code; ours are JSON and hold a number.
    warnings.filterwarnings(
        "ignore", message=r"(?s)You're running the worker with superuser privileges", category=SecurityWarning
    )
    from workers.app import app
    from workers.liveness import Liveness

    doorbell = Doorbell(settings)

    def begin(**_: Any) -> None:
        threading.Thread(target=Liveness(doorbell, queues).watch, name="liveness", daemon=True).start()
        if MAINTENANCE_QUEUE in queues:
            threading.Thread(target=_tick, args=[Doorbell(settings)], name="clock", daemon=True).start()

    # Begun when the pool is there: the fewer threads there are at a fork, the better.
    worker_ready.connect(begin, weak=False)
    # Forked processes decode side by side. A device is for one process, which must not be forked: CUDA bears neither.
    pool = ["--pool=solo"] if INGEST_QUEUE not in queues else ["--pool=prefork", f"--concurrency={processes}"]
    app.worker_main(
        [
            "worker",
            *pool,
            f"--queues={','.join(queues)}",
            f"--hostname={queues[0]}@%h",
            f"--loglevel={settings.log_level}",
            "--without-mingle",
            "--without-gossip",
        ]
    )


def _tick(doorbell: Doorbell) -> None:
    """Have the upkeep done now and then, by whoever is free first; it is done once however many ask for it."""
    while True:
        try:
            doorbell.ring(UPKEEP_TASK, expires=2 * UPKEEP_SECONDS)
        except ServiceError as error:
            log.warning("%s", error)
        time.sleep(UPKEEP_SECONDS)
