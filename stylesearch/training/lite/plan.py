"""Which worlds the encoder ``lite`` is trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import get_args

import numpy as np

from stylesearch.training.data.artists import clipart, of_few_works
from stylesearch.training.data.disjoint import Dropped, assert_disjoint, without_copies
from stylesearch.training.data.fonts import font_files
from stylesearch.training.data.icons import Icon, crossed_icons
from stylesearch.training.data.office import office_icons
from stylesearch.training.data.packages import FAMILIES, ICON_THEMES, OFFICE_STYLES, TEST_PACKAGES
from stylesearch.training.data.pictures import Picture, pictures
from stylesearch.training.data.sources import BASES
from stylesearch.training.lite.worlds import Colours, Listed, ListedWorld, RestyledWorld, World, WrittenWorld

SHARES = {
    "icons": 20.0,
    "buttons": 6.0,
    "art": 6.0,
    "artists": 8.0,
    "written": 4.0,
    "drawn, colours own": 8.0,
    "drawn, colours kept": 12.0,
    "drawn, colours free": 12.0,
    "painted, colours own": 10.0,
    "painted, colours kept": 4.0,
    "painted, colours free": 6.0,
}
"""How often each kind of world is shown, compared with the others; the worlds of one kind share it."""

RESTYLED: dict[str, dict[Colours, int]] = {
    "drawn": {"own": 24, "kept": 32, "free": 32},
    "painted": {"own": 40, "kept": 12, "free": 20},
}
"""How many worlds of each kind there are."""

WRITTEN = 16
MOST_ICONS = 1000
"""Icons of one theme; those that most themes have come first."""

_MOST_ART = 250
_MOST_BASES = 700
_CANDIDATES = 48
"""Drawings that a restyled world is given to take its own from."""


def plan(packages: Path) -> tuple[list[World], Dropped]:
    """List all worlds, the same each time.

    Parameters
    ----------
    packages:
        Folder that holds the unpacked Debian packages, those that are measured on among them, so that copies of their
        pictures can be left out.

    Returns
    -------
    worlds, dropped
        What was left out as a copy of what is measured on.

    Raises
    ------
    InputError
        If packages are missing, or a picture belongs to what is measured on.
    """
    measured = crossed_icons(packages, TEST_PACKAGES)
    icons, dropped = assert_disjoint(crossed_icons(packages, ICON_THEMES, most=MOST_ICONS), measured)
    icons = _shared(without_copies(icons))
    buttons = office_icons(packages, OFFICE_STYLES)
    art = pictures(packages, most=_MOST_ART)
    drawings = of_few_works(clipart(packages))
    worlds: list[World] = [
        ListedWorld("icons", "icons", tuple(_listed(icons))),
        ListedWorld("buttons", "buttons", tuple(_listed(buttons))),
        ListedWorld("art", "art", tuple(_of_pictures(art))),
        ListedWorld(
            "artists",
            "artists",
            tuple(Listed(one.path, f"artist {one.artist}", None) for one in drawings if one.artist),
        ),
    ]
    fonts = tuple(font_files(packages))
    worlds += [WrittenWorld(f"written-{number}", number, fonts) for number in range(WRITTEN)]
    bases = _Bases(
        icons,
        [one.path for one in drawings],
        [one.path for one in pictures(packages, sources=BASES, most=_MOST_BASES)],
        [one.path for one in art if one.part is None and one.content is None],
    )
    for medium, counts in RESTYLED.items():
        for colours, count in counts.items():
            worlds += [bases.world(medium, colours, number) for number in range(count)]
    return worlds, dropped


def shares(worlds: Iterable[World]) -> dict[str, float]:
    """Return how often each world is to be shown, by its name."""
    listed = list(worlds)
    counts = Counter(world.kind for world in listed)
    return {world.name: SHARES[world.kind] / counts[world.kind] for world in listed}


def _shared(icons: Sequence[Icon]) -> list[Icon]:
    """Leave out what only one theme still shows, once copies are gone."""
    styles = Counter(content for content, _ in {(icon.content, icon.style) for icon in icons})
    return [icon for icon in icons if styles[icon.content] > 1]


def _listed(icons: Iterable[Icon]) -> Iterable[Listed]:
    for icon in icons:
        yield Listed(icon.path, FAMILIES.get(icon.style, icon.style), icon.content)


def _of_pictures(art: Iterable[Picture]) -> Iterable[Listed]:
    for picture in art:
        yield Listed(picture.path, FAMILIES.get(picture.style, picture.style), picture.content, picture)


class _Bases:
    """What is restyled: icons, one of each content; drawings; photographs and stamps; games' pictures."""

    def __init__(
        self, icons: Sequence[Icon], drawings: list[Path], photographs: list[Path], art: list[Path]
    ) -> None:
        self._drawn: dict[str, list[Path]] = {}
        self._any: dict[str, list[Path]] = {}
        for icon in icons:
            self._any.setdefault(icon.content, []).append(icon.path)
            if icon.path.suffix == ".svg":
                self._drawn.setdefault(icon.content, []).append(icon.path)
        self._drawings, self._photographs, self._art = drawings, photographs, art

    def world(self, medium: str, colours: Colours, number: int) -> RestyledWorld:
        """Return a world of a medium; what it shows goes through the kinds of bases in turn."""
        vector = medium == "drawn"
        seed = 1000 * get_args(Colours).index(colours) + number
        generator = np.random.default_rng([int(vector), seed])
        mixtures: list[tuple[float, ...]] = (
            [(1, 0, 0, 0), (0.5, 0.5, 0, 0), (0, 1, 0, 0)]
            if vector
            else [(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0.3, 0.3, 0.25, 0.15)]
        )
        wanted = [round(_CANDIDATES * share) for share in mixtures[number % len(mixtures)]]
        chosen = self._icons(self._drawn if vector else self._any, generator, wanted[0])
        for files, count in zip((self._drawings, self._photographs, self._art), wanted[1:], strict=True):
            chosen += [files[place] for place in generator.permutation(len(files))[:count].tolist()]
        name = f"{medium}-{colours}-{number}"
        return RestyledWorld(name, "drawn" if vector else "painted", colours, seed, tuple(chosen))

    @staticmethod
    def _icons(files: dict[str, list[Path]], generator: np.random.Generator, count: int) -> list[Path]:
        contents = sorted(files)
        chosen = []
        for place in generator.permutation(len(contents))[:count].tolist():
            those = files[contents[place]]
            chosen.append(those[int(generator.integers(len(those)))])
        return chosen
