"""Where things are inside the data folder."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylesearch.errors import ServiceError
from stylesearch.local.account import Account, can_reach, own, service_account

LAYOUT_VERSION = 1
MINIMUM_FREE_BYTES = 200 * 1024**2
LONGEST_SOCKET_FOLDER = 80
"""A Unix socket's whole path may have about 104 bytes on the strictest system."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of one data folder."""

    home: Path

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data."""
        return self.home / "postgres"

    @property
    def valkey(self) -> Path:
        """Valkey's append-only file."""
        return self.home / "valkey"

    @property
    def logs(self) -> Path:
        """Logs of the servers and of their supervisor."""
        return self.home / "logs"

    @property
    def sockets(self) -> Path:
        """Folder of the Unix sockets: in the data folder, or a short one elsewhere where that path is too long."""
        inside = self.home / "run"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET_FOLDER:
            return inside
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"stylesearch-{os.geteuid()}-{digest}"

    @property
    def users_lock(self) -> Path:
        """Locked, shared, by every process that uses the services, for as long as it does."""
        return self.home / "users.lock"

    @property
    def supervisor_lock(self) -> Path:
        """Locked, exclusively, by the one supervisor."""
        return self.home / "supervisor.lock"

    @property
    def state(self) -> Path:
        """What the supervisor says of itself."""
        return self.home / "services.json"

    @property
    def pin(self) -> Path:
        """Exists while the services are to run though nobody uses them."""
        return self.home / "services.pinned"

    def read_state(self) -> dict[str, Any]:
        """Return what the supervisor last said, or nothing."""
        try:
            state = json.loads(self.state.read_text())
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def write_state(self, state: dict[str, Any]) -> None:
        """Replace the supervisor's word in one step."""
        write_private(self.state, json.dumps(state))

    def password(self) -> str:
        """Return the services' password, made on first use and readable by us only."""
        path = self.home / "password"
        try:
            return path.read_text().strip()
        except FileNotFoundError:
            password = secrets.token_urlsafe(24)
            write_private(path, password)
            return password


def write_private(path: Path, text: str) -> None:
    """Write a file that only we can read, whole or not at all."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    temporary.replace(path)


def prepare_home(home: Path) -> Layout:
    """Make the data folder and check that it can serve.

    Raises
    ------
    ServiceError
        If it cannot be written, its disk is full, it was made by a newer version, or PostgreSQL's system user
        cannot enter it.
    """
    layout = Layout(home.absolute())
    account = service_account()
    try:
        for folder in (layout.home, layout.logs):
            folder.mkdir(mode=0o711 if account else 0o700, parents=True, exist_ok=True)
        for folder in (layout.home / "store", layout.home / "cache"):
            folder.mkdir(mode=0o700, exist_ok=True)
        _check_version(layout)
        _check_space(layout)
        layout.password()
        _own_folders(layout, account)
    except PermissionError as error:
        raise ServiceError(
            f"The data folder {layout.home} cannot be written: {error.strerror}.",
            hint="Mend its permissions, or set STYLESEARCH_HOME to a folder of yours.",
            code="home_not_writable",
        ) from error
    except (FileExistsError, NotADirectoryError) as error:
        raise ServiceError(
            f"The data folder {layout.home} cannot be made: {error.filename} is a file.",
            hint="Set STYLESEARCH_HOME to a folder.",
            code="home_not_writable",
        ) from error
    except OSError as error:
        raise ServiceError(
            f"The data folder {layout.home} cannot be used: {error.strerror}.",
            hint="Free some space or set STYLESEARCH_HOME to another disk.",
            code="home_not_writable",
        ) from error
    if not can_reach(layout.postgres / "data", account):
        raise ServiceError(
            f"PostgreSQL refuses to run as root, and its system user may not enter {layout.home}.",
            hint="Set STYLESEARCH_HOME to a folder that users may enter, such as /var/lib/stylesearch.",
            code="home_unreachable",
        )
    return layout


def _own_folders(layout: Layout, account: Account | None) -> None:
    for folder in (layout.postgres, layout.valkey, layout.sockets):
        folder.mkdir(mode=0o700, exist_ok=True)
        owner = account.uid if account else os.geteuid()
        if folder.stat().st_uid not in (owner, os.geteuid()) or folder.is_symlink():
            raise PermissionError(1, f"{folder} belongs to somebody else", str(folder))
        own(folder, account)
        folder.chmod(0o700)


def _check_version(layout: Layout) -> None:
    path = layout.home / "VERSION"
    if not path.exists():
        write_private(path, f"{LAYOUT_VERSION}\n")
        return
    text = path.read_text().strip()
    if not text.isdigit() or int(text) > LAYOUT_VERSION:
        raise ServiceError(
            f"The data folder {layout.home} was made by a newer stylesearch (layout {text!r}, this one knows {LAYOUT_VERSION}).",
            hint="Upgrade stylesearch, or set STYLESEARCH_HOME to another folder.",
            code="home_newer",
        )


def _check_space(layout: Layout) -> None:
    free = shutil.disk_usage(layout.home).free
    if free < MINIMUM_FREE_BYTES:
        raise ServiceError(
            f"The disk of {layout.home} is full: {free // 1024**2} MB are free, {MINIMUM_FREE_BYTES // 1024**2} MB are needed.",
            hint="Free some space, or set STYLESEARCH_HOME to another disk.",
            code="disk_full",
        )
