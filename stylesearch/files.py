"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears under its path only if the block ends well.

    It is written beside its place, brought to the disk and renamed: no crash leaves half of it, and a process that reads
    the older one keeps that. Its mode is what the user's mask makes it.

    Raises
    ------
    OSError
        If it cannot be written; what was there before then stays.
    """
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    file = beside.open("xb")
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
