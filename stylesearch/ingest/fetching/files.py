"""Files on this machine, named by ``file:`` locators."""

from __future__ import annotations

import os
import stat
from io import BufferedReader
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

from stylesearch.errors import ImageError

SCHEME = "file"


def locator(path: Path) -> str:
    """Return a path as a ``file:`` URI that keeps every byte of it."""
    return "file://" + quote_from_bytes(os.fsencode(path.absolute()))


def read_file(uri: str, *, max_bytes: int) -> bytes:
    """Return the bytes that a ``file:`` locator leads to.

    Raises
    ------
    ImageError
        ``file_missing``, ``file_unreadable``, or ``image_too_many_bytes`` if the file has grown over the limit.
    """
    path = os.fsdecode(unquote_to_bytes(uri.removeprefix("file://")))
    try:
        with open_file(path) as file:
            data = file.read(max_bytes + 1)
    except FileNotFoundError:
        raise ImageError("The file has gone.", code="file_missing") from None
    except (OSError, ValueError) as error:  # the second for a path with a zero byte
        raise unreadable(error) from None
    if len(data) > max_bytes:
        raise too_many_bytes(max_bytes)
    return data


def open_file(path: str | Path) -> BufferedReader:
    """Open a file for reading.

    Raises
    ------
    ImageError
        ``file_unreadable`` for a pipe, a socket or a device, from which one could wait or read for ever.
    OSError, ValueError
        As `open` does.
    """
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - not UTF-8, perhaps; the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ImageError("It is no file but a pipe or a device.", code="file_unreadable")
    return file


def _without_waiting(path: str, flags: int) -> int:
    """Open a pipe that nobody writes into too; ask for its kind afterwards, when it cannot change any more."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def unreadable(error: OSError | ValueError) -> ImageError:
    """Return the error that the system refused to read a file."""
    why = error.strerror if isinstance(error, OSError) else error
    return ImageError(f"The file cannot be read: {why}.", code="file_unreadable")


def too_many_bytes(max_bytes: int) -> ImageError:
    """Return the error that a file is over the limit."""
    return ImageError(f"The file has more than {max_bytes:,} bytes.", code="image_too_many_bytes")
