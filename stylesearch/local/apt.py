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

_NO_APT = "Run this on Debian or Ubuntu, or in a container of either."
_NO_NETWORK = "Check the network and that apt's sources hold Debian's main section, then run it again; what is there stays."


def fetch(
    packages: Sequence[str],
    folder: Path,
    *,
    progress: Progress | None = None,
    seconds: float = 900.0,
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
    seconds:
        How long a single step may take: package lists, a download, or unpacking.

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
                fetching = _Fetching(Path(work), seconds)
                fetching.fetch(missing, folder, progress or (lambda _done, _total, _next: None))
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
                f"{program} is not on this machine, and what is asked for comes from Debian packages.",
                hint=_NO_APT,
                code="apt_missing",
            )


class _Fetching:
    """One call's work in a folder that goes with it. Its steps return in a line why they failed, or nothing."""

    def __init__(self, work: Path, seconds: float) -> None:
        self.work = work
        self.seconds = seconds
        self.options = ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []

    def fetch(self, packages: Sequence[str], folder: Path, progress: Progress) -> None:
        private = False
        for done, package in enumerate(packages):
            progress(done, len(packages), package)
            failure = self._download(package)
            if failure is not None and not private:
                private = True
                failure = self._update_private_lists() or self._download(package)
            if failure is not None:
                raise ServiceError(
                    f"The Debian package {package} cannot be downloaded: {failure}.",
                    hint=_NO_NETWORK,
                    code="package_unavailable",
                )
            (archive,) = self.work.glob(f"{package}_*.deb")
            tree = self.work / "tree"
            failure = self._run("dpkg-deb", "-x", str(archive), str(tree))
            if failure is not None:
                raise ServiceError(
                    f"The Debian package {package} cannot be unpacked: {failure}.",
                    hint="Check the room on the disk.",
                    code="not_writable",
                )
            archive.unlink()
            tree.replace(folder / package)
        progress(len(packages), len(packages), "")

    def _download(self, package: str) -> str | None:
        failure = self._run("apt-get", *self.options, "-q", "download", package)
        if failure is None and len(list(self.work.glob(f"{package}_*.deb"))) != 1:
            return "apt-get downloaded nothing"
        return failure

    def _update_private_lists(self) -> str | None:
        """Fetch package lists of our own, and keep to them: apt's are missing or stale."""
        lists, cache = self.work / "lists", self.work / "cache"
        for part in (lists / "partial", cache / "archives/partial"):
            part.mkdir(parents=True)
        self.options += ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={cache}"]
        return self._run("apt-get", *self.options, "-qq", "update")

    def _run(self, *command: str) -> str | None:
        """Run a program to its end, within bounds."""
        try:
            done = subprocess.run(
                command,
                cwd=self.work,
                env={**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=self.seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"{command[0]} took longer than {self.seconds:.0f} seconds"
        if done.returncode == 0:
            return None
        lines = [
            line for line in done.stderr.splitlines() if line.startswith("E:")
        ] or done.stderr.splitlines()
        return lines[-1].removeprefix("E: ").rstrip(".") if lines else f"{command[0]} failed"
