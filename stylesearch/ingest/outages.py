"""Waiting for the database to come back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from stylesearch.errors import ServiceError

OUTAGE_SECONDS = 60.0

log = logging.getLogger(__name__)
Result = TypeVar("Result")


def through_outages(action: Callable[[], Result]) -> Result:
    """Do something with the database, again and again while it cannot be reached, for a minute at most.

    What took seconds to describe is not thrown away because the database restarts.
    """
    deadline = time.monotonic() + OUTAGE_SECONDS
    while True:
        try:
            return action()
        except ServiceError as error:
            if error.code != "database_unreachable" or time.monotonic() > deadline:
                raise
            log.warning("waiting for the database: %s", error)
            time.sleep(1)
