"""Icon themes as crossed pictures: the same content (an icon's name) drawn in many styles (themes)."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from stylesearch.errors import InputError

SMALLEST = 48
"""Smallest nominal size, in pixels, of an icon that counts as a picture."""
LARGEST = 512
_SCALABLE = 1024
_SIZE = re.compile(r"^(\d+)(?:x\d+)?(?:@(\d)x?)?$")
_SKIPPED_FOLDERS = ("symbolic", "cursors", "animations", "panel")
_NO_THEMES = ("default", "hicolor", "blue-crystal", "dark-sense")
"""Fallbacks, and sets of mouse pointers."""

_OWN_STYLES = ("ukui-classical", "ukui-fashion")
"""Themes that are drawn anew, though they are called after the one beside them."""

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
    sha256:
        Hex digest of the file.
    """

    content: str
    style: str
    path: Path
    sha256: str


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
    return theme.name not in _OWN_STYLES and any(theme.name.startswith(f"{sibling}-") for sibling in siblings)


def themes(root: Path, packages: Collection[str]) -> Iterator[Path]:
    """Yield the folder of each theme of unpacked Debian packages, colour variants and fallback themes left out.

    Parameters
    ----------
    root:
        Folder that holds ``<package>/usr/share/icons/<theme>``.
    packages:
        Those to look into; one that is not there is passed over.
    """
    for theme in sorted(root.glob("*/usr/share/icons/*")):
        package = theme.relative_to(root).parts[0]
        if (
            package in packages
            and theme.is_dir()
            and theme.name not in _NO_THEMES
            and not _variant_of_sibling(theme)
        ):
            yield theme


def theme_icons(theme: Path) -> list[Icon]:
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
            drawings.append(Icon(content=name, style=theme.name, path=path, sha256=digest))
    return drawings


def crossed_icons(
    root: Path, packages: Collection[str], *, shared_by: int = 2, most: int | None = None
) -> list[Icon]:
    """List the drawings whose content several themes drew.

    Parameters
    ----------
    root, packages:
        As for :func:`themes`.
    shared_by:
        Fewest themes that drew a content; at least 2.
    most:
        Most drawings of one theme; the contents that most themes drew come first.

    Raises
    ------
    InputError
        If there are fewer than two themes with anything in common.
    """
    drawings = [icon for theme in themes(root, packages) for icon in theme_icons(theme)]
    drawn = Counter(icon.content for icon in drawings)
    shared = sorted(
        (icon for icon in drawings if drawn[icon.content] >= shared_by),
        key=lambda icon: (icon.style, -drawn[icon.content], icon.content),
    )
    taken: Counter[str] = Counter()
    seen: set[str] = set()
    chosen = []
    for icon in shared:
        if icon.sha256 in seen or (most is not None and taken[icon.style] >= most):
            continue
        seen.add(icon.sha256)
        taken[icon.style] += 1
        chosen.append(icon)
    if len(taken) < 2:
        raise InputError(
            f"{root} holds no two icon themes with icons in common.",
            hint="Unpack Debian packages of icon themes there, each in a folder of its package's name.",
            code="themes_missing",
        )
    return chosen
