"""Waiting for the database, or for a server that keeps a part of a gallery, to come back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from stylesearch.errors import ServiceError

OUTAGE_SECONDS = 600.0
"""Longer than a server takes to start again and recover; shorter than a task may run."""

AWAY = frozenset(["database_unreachable", "shard_down"])
"""Errors that go by themselves when a server is back."""

log = logging.getLogger(__name__)
Result = TypeVar("Result")


def through_outages(action: Callable[[], Result]) -> Result:
    """Do something with the database, again and again while it cannot be reached, for ten minutes at most.

    What took seconds to describe is not thrown away because the database restarts, and a run that is to last all night
    does not end because of that.
    """
    deadline = time.monotonic() + OUTAGE_SECONDS
    told = False
    while True:
        try:
            return action()
        except ServiceError as error:
            if error.code not in AWAY or time.monotonic() > deadline:
                raise
            if not told:
                log.warning("waiting for the database: %s", error)
            told = True
            time.sleep(1)
