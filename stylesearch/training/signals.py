"""Stopping between two steps instead of in the middle of one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Have the first SIGINT or SIGTERM set the event, and a second one act as before, for as long as the block lasts.

    Outside the main thread, which alone may say what a signal does, nothing is changed and the event stays unset.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in STOPPING}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the form of a handler
        stop.set()
        restore()

    for number in STOPPING:
        signal.signal(number, note)
    try:
        yield stop
    finally:
        restore()


def ignore_interrupts() -> None:
    """Leave Ctrl-C, which reaches all processes of a terminal, to the parent: it ends its workers when it is done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
