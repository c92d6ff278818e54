"""All the workers of one machine: started, started again when they end, and stopped together."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from types import FrameType

from stylesearch.local.processes import die_with_parent

POLL_SECONDS = 0.2
STOP_SECONDS = 100.0
"""How long workers may take to finish what they hold: longer than a slice of work, shorter than compose waits."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
GOOD_SECONDS = 120.0
"""A worker that ran for as long has not failed at its start, and is started again at once."""

log = logging.getLogger(__name__)


@dataclass
class Child:
    """A worker and how often it has failed."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    pause: float = FIRST_PAUSE

    def start(self) -> None:
        """Start it. It ends when we do, however that happens."""
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            start_new_session=True,  # Ctrl-C comes to us, and we ask it to finish
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - no other thread holds a lock the child needs
        )

    def look_after(self) -> None:
        """Start it if it is to run and does not; after a failure at its start, not at once."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            log.warning("the %s worker ended with code %s", self.name, self.process.returncode)
            if now - self.started_at > GOOD_SECONDS:
                self.pause = FIRST_PAUSE
            self.start_at = now + self.pause
            self.pause = min(LONGEST_PAUSE, 2 * self.pause)
            self.process = None
        if self.process is None and now >= self.start_at:
            self.start()


@dataclass
class Supervisor:
    """Keeps some workers running until it is told to stop."""

    children: list[Child]
    stopping: bool = False

    def run(self) -> None:
        """Run until SIGTERM or SIGINT; a second one ends what the workers hold undone."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask_to_stop)
        try:
            while not self.stopping:
                for child in self.children:
                    child.look_after()
                time.sleep(POLL_SECONDS)
        finally:
            self._stop()

    def _ask_to_stop(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.stopping:
            for child in self.children:
                if child.process is not None:
                    _kill(child.process)
        self.stopping = True

    def _stop(self) -> None:
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            process.terminate()
        end = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                _kill(process)
                process.wait()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a worker and the processes it has made."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def worker_command(queues: str, *options: str) -> list[str]:
    """Return the command that runs a worker for some queues in a process of its own."""
    return [sys.executable, "-m", "stylesearch", "workers", "start", "--queues", queues, *options]
