"""The process that keeps the servers running for as long as somebody uses them.

``python -m stylesearch.local.supervisor HOME TRANSPORT``; started by :mod:`stylesearch.local.services`, never by hand.

Users hold a shared lock on one file. The kernel lets go of it however a user ends, so that "is anybody there?" needs no
counting and survives ``kill -9``. While nobody holds it, and the services are not pinned, the supervisor stops the
servers and ends, keeping the lock to itself until it has: who comes in between waits, then starts afresh.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from stylesearch.errors import StylesearchError
from stylesearch.local.layout import Layout
from stylesearch.local.locks import FileLock
from stylesearch.local.postgres import Postgres
from stylesearch.local.program import Server
from stylesearch.local.servers import make_servers, wait_until_ready
from stylesearch.local.valkey import Valkey

POLL_SECONDS = 0.1
START_SECONDS = 90.0
FIRST_TRIES = 3
MOST_FAILURES = 10
"""So often in a row a server may fail to come up again; one that comes up is started again however often it is killed."""

log = logging.getLogger("stylesearch.local.supervisor")


class Supervisor:
    """Starts the servers, restarts what crashes, and stops both when the last user has gone."""

    def __init__(self, layout: Layout, *, transport: str) -> None:
        self.layout = layout
        self.transport = transport
        self.stopping = False
        self.failures = 0
        self.users = FileLock(layout.users_lock)

    def run(self) -> None:
        """Serve until there is nobody left to serve, or a signal says to stop."""
        signal.signal(signal.SIGTERM, self._ask_to_stop)
        signal.signal(signal.SIGINT, self._ask_to_stop)
        postgres, valkey = make_servers(self.layout, transport=self.transport)
        servers: tuple[Server, ...] = (postgres, valkey)
        try:
            for server in servers:
                server.prepare()
                server.start()
            for server in servers:
                self._await_first(server)
                server.after_start()
            self._say_ready(postgres, valkey)
            while not self.stopping and not self._is_unused():
                time.sleep(POLL_SECONDS)
                revived = [server for server in servers if self._revive(server)]
                if revived:
                    self._say_ready(postgres, valkey)
        finally:
            for server in reversed(servers):
                server.stop()
            log.info("stopped")

    def _ask_to_stop(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.stopping = True

    def _is_unused(self) -> bool:
        """Whether nobody uses the services; if so, the lock is ours from here on."""
        return not self.layout.pin.exists() and self.users.try_exclusive()

    def _await_first(self, server: Server) -> None:
        """Wait for a server's first start; a killed predecessor's children may hold its memory for a moment."""
        for _ in range(FIRST_TRIES - 1):
            try:
                return wait_until_ready(server, seconds=START_SECONDS)
            except StylesearchError as error:
                if server.process is None or server.process.poll() is None:
                    raise
                log.warning("%s", error)
                time.sleep(1)
                server.prepare()
                server.start()
        return wait_until_ready(server, seconds=START_SECONDS)

    def _revive(self, server: Server) -> bool:
        """Start a server again that has ended; return whether it had."""
        if server.process is None or server.process.poll() is None:
            return False
        log.warning("%s ended with code %s; starting it again", server.name, server.process.returncode)
        if self.failures >= MOST_FAILURES:
            raise StylesearchError(
                f"{server.name} keeps ending.", hint=f"Its log is {server.log}.", code="server_failed"
            )
        server.prepare()
        server.start()
        try:
            wait_until_ready(server, seconds=START_SECONDS)
        except StylesearchError as error:
            # Its killed predecessor's children may hold its memory for a moment; the next round tries again.
            log.warning("%s", error)
            self.failures += 1
            time.sleep(0.5)
        else:
            self.failures = 0
        return True

    def _say_ready(self, postgres: Postgres, valkey: Valkey) -> None:
        log.info("ready")
        self.layout.write_state(
            {
                "status": "ready",
                "pid": os.getpid(),
                "postgres_pid": postgres.process.pid if postgres.process else None,
                "valkey_pid": valkey.process.pid if valkey.process else None,
                "postgres_port": postgres.port,
                "valkey_port": valkey.port,
                "started": time.time(),
            }
        )


def main(home: str, transport: str) -> int:
    """Run one supervisor; a second one for the same folder ends at once."""
    layout = Layout(Path(home))
    logging.basicConfig(
        filename=layout.logs / "supervisor.log",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    lock = FileLock(layout.supervisor_lock)
    if not lock.try_exclusive():
        return 0
    try:
        Supervisor(layout, transport=transport).run()
    except StylesearchError as error:
        log.error("%s", error)
        layout.write_state(
            {
                "status": "failed",
                "pid": os.getpid(),
                "message": error.message,
                "hint": error.hint,
                "code": error.code,
            }
        )
        return 1
    except Exception:
        log.exception("the supervisor failed")
        layout.write_state(
            {
                "status": "failed",
                "pid": os.getpid(),
                "message": "The local services failed.",
                "hint": f"See {layout.logs / 'supervisor.log'}.",
                "code": "server_failed",
            }
        )
        raise
    layout.state.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
