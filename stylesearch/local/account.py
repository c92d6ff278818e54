"""Whom the servers run as: ourselves, or under root a system user made for it.

PostgreSQL refuses to run as root. No folder above ours is ever made more open for that user's sake: what it cannot
reach is copied (programs) or reported (the data folder).
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stylesearch.errors import ServiceError

SYSTEM_USER = "stylesearch"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int


def service_account() -> Account | None:
    """Return the account to run servers as, or ``None`` where that is simply us.

    Raises
    ------
    ServiceError
        If we are root and the system user neither exists nor can be made.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        entry = _create_system_user()
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _create_system_user() -> pwd.struct_passwd:
    commands = (
        [
            "useradd",
            "--system",
            "--user-group",
            "--no-create-home",
            "--shell",
            "/usr/sbin/nologin",
            SYSTEM_USER,
        ],
        ["adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", SYSTEM_USER],  # BusyBox
    )
    for command in commands:
        if shutil.which(command[0]) is None:
            continue
        subprocess.run(command, capture_output=True, check=False)
        try:
            return pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            continue
    raise ServiceError(
        f"PostgreSQL refuses to run as root, and the system user {SYSTEM_USER!r} for it could not be made.",
        hint="Run as an ordinary user, or make that user by hand.",
        code="system_user",
    )


def can_reach(path: Path, account: Account | None) -> bool:
    """Whether the account may enter every folder above a path."""
    if account is None:
        return True
    for folder in path.absolute().parents:
        info = folder.stat()
        if info.st_uid == account.uid:
            needed = stat.S_IXUSR
        elif info.st_gid == account.gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not info.st_mode & needed:
            return False
    return True


def own(path: Path, account: Account | None) -> None:
    """Give a file or folder to the account."""
    if account is not None:
        os.chown(path, account.uid, account.gid)
