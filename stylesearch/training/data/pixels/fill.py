"""What areas are filled with: flat colour, screens, hatching, paint, tiles."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stylesearch.training.data.pixels.canvas import Canvas
from stylesearch.training.data.pixels.fields import Field
from stylesearch.training.data.pixels.palette import Colour, colour

Filled = tuple[Field, Field]
"""Colours ``[h, w, 3]``, and how far they cover the ground, ``[h, w]``."""


@dataclass(frozen=True, slots=True)
class Fill:
    """A way of filling areas.

    Attributes
    ----------
    kind:
        A key of :func:`kinds`.
    scale:
        Size of its marks, in units.
    angle:
        Their direction, in radians.
    strength:
        How far it goes, 0 to 1.
    ink:
        The one colour of its marks; ``None`` for the picture's own colours.
    loose:
        How irregular the marks are, 0 to 1.
    under:
        How much of the picture's flat colour lies beneath marks, 0 to 1.
    levels:
        How many tones it tells apart.
    """

    kind: str = "flat"
    scale: float = 3.0
    angle: float = 0.0
    strength: float = 1.0
    ink: Colour | None = None
    loose: float = 0.0
    under: float = 0.0
    levels: int = 4

    def fill(self, canvas: Canvas, rng: np.random.Generator) -> Filled:
        """Fill the figure of a canvas whose ink is already in the style's palette."""
        return kinds()[self.kind](self, canvas, rng)

    def pitch(self, canvas: Canvas, *, least: float = 2.0) -> float:
        """Return the marks' size in pixels."""
        return max(least, self.scale * canvas.unit)


Maker = Callable[[Fill, Canvas, np.random.Generator], Filled]


def kinds() -> dict[str, Maker]:
    """Return every way of filling, by name."""
    from stylesearch.training.data.pixels import marks, paint, plain, tiles

    return {**plain.KINDS, **marks.KINDS, **paint.KINDS, **tiles.KINDS}


def sample_fill(rng: np.random.Generator) -> Fill:
    """Draw a way of filling; the flat colours about every fourth time."""
    names = sorted(kinds())
    kind = "flat" if rng.random() < 0.22 else str(rng.choice(names))
    tone = rng.choice(["own", "black", "dark", "bright"], p=[0.45, 0.25, 0.2, 0.1])
    hue = float(rng.random())
    inks: dict[str, Colour | None] = {
        "own": None,
        "black": colour(float(rng.uniform(0.0, 0.15)), 0.0, 0.0),
        "dark": colour(float(rng.uniform(0.2, 0.4)), float(rng.uniform(0.05, 0.14)), hue),
        "bright": colour(float(rng.uniform(0.5, 0.65)), float(rng.uniform(0.1, 0.22)), hue),
    }
    return Fill(
        kind=kind,
        scale=float(rng.choice([2.5, 3.5, 5.0, 7.0, 10.0])),
        angle=float(rng.choice([0.0, math.pi / 4, math.pi / 2, -math.pi / 4, rng.uniform(0, math.pi)])),
        strength=float(rng.uniform(0.45, 1.0)),
        ink=inks[str(tone)],
        loose=float(rng.choice([0.0, 0.3, 0.7, 1.0])),
        under=float(rng.choice([0.0, 0.0, 0.5, 1.0])),
        levels=int(rng.integers(2, 6)),
    )
