"""``stylesearch workers``: run the workers on this machine."""

from __future__ import annotations

import os
import warnings

import click
from celery.platforms import SecurityWarning

from stylesearch.catalog.database import open_database
from stylesearch.settings import get_settings

MOST_PROCESSES = 8


@click.group()
def workers() -> None:
    """Run the workers that take collections in."""


@workers.command()
@click.option("--concurrency", type=click.IntRange(1, 256), help="Processes; default: one a core, 8 at most.")
def start(concurrency: int | None) -> None:
    """Start a worker in the foreground; Ctrl-C lets it finish what it holds."""
    settings = get_settings()
    open_database(settings).close()  # says at once what is wrong, and leaves no connection to be forked
    # Celery warns root because pickled messages could run code; ours are JSON and hold a number.
    warnings.filterwarnings(
        "ignore", message=r"(?s)You're running the worker with superuser privileges", category=SecurityWarning
    )
    from workers.app import app

    processes = concurrency or settings.worker_concurrency or min(os.cpu_count() or 1, MOST_PROCESSES)
    app.worker_main(
        [
            "worker",
            f"--concurrency={processes}",
            f"--loglevel={settings.log_level}",
            "--without-mingle",
            "--without-gossip",
        ]
    )
