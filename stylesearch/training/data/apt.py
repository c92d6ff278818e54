"""Debian packages, fetched and unpacked without being installed, so an ordinary user can have them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from stylesearch.errors import ServiceError

Progress = Callable[[int, int, str], None]

_SECONDS = 900.0
_NO_APT = "Run this on Debian or Ubuntu, or in a container of either."
_NO_NETWORK = "Check the network and that apt's sources hold Debian's main section, then run it again; what is there stays."


def fetch(
    packages: Sequence[str],
    folder: Path,
    *,
    progress: Progress | None = None,
    system_lists: Path | None = None,
) -> list[Path]:
    """Download and unpack packages into ``folder/<package>``.

    Nothing is installed and no right of root is needed. A package whose folder is there is left alone, and a folder
    appears only once it is complete, so that a broken-off run is taken up where it stopped.

    Parameters
    ----------
    packages:
        Names of Debian packages.
    folder:
        Where to unpack; made if it is missing.
    progress:
        Called with the number done, the number there will be, and the package that comes next.
    system_lists:
        Where apt keeps its package lists, if not in its usual place.

    Returns
    -------
    list of Path
        The packages' folders, in the order asked for.

    Raises
    ------
    ServiceError
        ``apt_missing`` where this is no machine with apt, ``package_unavailable`` if a package cannot be had,
        ``not_writable`` if it cannot be unpacked there.
    """
    missing = [package for package in packages if not (folder / package).is_dir()]
    if missing:
        _check_programs()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Absolute, for the programs are run in it.
            with tempfile.TemporaryDirectory(dir=folder.absolute(), prefix=".fetch-") as work:
                _fetch(
                    missing, folder, Path(work), progress or (lambda _done, _total, _next: None), system_lists
                )
        except OSError as error:
            raise ServiceError(
                f"Packages cannot be unpacked in {folder}: {error.strerror}.",
                hint="Name another folder.",
                code="not_writable",
            ) from error
    return [folder / package for package in packages]


def _check_programs() -> None:
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise ServiceError(
                f"{program} is not on this machine, and training data comes from Debian packages.",
                hint=_NO_APT,
                code="apt_missing",
            )


def _fetch(
    packages: Sequence[str], folder: Path, work: Path, progress: Progress, system_lists: Path | None
) -> None:
    options = ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []
    lists = options if system_lists is None else [*options, "-o", f"Dir::State::Lists={system_lists}"]
    private = False
    for done, package in enumerate(packages):
        progress(done, len(packages), package)
        failure = _download(package, work, lists)
        if failure is not None and not private:
            # apt's own lists are missing or stale: fetch some of our own, once, and keep to them.
            private, lists = True, _private_lists(work, options)
            failure = _run(["apt-get", *lists, "-qq", "update"], work) or _download(package, work, lists)
        if failure is not None:
            raise ServiceError(
                f"The Debian package {package} cannot be downloaded: {failure}.",
                hint=_NO_NETWORK,
                code="package_unavailable",
            )
        (archive,) = work.glob(f"{package}_*.deb")
        tree = work / "tree"
        failure = _run(["dpkg-deb", "-x", str(archive), str(tree)], work)
        if failure is not None:
            raise ServiceError(
                f"The Debian package {package} cannot be unpacked: {failure}.",
                hint="Check the room on the disk.",
                code="not_writable",
            )
        archive.unlink()
        tree.replace(folder / package)
    progress(len(packages), len(packages), "")


def _private_lists(work: Path, options: Sequence[str]) -> list[str]:
    for part in ("lists/partial", "cache/archives/partial"):
        (work / part).mkdir(parents=True, exist_ok=True)
    return [*options, "-o", f"Dir::State::Lists={work / 'lists'}", "-o", f"Dir::Cache={work / 'cache'}"]


def _download(package: str, work: Path, options: Sequence[str]) -> str | None:
    failure = _run(["apt-get", *options, "-q", "download", package], work)
    if failure is None and len(list(work.glob(f"{package}_*.deb"))) != 1:
        return "apt-get downloaded nothing"
    return failure


def _run(command: list[str], folder: Path) -> str | None:
    """Run a program to its end, within bounds; return in one line why it failed, or nothing."""
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
    except subprocess.TimeoutExpired:
        return f"{command[0]} took longer than {_SECONDS:.0f} seconds"
    if done.returncode == 0:
        return None
    lines = [line for line in done.stderr.splitlines() if line.startswith("E:")] or done.stderr.splitlines()
    return lines[-1].removeprefix("E: ").rstrip(".") if lines else f"{command[0]} failed"
