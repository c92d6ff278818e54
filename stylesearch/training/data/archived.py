"""Files that may lie in a ZIP archive, named by a path that goes on into it: ``images.zip/cmd/32/bold.svg``."""

from __future__ import annotations

import zipfile
import zlib
from functools import lru_cache
from pathlib import Path

_SUFFIX = ".zip"
_OPEN_ARCHIVES = 8


def read_bytes(path: Path) -> bytes:
    """Read a file.

    Parameters
    ----------
    path:
        Where it lies; below a name that ends in ``.zip``, its place in that archive.

    Raises
    ------
    OSError
        If it is not there or may not be read.
    """
    archive = next((parent for parent in path.parents if parent.suffix == _SUFFIX and parent.is_file()), None)
    if archive is None:
        return path.read_bytes()
    member = path.relative_to(archive).as_posix()
    try:
        return _opened(archive).read(member)
    except (KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise FileNotFoundError(f"{archive} holds no {member} that can be read") from error


@lru_cache(maxsize=_OPEN_ARCHIVES)
def _opened(archive: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(archive)
