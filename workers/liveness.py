"""Whether this worker still works; one that does not ends itself, to be started again."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence

import psutil
from celery.worker import state

from stylesearch.errors import ServiceError
from stylesearch.ingest.doorbell import TASK_SECONDS, Doorbell
from stylesearch.ingest.keeper import STALLED_EXIT

LOOK_SECONDS = 15.0
DEAF_SECONDS = 120.0

log = logging.getLogger(__name__)


class Liveness:
    """Looks at what a worker does, not at whether its process is there.

    A worker is deaf if messages wait in its queues and it takes none, though it has nothing to do: it may have missed
    that the broker came back. It hangs if a task runs longer than any may: the solo pool has no other limit. Who holds
    items and does not move is found out earlier, by the keeper of leases.

    Parameters
    ----------
    queues:
        What the worker listens to.
    deaf_seconds, task_seconds:
        How long it may take no message, and how long a task may run.
    """

    def __init__(
        self,
        doorbell: Doorbell,
        queues: Sequence[str],
        *,
        deaf_seconds: float = DEAF_SECONDS,
        task_seconds: float = 2 * TASK_SECONDS,
    ) -> None:
        self._doorbell = doorbell
        self._queues = tuple(queues)
        self._deaf_seconds = deaf_seconds
        self._task_seconds = task_seconds
        self._heard_at = time.monotonic()

    def look(self) -> str | None:
        """Return what is wrong, if anything is."""
        began = [request.time_start for request in list(state.active_requests) if request.time_start]
        if began and time.time() - min(began) > self._task_seconds:
            return f"a task has run for more than {self._task_seconds:.0f} s"
        if state.reserved_requests or not self._is_called():
            self._heard_at = time.monotonic()
            return None
        if time.monotonic() - self._heard_at > self._deaf_seconds:
            return f"messages have waited for more than {self._deaf_seconds:.0f} s, and none was taken"
        return None

    def _is_called(self) -> bool:
        try:
            return any(self._doorbell.waiting(queue) for queue in self._queues)
        except ServiceError:  # a broker that is away calls nobody
            return False

    def watch(self, *, every_seconds: float = LOOK_SECONDS) -> None:
        """Look again and again; end the process when something is wrong."""
        while True:
            time.sleep(every_seconds)
            wrong = self.look()
            if wrong is not None:
                log.critical("this worker ends itself: %s", wrong)
                for child in psutil.Process().children(recursive=True):
                    child.kill()
                os._exit(STALLED_EXIT)  # what hangs in a library heeds nothing less
