"""Keeping hold of items for as long as there is progress, and no longer."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from stylesearch.catalog.database import Database
from stylesearch.errors import ServiceError
from stylesearch.ingest import ledger

STALLED_EXIT = 75  # EX_TEMPFAIL: start me again

log = logging.getLogger(__name__)


class Keeper:
    """Renews the leases of what this process holds, in a thread of its own.

    A lease is short, so that a killed worker's items are free again soon; work may be long. What tells the two apart is
    progress: who holds items and does not move is stuck, in a decoder or on a device, and lets go of them.

    Parameters
    ----------
    lease_seconds:
        How long a lease lasts.
    stall_seconds:
        How long nothing may move before the process counts as stuck.
    exits:
        Whether a stuck process ends itself, so that whoever watches over it starts another.
    """

    def __init__(
        self, database: Database, *, lease_seconds: int, stall_seconds: int, exits: bool = False
    ) -> None:
        self._database = database
        self._lease_seconds = lease_seconds
        self._stall_seconds = stall_seconds
        self._exits = exits
        self._guard = threading.Lock()
        self._held: set[int] = set()
        self._moved_at = time.monotonic()
        self._thread: threading.Thread | None = None

    @contextmanager
    def holding(self, item_ids: Sequence[int]) -> Iterator[None]:
        """Renew the leases of these items for as long as the block lasts."""
        with self._guard:
            self._held.update(item_ids)
            self._moved_at = time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._guard:
                self._held.difference_update(item_ids)

    def moved(self) -> None:
        """Say that something has been done."""
        self._moved_at = time.monotonic()

    def _keep(self) -> None:
        while True:
            time.sleep(max(0.2, self._lease_seconds / 3))
            with self._guard:
                held = list(self._held)
                if not held:
                    self._thread = None  # the next who holds something starts another
                    return
            if time.monotonic() - self._moved_at > self._stall_seconds:
                self._give_up(len(held))
                continue
            try:
                with self._database.session() as session:
                    ledger.renew(session, held, lease_seconds=self._lease_seconds)
            except ServiceError as error:
                log.warning("leases could not be renewed: %s", error)

    def _give_up(self, held: int) -> None:
        log.critical("nothing has moved for %s s with %s items held", self._stall_seconds, held)
        if self._exits:
            os._exit(STALLED_EXIT)  # a thread that is stuck in a library heeds nothing less
