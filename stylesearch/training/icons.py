"""Icon themes as crossed pictures: the same content (an icon's name) drawn in many styles (themes)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SMALLEST = 48
"""Smallest nominal size, in pixels, of an icon that counts as a picture."""
LARGEST = 512
_SCALABLE = 1024
_SIZE = re.compile(r"^(\d+)(?:x\d+)?(?:@(\d)x?)?$")
_SKIPPED_FOLDERS = ("symbolic", "cursors", "animations", "panel")
_SKIPPED_NAMES = ("-symbolic", "-rtl", ".symbolic")


@dataclass(frozen=True, slots=True)
class Icon:
    """One drawing.

    Attributes
    ----------
    content:
        What it depicts: the icon's name.
    style:
        The theme that drew it.
    path:
        The file; PNG or SVG.
    """

    content: str
    style: str
    path: Path


def _size(folder: Path) -> int:
    """Return the nominal size that the folders' names say, or 0 where they say none."""
    for part in folder.parts:
        if part == "scalable":
            return _SCALABLE
        if match := _SIZE.match(part):
            return int(match[1]) * int(match[2] or 1)
    return 0


def _is_picture(relative: Path, size: int) -> bool:
    allowed = SMALLEST <= size <= LARGEST or size == _SCALABLE
    folders = any(word in part for part in relative.parent.parts for word in _SKIPPED_FOLDERS)
    return allowed and not folders and not relative.stem.endswith(_SKIPPED_NAMES)


def _variant_of_sibling(theme: Path) -> bool:
    """Whether the theme is a recolouring of the one beside it (``Yaru-blue`` of ``Yaru``)."""
    siblings = (other.name for other in theme.parent.iterdir() if other.is_dir() and other != theme)
    return any(theme.name.startswith(f"{sibling}-") for sibling in siblings)


def themes(root: Path) -> Iterator[Path]:
    """Yield the folder of each theme of unpacked Debian packages, colour variants left out.

    Parameters
    ----------
    root:
        Folder that holds ``<package>/usr/share/icons/<theme>``.
    """
    for theme in sorted(root.glob("*/usr/share/icons/*")):
        if theme.is_dir() and not _variant_of_sibling(theme):
            yield theme


def icons(theme: Path) -> list[Icon]:
    """List a theme's full-colour drawings, one for each name, largest first choice.

    Aliases (symbolic links) and copies of one file under several names are counted once. Symbolic icons, cursors,
    animation frames and anything below 48 pixels are left out.
    """
    best: dict[str, tuple[int, Path]] = {}
    for path in sorted(theme.rglob("*")):
        if path.suffix not in (".png", ".svg") or path.is_symlink() or not path.is_file():
            continue
        relative = path.relative_to(theme)
        size = _size(relative.parent)
        if _is_picture(relative, size) and size > best.get(path.stem, (0, path))[0]:
            best[path.stem] = (size, path)

    seen: set[str] = set()
    drawings = []
    for name, (_, path) in sorted(best.items()):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest not in seen:
            seen.add(digest)
            drawings.append(Icon(content=name, style=theme.name, path=path))
    return drawings
