"""Not asking one server for too much at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Lets a few requests at a time through to each host, and has them begin some way apart.

    Parameters
    ----------
    per_host:
        Requests to one host at a time.
    delay:
        Seconds between the beginnings of two.
    """

    def __init__(self, *, per_host: int, delay: float) -> None:
        self._per_host = per_host
        self._delay = delay
        self._guard = threading.Lock()
        self._turns: dict[str, threading.BoundedSemaphore] = {}
        self._next: dict[str, float] = {}

    @contextmanager
    def turn(self, host: str) -> Iterator[None]:
        """Wait for a turn with a host, and have it for as long as the block lasts."""
        with self._guard:
            turns = self._turns.setdefault(host, threading.BoundedSemaphore(self._per_host))
        with turns:
            with self._guard:
                begin = max(time.monotonic(), self._next.get(host, 0.0))
                self._next[host] = begin + self._delay
            time.sleep(max(0.0, begin - time.monotonic()))
            yield

    def hold_off(self, host: str, seconds: float) -> None:
        """Let nobody begin with a host for a while: it has asked for that."""
        with self._guard:
            self._next[host] = max(self._next.get(host, 0.0), time.monotonic() + seconds)
