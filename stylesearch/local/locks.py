"""Advisory locks on a file, which the kernel releases however their holder ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class FileLock:
    """One open file description that may be locked, shared or exclusively.

    The ``filelock`` library has no shared locks that several processes may hold; this is ``flock`` and nothing else.
    A child made by ``fork`` shares its parent's lock; a program started by ``exec`` does not.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def share(self) -> None:
        """Wait for and take a shared lock."""
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def try_share(self) -> bool:
        """Take a shared lock if nobody holds it exclusively."""
        return self._try(fcntl.LOCK_SH)

    def try_exclusive(self) -> bool:
        """Take the lock for ourselves if nobody holds it."""
        return self._try(fcntl.LOCK_EX)

    def _try(self, how: int) -> bool:
        try:
            fcntl.flock(self._descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let go and close the file."""
        os.close(self._descriptor)
