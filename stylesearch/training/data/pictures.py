"""Pictures collected from games, card decks, chess sets and emoji: file, style, content, licence."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np

from stylesearch.catalog.debian_copyright import UNKNOWN, package_copyright
from stylesearch.encoders.protocol import Pixels
from stylesearch.errors import ImageError
from stylesearch.images.decode import decode, read_info
from stylesearch.training.data.sources import SOURCES, Box, Source, card_boxes, content_of

MOST_OF_A_SERIES = 3
"""Most pictures whose names differ only in a number: the steps of a movement."""

_MAX_BYTES = 32 * 1024**2
_MAX_PIXELS = 40_000_000
_LONGEST_SHAPE = 3.5
_ENLARGED_BELOW = 48
_SHEET_SIDE = 900
_SHEETS_KEPT = 4
_NUMBER = re.compile(r"[-_ ]?\d+$")
_Thing = TypeVar("_Thing")
_SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".svgz")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, or a part of a sheet of them.

    Attributes
    ----------
    path:
        The file.
    style:
        Name of its style.
    content:
        What it depicts, where the same is drawn in another style too; else ``None``.
    licence:
        Short name, as the package states it.
    sha256:
        Hex digest of the file.
    part:
        Where on the sheet it lies; ``None`` for the whole file.
    """

    path: Path
    style: str
    content: str | None
    licence: str
    sha256: str
    part: Box | None = None

    @property
    def key(self) -> str:
        """A name of its own, stable from run to run: style, file and place on the sheet."""
        place = "" if self.part is None else " {:.3f},{:.3f}".format(*self.part[:2])
        return f"{self.style}/{self.path.name}{place}"


def pictures(root: Path, *, sources: Sequence[Source] = SOURCES, most: int | None = None) -> list[Picture]:
    """List the pictures of unpacked packages.

    Copies of one file count once, links not at all; so do pictures below the source's least side, very long ones, and
    all but a few of each series that differs in a number only.

    Parameters
    ----------
    root:
        Folder that holds ``<package>/usr/share``; packages that are not there are passed over.
    sources:
        Where to look.
    most:
        Most pictures of one style, spread evenly over its files.
    """
    listed: list[Picture] = []
    seen: set[str] = set()
    for source in sources:
        package = root / source.package
        rights = package_copyright(package)
        files = _files(source, package)
        for path in files if source.named else _thinned(files):
            data = path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            if digest not in seen and _is_picture(source, data):
                seen.add(digest)
                stated = rights.licence(path.relative_to(package).as_posix())
                listed += _parts(source, path, source.licence if stated == UNKNOWN else stated, digest)
    return _spread(_crossed(listed), most)


def _files(source: Source, package: Path) -> list[Path]:
    refused = re.compile(source.without)
    return sorted(
        path
        for path in package.glob(source.pattern)
        if path.suffix.lower() in _SUFFIXES
        and path.is_file()
        and not path.is_symlink()
        and not refused.search(path.stem)
        and not refused.search(path.parent.name)
    )


def _thinned(paths: Iterable[Path]) -> list[Path]:
    """Keep a few of each series, spread evenly."""
    series: dict[Path, list[Path]] = defaultdict(list)
    for path in paths:
        series[path.with_name(_NUMBER.sub("", path.stem) or path.stem)].append(path)
    kept: list[Path] = []
    for members in series.values():
        kept += _evenly(members, MOST_OF_A_SERIES) if len(members) > 2 * MOST_OF_A_SERIES else members
    return sorted(kept)


def _evenly(things: list[_Thing], count: int) -> list[_Thing]:
    if len(things) <= count:
        return things
    return [things[int(place)] for place in np.linspace(0, len(things) - 1, count)]


def _is_picture(source: Source, data: bytes) -> bool:
    try:
        info = read_info(data, max_bytes=_MAX_BYTES, max_pixels=_MAX_PIXELS)
    except ImageError:
        return False
    shorter, longer = sorted((info.width, info.height))
    drawn = info.media_type == "image/svg+xml"
    return (drawn or shorter >= source.smallest) and longer <= _LONGEST_SHAPE * shorter


def _parts(source: Source, path: Path, licence: str, digest: str) -> list[Picture]:
    style = source.style.format(folder=path.parent.name, stem=path.stem)
    whole = Picture(path, style, content_of(source, path), licence, digest)
    if source.named != "card":
        return [whole]
    return [replace(whole, content=f"card {name}", part=box) for name, box in card_boxes().items()]


def _crossed(listed: list[Picture]) -> list[Picture]:
    """Leave a content out where no second style has it."""
    styles: dict[str, set[str]] = defaultdict(set)
    for picture in listed:
        if picture.content is not None:
            styles[picture.content].add(picture.style)
    return [
        picture
        if picture.content is None or len(styles[picture.content]) > 1
        else replace(picture, content=None)
        for picture in listed
    ]


def _spread(listed: list[Picture], most: int | None) -> list[Picture]:
    if most is None:
        return listed
    by_style: dict[str, list[Picture]] = defaultdict(list)
    for picture in listed:
        by_style[picture.style].append(picture)
    return [picture for members in by_style.values() for picture in _evenly(members, most)]


def read(picture: Picture, *, side: int = 320) -> Pixels:
    """Decode a picture.

    Parameters
    ----------
    picture:
        What :func:`pictures` listed.
    side:
        Length in pixels that the shorter side is scaled to. Larger pixel images only: smaller ones keep their size,
        but for pictures of very few pixels, which are enlarged square by square.

    Returns
    -------
    Pixels
        ``[h, w, 3]``, on white.

    Raises
    ------
    ImageError
        As :func:`stylesearch.images.decode.decode` does.
    """
    if picture.part is not None:
        return _cut(_sheet(picture.path), picture.part)
    pixels = decode(
        picture.path.read_bytes(), max_bytes=_MAX_BYTES, max_pixels=_MAX_PIXELS, shortest_side=side
    ).pixels
    shorter = min(pixels.shape[:2])
    if shorter < _ENLARGED_BELOW:
        times = -(-4 * _ENLARGED_BELOW // shorter)
        pixels = np.repeat(np.repeat(pixels, times, axis=0), times, axis=1)
    return pixels


@lru_cache(maxsize=_SHEETS_KEPT)
def _sheet(path: Path) -> Pixels:
    return decode(
        path.read_bytes(), max_bytes=_MAX_BYTES, max_pixels=_MAX_PIXELS, shortest_side=_SHEET_SIDE
    ).pixels


def _cut(sheet: Pixels, part: Box) -> Pixels:
    height, width = sheet.shape[:2]
    left, top, right, bottom = (
        round(share * side) for share, side in zip(part, (width, height, width, height), strict=True)
    )
    return np.ascontiguousarray(sheet[top:bottom, left:right])
