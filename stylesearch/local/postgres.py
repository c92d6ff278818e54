"""The local PostgreSQL with pgvector."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

from stylesearch.errors import ServiceError
from stylesearch.local.account import own
from stylesearch.local.layout import Layout
from stylesearch.local.memory import available_memory, postgres_settings
from stylesearch.local.program import LOOPBACK, Program, end_orphan, plain_environment

DATABASE = "stylesearch"
ROLE = "stylesearch"
SUPERUSER = "postgres"
SOCKET_PORT = 5432
EXTENSIONS = ("vector", "pg_trgm", "pg_prewarm", "postgres_fdw")


class Postgres(Program):
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
        """End a server that outlived its supervisor, and take away what a killed one left.

        PostgreSQL does not start while the process id in its files exists. That may be a killed server's zombie, which
        is there for a second or two, or after a restart of the machine any other program.
        """
        path = self.data / "postmaster.pid"
        try:
            pid = int(path.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return
        end_orphan(pid, self._is_ours, how=signal.SIGINT)
        if not (psutil.pid_exists(pid) and self._is_ours(psutil.Process(pid))):
            path.unlink(missing_ok=True)
            for left in self.layout.sockets.glob(".s.PGSQL.*"):
                left.unlink(missing_ok=True)

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
                env=plain_environment(),
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
            "port": str(self.port or SOCKET_PORT),
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

        role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
        with connect("postgres") as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None:
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(
                        role, sql.Literal(self.layout.password())
                    )
                )
        self._extend("template1")
        with connect("postgres") as connection:
            if (
                connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                is None
            ):
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
        self._extend(DATABASE)

    def _extend(self, database: str) -> None:
        """Make the extensions in a database, and let our role reach other servers from it."""
        import psycopg
        from psycopg import sql

        with psycopg.connect(self.url(database=database, user=SUPERUSER), autocommit=True) as connection:
            for extension in EXTENSIONS:
                connection.execute(
                    sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension))
                )
            connection.execute(
                sql.SQL("GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO {}").format(sql.Identifier(ROLE))
            )


def postgres_url(layout: Layout, port: int | None, *, database: str = DATABASE, user: str = ROLE) -> str:
    """Return the libpq URL of the local PostgreSQL."""
    credentials = f"{user}:{quote(layout.password(), safe='')}"
    if port:
        return f"postgresql://{credentials}@{LOOPBACK}:{port}/{database}"
    return f"postgresql://{credentials}@/{database}?host={quote(str(layout.sockets), safe='')}"
