"""Using the local services: start them on demand, share them, and leave nothing behind."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from stylesearch.errors import ServiceError
from stylesearch.local.layout import Layout, prepare_home
from stylesearch.local.locks import FileLock
from stylesearch.local.postgres import postgres_url
from stylesearch.local.valkey import valkey_url

START_SECONDS = 120.0
STOP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Endpoints:
    """How to reach the services.

    Attributes
    ----------
    database_url:
        A libpq URL.
    redis_url:
        A URL in the form Celery reads; ``redis+socket://`` over a socket.
    """

    database_url: str
    redis_url: str


@dataclass(frozen=True, slots=True)
class Status:
    """What runs."""

    running: bool
    pinned: bool
    supervisor_pid: int | None = None
    started: float | None = None


@dataclass
class _Use:
    """Our own hold on the services of one data folder."""

    lock: FileLock
    owner_pid: int
    supervisor: subprocess.Popen[bytes] | None


_uses: dict[Path, _Use] = {}
_guard = threading.RLock()


def ensure(home: Path, *, transport: str = "socket") -> Endpoints:
    """Have the services running for as long as this process lives, and say how to reach them.

    Raises
    ------
    ServiceError
        If the data folder cannot serve or a server does not start.
    """
    layout = prepare_home(home)
    with _guard:
        use = _uses.get(layout.home)
        if use is None:
            use = _Use(lock=FileLock(layout.users_lock), owner_pid=os.getpid(), supervisor=None)
            use.lock.share()  # waits while an ending supervisor finishes
            _uses[layout.home] = use
            if len(_uses) == 1:
                atexit.register(release)
        return _await_ready(layout, use, transport)


def _await_ready(layout: Layout, use: _Use, transport: str) -> Endpoints:
    deadline = time.monotonic() + START_SECONDS
    while True:
        if _supervisor_runs(layout):
            state = layout.read_state()
            if state.get("status") == "ready" and _answers(postgres_url(layout, state["postgres_port"])):
                return Endpoints(
                    postgres_url(layout, state["postgres_port"]), valkey_url(layout, state["valkey_port"])
                )
        elif use.supervisor is None or use.supervisor.poll() is not None:
            if use.supervisor is not None and use.supervisor.returncode != 0:
                _raise_failure(layout, use)
            layout.state.unlink(missing_ok=True)
            use.supervisor = _start_supervisor(layout, transport)
        if time.monotonic() > deadline:
            raise ServiceError(
                f"The local services did not start within {START_SECONDS:.0f} s.",
                hint=f"See the logs in {layout.logs}.",
                code="server_failed",
            )
        time.sleep(0.03)


def _answers(url: str) -> bool:
    """Whether the database takes a connection: a killed one may still be recovering, whatever was last said of it."""
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _raise_failure(layout: Layout, use: _Use) -> None:
    use.supervisor = None
    state = layout.read_state()
    raise ServiceError(
        state.get("message", "The local services did not start."),
        hint=state.get("hint", f"See the logs in {layout.logs}."),
        code=state.get("code", "server_failed"),
    )


def _start_supervisor(layout: Layout, transport: str) -> subprocess.Popen[bytes]:
    with (layout.logs / "supervisor.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "stylesearch.local.supervisor", str(layout.home), transport],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )


def _supervisor_runs(layout: Layout) -> bool:
    probe = FileLock(layout.supervisor_lock)
    try:
        return not probe.try_exclusive()
    finally:
        probe.release()


def release(home: Path | None = None) -> None:
    """Let go of the services; where we started them and nobody else uses them, wait until they have stopped.

    Parameters
    ----------
    home:
        The data folder whose services to let go of; all that this process uses by default.
    """
    with _guard:
        for folder in [home.absolute()] if home else list(_uses):
            use = _uses.pop(folder, None)
            if use is None or use.owner_pid != os.getpid():
                continue
            use.lock.release()
            if use.supervisor is not None:
                _await_stop(Layout(folder), use.supervisor)


def _await_stop(layout: Layout, supervisor: subprocess.Popen[bytes]) -> None:
    """Wait for our supervisor to end, unless somebody else or a pin keeps it."""
    deadline = time.monotonic() + STOP_SECONDS
    while supervisor.poll() is None and time.monotonic() < deadline:
        if layout.pin.exists() or _used_by_others(layout):
            supervisor.returncode = 0  # it goes on without us, of which Popen would complain
            return
        time.sleep(0.03)


def _used_by_others(layout: Layout) -> bool:
    """Whether the users' lock is shared: not free, and not the ending supervisor's own."""
    probe = FileLock(layout.users_lock)
    try:
        return not probe.try_exclusive() and probe.try_share()
    finally:
        probe.release()


def start(home: Path, *, transport: str = "socket") -> Endpoints:
    """Start the services and keep them running until :func:`stop`."""
    endpoints = ensure(home, transport=transport)
    Layout(home.absolute()).pin.touch()
    return endpoints


def stop(home: Path) -> bool:
    """Stop the services, whoever uses them; return whether they ran.

    Raises
    ------
    ServiceError
        If they do not stop in time.
    """
    layout = Layout(home.absolute())
    layout.pin.unlink(missing_ok=True)
    if not layout.home.exists() or not _supervisor_runs(layout):
        return False
    pid = layout.read_state().get("pid")
    deadline = time.monotonic() + STOP_SECONDS
    while _supervisor_runs(layout):
        pid = pid or layout.read_state().get("pid")  # it may still be starting
        if pid:
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                pid = None
        if time.monotonic() > deadline:
            raise ServiceError(
                f"The local services did not stop within {STOP_SECONDS:.0f} s.",
                hint=f"See the logs in {layout.logs}.",
                code="server_failed",
            )
        time.sleep(0.1)
    return True


def status(home: Path) -> Status:
    """Say what runs, without starting anything."""
    layout = Layout(home.absolute())
    pinned = layout.pin.exists()
    if not layout.home.exists() or not _supervisor_runs(layout):
        return Status(running=False, pinned=pinned)
    state = layout.read_state()
    return Status(
        running=state.get("status") == "ready",
        pinned=pinned,
        supervisor_pid=state.get("pid"),
        started=state.get("started"),
    )
