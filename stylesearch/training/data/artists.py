"""The drawings of the Open Clip Art Library, by artist."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lxml import etree

FEWEST_MEASURED = 10
"""Artists with so many drawings or more are measured on, and so none of their drawings is trained on."""

_CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
_MOST_BYTES = 8 * 1024**2


@dataclass(frozen=True, slots=True)
class Clipart:
    """A drawing.

    Attributes
    ----------
    path:
        The file; SVG.
    artist:
        Who is credited; empty for nobody, or for several.
    sha256:
        Hex digest of the file.
    """

    path: Path
    artist: str
    sha256: str


def clipart(root: Path) -> list[Clipart]:
    """List the drawings of the unpacked package ``openclipart-svg``; links and copies of a file are left out.

    Parameters
    ----------
    root:
        Folder that holds ``openclipart-svg``.
    """
    seen: set[str] = set()
    found = []
    for path in sorted((root / "openclipart-svg").rglob("*.svg")):
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _MOST_BYTES:
            continue
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        if digest not in seen:
            seen.add(digest)
            creators = _creators(data)
            found.append(Clipart(path, creators[0] if len(creators) == 1 else "", digest))
    return found


def of_few_works(drawings: Sequence[Clipart], *, below: int = FEWEST_MEASURED) -> list[Clipart]:
    """Leave out the drawings of artists with many of them; names that differ in case or spaces only are one artist.

    Parameters
    ----------
    below:
        How many are many.
    """
    counts = Counter(_folded(drawing.artist) for drawing in drawings)
    return [drawing for drawing in drawings if not drawing.artist or counts[_folded(drawing.artist)] < below]


def of_many_works(drawings: Sequence[Clipart], *, least: int = FEWEST_MEASURED) -> list[Clipart]:
    """Return the drawings that :func:`of_few_works` leaves out, each artist under the commonest spelling of the name.

    Parameters
    ----------
    least:
        How many are many.
    """
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for drawing in drawings:
        if drawing.artist:
            spellings[_folded(drawing.artist)][drawing.artist] += 1
    names = {
        key: max(sorted(found), key=found.__getitem__)
        for key, found in spellings.items()
        if found.total() >= least
    }
    return [
        replace(drawing, artist=names[_folded(drawing.artist)])
        for drawing in drawings
        if drawing.artist and _folded(drawing.artist) in names
    ]


def _folded(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def _creators(data: bytes) -> list[str]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        return []
    names = (" ".join("".join(map(str, one.itertext())).split()) for one in root.iter(_CREATOR))
    return list(dict.fromkeys(name for name in names if name))
