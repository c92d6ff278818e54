"""Words in many hands: the same text set in every font that is at hand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from stylesearch.training.data.pixels.palette import Colour, colour

Pixels = NDArray[np.uint8]

SUFFIXES = (".ttf", ".otf", ".ttc", ".pfb")
TEXTS = (
    "Ag", "Rose", "Hamburg", "quick fox", "Minstrel", "five boxing wizards", "Bread and Salt", "old harbour", "Sphinx",
    "jovial queen", "Winter", "a quiet lane", "Kb", "Orange", "the lazy dog", "Night Train", "glass", "Zephyr",
    "Copper kettle", "mountain", "Vexed", "Paper boat", "slow river song", "Tw", "Journey", "blue lantern", "Museum",
    "Fig tree", "hand made", "Dry wood", "Echo", "spring market", "Goldsmith", "wild geese", "Pq", "Cinema", "thunder",
    "Sea and Sky", "unknown garden", "Letter", "baker street", "Violin", "my yellow house", "Harvest", "Ey", "cloud",
)  # fmt: skip
"""What is written: short and long, with most letters of the alphabet."""

_REGULAR = ("regular", "roman", "book", "normal", "medium", "")
_SLANTED = re.compile(
    r"italic|oblique|bold|light|thin|black|heavy|condensed|narrow|expanded|shadow", re.IGNORECASE
)
_UNLETTERED = re.compile(
    r"symbol|emoji|dingbat|icons?\b|awesome|music|barcode|chess|math|wingding|ornament", re.IGNORECASE
)
_PROBE_SIZE = 40
_PROBES = "aegnorstAEHRSW"
_MISSING = "\uffff"
_HEIGHTS = (0.16, 0.34)


@dataclass(frozen=True, slots=True)
class FontFile:
    """One face.

    Attributes
    ----------
    path:
        The font's file.
    family:
        Its name.
    """

    path: Path
    family: str


@dataclass(frozen=True, slots=True)
class Lettering:
    """A hand that writes.

    Attributes
    ----------
    font:
        The face.
    ink, paper:
        Its colours; both ``None`` where they are drawn anew for each picture and so say nothing of the hand.
    """

    font: FontFile
    ink: Colour | None = None
    paper: Colour | None = None

    @property
    def name(self) -> str:
        """The font's name, with its colours where they belong to the hand."""
        if self.ink is None or self.paper is None:
            return self.font.family
        return f"{self.font.family} {_hex(self.ink)} on {_hex(self.paper)}"

    def write(self, text: str, rng: np.random.Generator, *, side: int = 224) -> Pixels:
        """Write a text.

        Parameters
        ----------
        text:
            What to write; words are spread over as many lines as there are.
        rng:
            Source of what differs from picture to picture: size, place, and colours where they are free.
        side:
            Side of the picture, in pixels.

        Returns
        -------
        Pixels
            ``[side, side, 3]``.
        """
        drawn = sample_colours(rng)
        ink, paper = (self.ink, self.paper) if self.ink is not None and self.paper is not None else drawn
        lines = text.split(" ")
        height = rng.uniform(*_HEIGHTS) * side * min(1.0, 2.6 / len(lines))
        picture = Image.new("RGB", (side, side), _bytes(paper))
        draw = ImageDraw.Draw(picture)
        font, box = self._fitted("\n".join(lines), max(4, round(height)), 0.94 * side)
        room_x, room_y = side - (box[2] - box[0]), side - (box[3] - box[1])
        x, y = rng.uniform(0.2, 0.8, 2) * (room_x, room_y) - box[:2]
        draw.multiline_text(
            (float(x), float(y)),
            "\n".join(lines),
            fill=_bytes(ink),
            font=font,
            align=str(rng.choice(["left", "center"])),
        )
        return np.asarray(picture)

    def _fitted(
        self, text: str, size: int, room: float
    ) -> tuple[ImageFont.FreeTypeFont, NDArray[np.float64]]:
        """Return the face as large as it fits, and the box it then fills."""
        draw = ImageDraw.Draw(Image.new("L", (1, 1)))
        for _ in range(4):
            font = _face(self.font.path, size)
            box = np.array(draw.multiline_textbbox((0, 0), text, font=font), dtype=np.float64)
            longest = max(box[2] - box[0], box[3] - box[1])
            if longest <= room or size <= 4:
                break
            size = max(4, int(size * room / longest))
        return font, box


@lru_cache(maxsize=64)
def _face(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def _bytes(paint: Colour) -> tuple[int, int, int]:
    return round(paint[0] * 255), round(paint[1] * 255), round(paint[2] * 255)


def _hex(paint: Colour) -> str:
    return "#" + "".join(f"{part:02x}" for part in _bytes(paint))


def font_files(root: Path) -> list[FontFile]:
    """List the faces under a folder that can write Latin text, one a family, the regular one where there is one.

    Parameters
    ----------
    root:
        Folder that holds ``<package>/usr/share/fonts``, or any with font files below it.
    """
    best: dict[str, tuple[int, str, Path]] = {}
    for path in sorted(
        path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()
    ):
        names = _names(path)
        if names is None or _UNLETTERED.search(f"{names[0]} {path.stem}"):
            continue
        family, style = names
        key = _SLANTED.sub("", family).strip().lower()
        rank = (_REGULAR.index(style.lower()) if style.lower() in _REGULAR else len(_REGULAR)) + 4 * bool(
            _SLANTED.search(f"{family} {style}")
        )
        if (rank, path.name) < (best[key][0], best[key][2].name) if key in best else True:
            best[key] = (rank, family, path)
    faces = (FontFile(path, family) for _, (_, family, path) in sorted(best.items()))
    return [face for face in faces if _writes_latin(face.path)]


def _names(path: Path) -> tuple[str, str] | None:
    try:
        family, style = _face(path, _PROBE_SIZE).getname()
    except (OSError, ValueError):
        return None
    return ((family or path.stem).strip(), (style or "").strip())


def _writes_latin(path: Path) -> bool:
    """Whether its letters are there and differ from one another and from the sign for a missing one."""
    face = _face(path, _PROBE_SIZE)
    try:
        missing = bytes(face.getmask(_MISSING))
        shapes = {bytes(face.getmask(letter)) for letter in _PROBES}
    except (OSError, ValueError):
        return False
    return len(shapes) > len(_PROBES) // 2 and missing not in shapes and all(any(shape) for shape in shapes)


def sample_colours(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Draw an ink and a paper that it can be read on."""
    hue, other = rng.random(2)
    vivid = float(rng.choice([0.0, 0.05, 0.12, 0.18]))
    dark = colour(float(rng.uniform(0.1, 0.42)), vivid, float(hue))
    pale = colour(float(rng.uniform(0.8, 1.0)), float(rng.choice([0.0, 0.02, 0.08])), float(other))
    return (pale, dark) if rng.random() < 0.25 else (dark, pale)


def sample_lettering(rng: np.random.Generator, fonts: Sequence[FontFile]) -> Lettering:
    """Draw a hand; in every other one the colours belong to it."""
    font = fonts[int(rng.integers(len(fonts)))]
    if rng.random() < 0.5:
        return Lettering(font)
    ink, paper = sample_colours(rng)
    return Lettering(font, ink, paper)
