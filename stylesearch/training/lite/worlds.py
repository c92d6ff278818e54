"""Worlds: pictures that are shown together in training, so that in each of them style and content are crossed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import numpy as np

from stylesearch.encoders.protocol import Pixels
from stylesearch.errors import ImageError
from stylesearch.images.decode import decode
from stylesearch.training.data.archived import read_bytes
from stylesearch.training.data.fonts import TEXTS, FontFile, sample_lettering
from stylesearch.training.data.pictures import Picture, read
from stylesearch.training.data.pixels.palette import Palette, sample_free_palette
from stylesearch.training.data.restyle import Restyling, sample_style
from stylesearch.training.data.vector import VectorStyle, sample_vector_style, tightened

SIDE = 320
"""Shorter side, in pixels, that pictures are drawn at, and that the catalogue decodes them at."""

STYLES, CONTENTS = 16, 20
"""Manners of a restyled world, and drawings that each is applied to."""

HANDS, WORDS = 20, 16
"""Hands of a world of words, and texts that each writes."""

Colours = Literal["own", "kept", "free"]
"""Whose a restyling's colours are: the manner's own, one mapping for all it draws; the drawing's, as they were; or
nobody's, drawn anew for each picture, so that they say nothing."""

_MAX_BYTES = 16 * 1024**2
_MAX_PIXELS = 40_000_000
_LONGEST_SHAPE = 3.0
_INK = 240
_LEAST_INK = 0.03
_FEWEST_STYLES = 12
_SEEDS = {"drawn": 1, "painted": 2, "written": 3}


class Drawn(NamedTuple):
    """A picture in training.

    Attributes
    ----------
    pixels:
        ``[height, width, 3]``.
    style:
        Name of what it is to be found by.
    content:
        Name of what it shows, where other styles show it too; else ``None``.
    """

    pixels: Pixels
    style: str
    content: str | None


class World(Protocol):
    """Pictures that are shown together; can be sent to another process."""

    @property
    def name(self) -> str:
        """A name of its own, fit for a file."""

    @property
    def kind(self) -> str:
        """What decides how often it is shown."""

    def draw(self) -> Iterator[Drawn]:
        """Yield its pictures, the same each time; what cannot be decoded is left out."""


class Listed(NamedTuple):
    """A file with its labels, or a part of a sheet of pictures."""

    path: Path
    style: str
    content: str | None
    sheet: Picture | None = None


@dataclass(frozen=True)
class ListedWorld:
    """Pictures as they are in files."""

    name: str
    kind: str
    pictures: tuple[Listed, ...]

    def draw(self) -> Iterator[Drawn]:
        for listed in self.pictures:
            try:
                pixels = read(listed.sheet, side=SIDE) if listed.sheet is not None else _decoded(listed.path)
            except (ImageError, OSError):
                continue
            yield Drawn(pixels, listed.style, listed.content)


def _decoded(path: Path) -> Pixels:
    return _pixels(read_bytes(path), SIDE)


def _pixels(data: bytes, side: int) -> Pixels:
    return decode(data, max_bytes=_MAX_BYTES, max_pixels=_MAX_PIXELS, shortest_side=side).pixels


@dataclass(frozen=True)
class RestyledWorld:
    """The same drawings in a number of manners, which are drawn by chance.

    Attributes
    ----------
    name:
        Of the world.
    medium:
        ``drawn`` restyles the shapes of vector drawings, ``painted`` the pixels of any picture.
    colours:
        Whose the colours are.
    seed:
        Of the manners, of which drawings are taken, and of all that differs from picture to picture.
    files:
        Drawings to take from: more than are needed, for some cannot be restyled.
    """

    name: str
    medium: Literal["drawn", "painted"]
    colours: Colours
    seed: int
    files: tuple[Path, ...]

    @property
    def kind(self) -> str:
        """The medium and whose the colours are."""
        return f"{self.medium}, colours {self.colours}"

    @cached_property
    def _manners(self) -> list[VectorStyle | Restyling]:
        generator = self._generator(0)
        sample = sample_vector_style if self.medium == "drawn" else sample_style
        manners = [sample(generator) for _ in range(STYLES)]
        return (
            [replace(manner, palette=Palette()) for manner in manners] if self.colours == "kept" else manners
        )

    def _generator(self, part: int) -> np.random.Generator:
        return np.random.default_rng([_SEEDS[self.medium], self.seed, part])

    def draw(self) -> Iterator[Drawn]:
        generator = self._generator(1)
        contents = 0
        for place in generator.permutation(len(self.files)).tolist():
            if contents == CONTENTS:
                return
            pictures = self._restyled(self.files[place], generator)
            if len(pictures) >= _FEWEST_STYLES:
                for number, pixels in pictures.items():
                    yield Drawn(pixels, f"{self.name} {number}", f"{self.name} {contents}")
                contents += 1

    def _restyled(self, path: Path, generator: np.random.Generator) -> dict[int, Pixels]:
        """Return a drawing in those manners that it can be restyled in; in none where it shows next to nothing."""
        try:
            data = read_bytes(path)
            if self.medium == "drawn":
                data = tightened(data)
            pixels = _pixels(data, SIDE)
        except (ImageError, OSError):
            return {}
        shorter, longer = sorted(pixels.shape[:2])
        if (pixels.min(axis=2) < _INK).mean() < _LEAST_INK or longer > _LONGEST_SHAPE * shorter:
            return {}
        found: dict[int, Pixels] = {}
        for number, manner in enumerate(self._manners):
            if self.colours == "free":
                manner = replace(manner, palette=sample_free_palette(generator))  # noqa: PLW2901 - the same, recoloured
            try:
                found[number] = (
                    _pixels(manner.apply(data), SIDE)
                    if isinstance(manner, VectorStyle)
                    else manner.apply(pixels, generator)
                )
            except ImageError:
                continue
        return found


@dataclass(frozen=True)
class WrittenWorld:
    """The same words in a number of hands."""

    name: str
    seed: int
    fonts: tuple[FontFile, ...]
    kind: str = "written"

    def draw(self) -> Iterator[Drawn]:
        generator = np.random.default_rng([_SEEDS["written"], self.seed])
        fonts = generator.permutation(len(self.fonts))[:HANDS]
        texts = generator.permutation(len(TEXTS))[:WORDS]
        for place in fonts.tolist():
            hand = sample_lettering(generator, [self.fonts[place]])
            for text in texts.tolist():
                yield Drawn(
                    hand.write(TEXTS[text], generator, side=SIDE), hand.name, f"the words {TEXTS[text]}"
                )
