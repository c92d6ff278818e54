"""A server program as a child process: what starting and stopping are for both of them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import psutil

from stylesearch.local.account import Account
from stylesearch.local.binaries import Binaries
from stylesearch.local.layout import Layout
from stylesearch.local.processes import die_with_parent

LOOPBACK = "127.0.0.1"
LOG_LIMIT_BYTES = 16 * 1024**2


class Server(Protocol):
    """One server program under the supervisor."""

    name: str
    process: subprocess.Popen[bytes] | None

    def prepare(self) -> None:
        """Make its data folder and end what an earlier supervisor may have left running."""

    def start(self) -> None:
        """Start the program."""

    def is_ready(self) -> bool:
        """Whether a real connection is answered."""

    def after_start(self) -> None:
        """Set up what needs a running server."""

    def stop(self) -> None:
        """Stop the program and wait for it."""

    @property
    def log(self) -> Path:
        """Its log file."""


class Program:
    """Starting and stopping, which is the same for both servers."""

    name: str
    stop_signal: signal.Signals

    def __init__(
        self, layout: Layout, *, transport: str, account: Account | None, binaries: Binaries
    ) -> None:
        self.layout = layout
        self.account = account
        self.binaries = binaries
        self.port = free_port() if transport == "tcp" else None
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.layout.logs / f"{self.name}.log"

    def run_as(self) -> dict[str, Any]:
        """Return what makes a child process run as the servers' account."""
        if self.account is None:
            return {}
        return {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}

    def spawn(self, command: list[str], *, stdin: bytes = b"") -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=plain_environment(),
                # Ctrl-C in the terminal is for the command in the foreground, not for the servers.
                start_new_session=True,
                preexec_fn=die_with_parent(self.stop_signal),  # noqa: PLW1509 - the supervisor has one thread
                **self.run_as(),
            )
        assert self.process.stdin is not None
        self.process.stdin.write(stdin)
        self.process.stdin.close()

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def end_orphan(pid: int, belongs: Callable[[psutil.Process], bool], *, how: signal.Signals) -> None:
    """End a server that outlived its supervisor, if that process id still is that server."""
    try:
        process = psutil.Process(pid)
        if not belongs(process):
            return
        process.send_signal(how)
        process.wait(timeout=30)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired:
        process.kill()


def plain_environment() -> dict[str, str]:
    """Return an environment without what would redirect a server or its client library."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
