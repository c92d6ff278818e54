"""The Open Clip Art Library's drawings, from the Debian package ``openclipart-svg``.

The package is fetched and unpacked without being installed, so an ordinary user can have it. Where a machine has no
apt, or no network, that is no error: the caller goes on with the drawings of our own.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

logger = logging.getLogger(__name__)

PACKAGE = "openclipart-svg"
INSTALLED = Path("/usr/share/openclipart/svg")

_INSIDE = Path("usr/share/openclipart/svg")
_MARKER = ".unpacked"
_SECONDS = 120.0


class _FetchError(Exception):
    """Why the package could not be had, in one line."""


def fetch(
    cache: Path,
    *,
    progress: Callable[[str], None] | None = None,
    system_lists: Path | None = None,
    installed: Path = INSTALLED,
) -> Path | None:
    """Return the folder of drawings, fetching the package if it has to.

    Parameters
    ----------
    cache:
        A folder of our own, made if it is missing; what is fetched stays there.
    progress:
        Called with a few words before each step.
    system_lists:
        Where apt keeps its package lists, if not in its usual place.
    installed:
        Where the drawings lie when the package is installed.

    Returns
    -------
    Path or None
        The folder of SVG files; None where it cannot be had here, the reason being logged.
    """
    if installed.is_dir():
        return installed
    unpacked = cache / PACKAGE
    if (unpacked / _MARKER).is_file() and (unpacked / _INSIDE).is_dir():
        return unpacked / _INSIDE
    say = progress or (lambda _words: None)
    try:
        for program in ("apt-get", "dpkg-deb"):
            if shutil.which(program) is None:
                raise _FetchError(f"{program} is not on this machine")
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="fetch-") as work:
            archive = _download(Path(work), cache, say, system_lists)
            say("unpacking")
            _unpack(archive, Path(work) / "tree", unpacked)
    except (_FetchError, OSError) as error:
        logger.warning("The Open Clip Art Library is left out: %s.", error)
        return None
    return unpacked / _INSIDE


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


def _download(work: Path, cache: Path, say: Callable[[str], None], system_lists: Path | None) -> Path:
    """Download the package into ``work``, with package lists of our own where apt's are missing or stale."""
    options = ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []
    usual = options if system_lists is None else [*options, "-o", f"Dir::State::Lists={system_lists}"]
    say("downloading")
    try:
        return _apt_download(work, usual)
    except _FetchError as error:
        logger.info("apt's own package lists did not serve (%s); fetching private ones.", error)
    lists, archives = cache / "lists", cache / "apt"
    for folder in (lists / "partial", archives / "archives" / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    private = [*options, "-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={archives}"]
    try:
        say("updating package lists")
        _run(["apt-get", *private, "update"], work)
        say("downloading")
        return _apt_download(work, private)
    finally:
        # The lists take much room and serve for nothing else: the next fetch would have to update them.
        shutil.rmtree(lists, ignore_errors=True)
        shutil.rmtree(archives, ignore_errors=True)


def _apt_download(work: Path, options: Sequence[str]) -> Path:
    _run(["apt-get", *options, "download", PACKAGE], work)
    archives = sorted(work.glob(f"{PACKAGE}_*.deb"))
    if not archives:
        raise _FetchError("apt-get downloaded nothing")
    return archives[0]


def _unpack(archive: Path, tree: Path, target: Path) -> None:
    """Unpack beside the target and move there; the marker comes last, so a half-done unpack is done again."""
    _run(["dpkg-deb", "-x", str(archive), str(tree)], archive.parent)
    if not (tree / _INSIDE).is_dir():
        raise _FetchError(f"the package holds no {_INSIDE}")
    shutil.rmtree(target, ignore_errors=True)
    tree.replace(target)
    (target / _MARKER).touch()


def _run(command: list[str], folder: Path) -> None:
    """Run a program to its end, within bounds, or say in one line why it failed."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _FetchError(f"{command[0]} took longer than {_SECONDS:.0f} seconds") from error
    if done.returncode != 0:
        lines = [
            line for line in done.stderr.splitlines() if line.startswith("E:")
        ] or done.stderr.splitlines()
        raise _FetchError(f"{command[0]}: {lines[-1].removeprefix('E: ').rstrip('.') if lines else 'failed'}")
