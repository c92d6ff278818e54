"""The buttons of an office program, each command drawn in several styles."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Collection
from pathlib import Path

from stylesearch.training.data.icons import Icon

_FOLDER = "usr/lib/libreoffice/share/config"
_BUTTONS = "cmd/32/"
_PREFIX = "libreoffice-style-"


def office_icons(root: Path, packages: Collection[str], *, one_in: int = 3) -> list[Icon]:
    """List the drawn buttons of unpacked packages.

    Parameters
    ----------
    root:
        Folder that holds ``<package>/usr/lib/libreoffice``; packages that are not there are passed over.
    packages:
        ``libreoffice-style-<style>``.
    one_in:
        Takes one command in so many, the same ones of each style: there are thousands, many of them alike.

    Returns
    -------
    list of Icon
        Paths go on into the archives, as :func:`stylesearch.training.data.archived.read_bytes` reads them. Copies of
        one drawing under several names count once.
    """
    found = []
    for package in sorted(packages):
        style = package.removeprefix(_PREFIX)
        archive = root / package / _FOLDER / f"images_{style}_svg.zip"
        if archive.is_file():
            found += _buttons(archive, style, one_in)
    return found


def _buttons(archive: Path, style: str, one_in: int) -> list[Icon]:
    seen: set[str] = set()
    found = []
    with zipfile.ZipFile(archive) as opened:
        for name in sorted(opened.namelist()):
            if not name.startswith(_BUTTONS) or not name.endswith(".svg") or not _chosen(name, one_in):
                continue
            digest = hashlib.sha256(opened.read(name)).hexdigest()
            if digest not in seen:
                seen.add(digest)
                found.append(Icon(f"button {Path(name).stem}", style, archive / name, digest))
    return found


def _chosen(name: str, one_in: int) -> bool:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % one_in == 0
