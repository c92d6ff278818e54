"""The local Valkey, which speaks Redis's protocol."""

from __future__ import annotations

import signal
from pathlib import Path
from urllib.parse import quote

import psutil

from stylesearch.local.layout import Layout
from stylesearch.local.program import LOOPBACK, Program, end_orphan


class Valkey(Program):
    """Valkey, which speaks Redis's protocol."""

    name = "valkey"
    stop_signal = signal.SIGTERM

    def prepare(self) -> None:
        try:
            pid = int((self.layout.valkey / "valkey.pid").read_text())
        except (OSError, ValueError):
            return
        end_orphan(pid, self._is_ours, how=signal.SIGTERM)

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return "valkey-server" in process.name() and process.cwd() == str(self.layout.valkey)
        except psutil.Error:
            return False

    def start(self) -> None:
        path = valkey_socket(self.layout)
        path.unlink(missing_ok=True)
        lines = [
            f"dir {_quoted(self.layout.valkey)}",
            f"pidfile {_quoted(self.layout.valkey / 'valkey.pid')}",
            "daemonize no",
            "save ''",
            "appendonly yes",
            "appendfsync everysec",
            f"requirepass {self.layout.password()}",
            *(
                [f"port {self.port}", f"bind {LOOPBACK}"]
                if self.port
                else ["port 0", f"unixsocket {_quoted(path)}", "unixsocketperm 700"]
            ),
        ]
        # The configuration goes through a pipe, so that the password is in no file of its own and in no process list.
        self.spawn([str(self.binaries.valkey_server), "-"], stdin="\n".join(lines).encode() + b"\n")

    def is_ready(self) -> bool:
        import redis

        client = redis.Redis(
            host=LOOPBACK,
            port=self.port or 0,
            unix_socket_path=None if self.port else str(valkey_socket(self.layout)),
            password=self.layout.password(),
            socket_timeout=5,
        )
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):  # also while it still reads its file
            return False
        finally:
            client.close()

    def after_start(self) -> None:
        """Nothing: the queue is its only content."""


def valkey_socket(layout: Layout) -> Path:
    """Return the path of Valkey's socket."""
    return layout.sockets / "valkey.sock"


def valkey_url(layout: Layout, port: int | None) -> str:
    """Return the local Valkey's URL in the form that Celery reads."""
    password = quote(layout.password(), safe="")
    if port:
        return f"redis://:{password}@{LOOPBACK}:{port}/0"
    return f"redis+socket://:{password}@{valkey_socket(layout)}?virtual_host=0"


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
