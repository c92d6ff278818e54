"""The Open Clip Art Library's drawings, from the Debian package ``openclipart-svg``."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from stylesearch.errors import ServiceError
from stylesearch.local import apt

logger = logging.getLogger(__name__)

PACKAGE = "openclipart-svg"
INSTALLED = Path("/usr/share/openclipart/svg")

_INSIDE = Path("usr/share/openclipart/svg")
_SECONDS = 120.0


def fetch(cache: Path, *, installed: Path = INSTALLED) -> Path | None:
    """Return the folder of drawings, fetching the package if it has to.

    Where a machine has no apt, or no network, that is no error: the caller goes on with the drawings of our own.

    Parameters
    ----------
    cache:
        A folder of our own, made if it is missing; what is fetched stays there.
    installed:
        Where the drawings lie when the package is installed.

    Returns
    -------
    Path or None
        The folder of SVG files; None where it cannot be had here, the reason being logged.
    """
    if installed.is_dir():
        return installed
    try:
        (package,) = apt.fetch([PACKAGE], cache, seconds=_SECONDS)
    except ServiceError as error:
        logger.warning("The Open Clip Art Library is left out. %s", error.message)
        return None
    if not (package / _INSIDE).is_dir():
        logger.warning("The Open Clip Art Library is left out. %s holds no %s.", package, _INSIDE)
        return None
    return package / _INSIDE


def sample(folder: Path, count: int) -> list[Path]:
    """Return ``count`` of the drawings in a folder, the same ones each time.

    Parameters
    ----------
    folder:
        Where to look, with its subfolders.
    count:
        How many to return; all of them where there are fewer.
    """

    def rank(path: Path) -> str:
        return hashlib.sha256(path.relative_to(folder).as_posix().encode()).hexdigest()

    return sorted(folder.rglob("*.svg"), key=rank)[: max(0, count)]
