"""Files that a source names by their path, and where there is none."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

from stylesearch.errors import ImageError
from stylesearch.ingest.fetching.files import open_file

NOWHERE = ""
"""The locator of what has no image to fetch: only taking the source in again can mend it."""


def digest_file(path: Path, *, root: Path, max_bytes: int) -> bytes:
    """Return the SHA-256 of a file's bytes.

    Parameters
    ----------
    root:
        The folder, with links resolved, that the file must lie in, through all links.
    max_bytes:
        Most bytes it may have.

    Raises
    ------
    ImageError
        ``file_missing``, ``broken_link``, ``outside_source``, ``image_too_many_bytes``, ``file_unreadable``.
    """
    try:
        if not path.resolve(strict=True).is_relative_to(root):
            raise ImageError(
                "The file, or the link that it is, lies outside the images' folder.", code="outside_source"
            )
        with open_file(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > max_bytes:
                raise ImageError(
                    f"The file has {size:,} bytes; the limit is {max_bytes:,}.", code="image_too_many_bytes"
                )
            return hashlib.file_digest(file, "sha256").digest()
    except (OSError, RuntimeError, ValueError) as error:
        raise _failure(path, error) from None


def _failure(path: Path, error: Exception) -> ImageError:
    # Up to Python 3.12, a RuntimeError is what a link that leads to itself gives; a ValueError, a path with a zero byte.
    loops = isinstance(error, RuntimeError) or getattr(error, "errno", None) == errno.ELOOP
    if loops or (isinstance(error, FileNotFoundError) and path.is_symlink()):
        return ImageError("The file is a link that leads nowhere.", code="broken_link")
    if isinstance(error, FileNotFoundError | NotADirectoryError | ValueError):
        return ImageError("There is no such file.", code="file_missing")
    return ImageError(
        f"The file cannot be read: {getattr(error, 'strerror', None) or error}.", code="file_unreadable"
    )
