"""Colour and tone: one mapping of all colours, baked into a table."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Colour = tuple[float, float, float]
"""sRGB, each 0 to 1."""

_Rows = NDArray[np.float64]
_STEPS = 21

_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_FROM_LMS, _FROM_LAB = np.linalg.inv(_TO_LMS), np.linalg.inv(_TO_LAB)


def oklab(rgb: _Rows) -> _Rows:
    """Return Oklab lightness, a and b of ``[n, 3]`` sRGB."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    lab: _Rows = np.cbrt(linear @ _TO_LMS.T) @ _TO_LAB.T
    return lab


def srgb(lab: _Rows) -> _Rows:
    """Return ``[n, 3]`` sRGB, cut to 0 to 1, of Oklab."""
    linear = np.clip(((lab @ _FROM_LAB.T) ** 3) @ _FROM_LMS.T, 0, 1)
    rgb: _Rows = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return rgb


def colour(lightness: float, chroma: float, hue: float) -> Colour:
    """Return the sRGB colour of an Oklab lightness (0 to 1), chroma (0 to about 0.3) and hue (in turns)."""
    lab = np.array([[lightness, chroma * math.cos(math.tau * hue), chroma * math.sin(math.tau * hue)]])
    red, green, blue = srgb(lab)[0]
    return float(red), float(green), float(blue)


@dataclass(frozen=True, slots=True)
class Palette:
    """One mapping of every colour.

    Attributes
    ----------
    kind:
        A key of :data:`KINDS`.
    colours:
        The colours it maps to, darkest first, where it forces some.
    hue, hue_spread:
        Hues are turned by ``hue`` (in turns) and drawn towards it: 1 keeps their differences, 0 leaves one hue.
    chroma:
        Factor on saturation.
    gamma, contrast:
        Tonal curve: exponent, and steepness about the middle.
    black, white:
        Lightness that black and white become; swapped for a negative.
    strength:
        How much of the mapping is mixed in, 0 to 1.
    """

    kind: str = "shift"
    colours: tuple[Colour, ...] = ()
    hue: float = 0.0
    hue_spread: float = 1.0
    chroma: float = 1.0
    gamma: float = 1.0
    contrast: float = 1.0
    black: float = 0.0
    white: float = 1.0
    strength: float = 1.0

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Map ``[h, w, 3]``."""
        return np.asarray(Image.fromarray(pixels).filter(_table(self)))

    def map(self, rgb: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map ``[n, 3]`` colours of 0 to 1, without the table's rounding."""
        mapped: _Rows = np.clip(rgb + (KINDS[self.kind](self, rgb) - rgb) * self.strength, 0, 1)
        return mapped


def _tone(palette: Palette, lightness: NDArray[np.float64]) -> NDArray[np.float64]:
    curve = np.clip(lightness, 0, 1) ** palette.gamma
    curve = np.clip(0.5 + (curve - 0.5) * palette.contrast, 0, 1)
    toned: NDArray[np.float64] = palette.black + (palette.white - palette.black) * curve
    return toned


def _shift(palette: Palette, rgb: _Rows) -> _Rows:
    lab = oklab(rgb)
    angle = np.arctan2(lab[:, 2], lab[:, 1]) / math.tau
    reach = np.hypot(lab[:, 1], lab[:, 2]) * palette.chroma
    if palette.hue_spread < 1:
        apart = (angle - palette.hue + 0.5) % 1 - 0.5
        angle = palette.hue + apart * palette.hue_spread
    else:
        angle = angle + palette.hue
    return srgb(
        np.stack(
            [_tone(palette, lab[:, 0]), reach * np.cos(math.tau * angle), reach * np.sin(math.tau * angle)],
            axis=1,
        )
    )


def _ramp(palette: Palette, rgb: _Rows) -> _Rows:
    """Lay a ramp of colours over the lightness."""
    lightness = np.clip(_tone(palette, oklab(rgb)[:, 0]), 0, 1)
    stops = np.linspace(0, 1, len(palette.colours))
    ramp = np.array(palette.colours)
    return np.stack([np.interp(lightness, stops, ramp[:, c]) for c in range(3)], axis=1)


def _levels(palette: Palette, rgb: _Rows) -> _Rows:
    """Lay colours over the lightness in steps."""
    lightness = np.clip(_tone(palette, oklab(rgb)[:, 0]), 0, 1)
    index = np.minimum((lightness * len(palette.colours)).astype(int), len(palette.colours) - 1)
    levels: _Rows = np.array(palette.colours)[index]
    return levels


def _nearest(palette: Palette, rgb: _Rows) -> _Rows:
    """Give every colour the nearest of a few, hue counting double."""
    weights = np.array([1.0, 2.0, 2.0])
    wanted = oklab(_shift(palette, rgb)) * weights
    given = np.array(palette.colours)
    distances = ((wanted[:, None, :] - (oklab(given) * weights)[None]) ** 2).sum(axis=2)
    nearest: _Rows = given[distances.argmin(axis=1)]
    return nearest


def _posterised(palette: Palette, rgb: _Rows) -> _Rows:
    """Round each channel to as many levels as there are colours given, at least two."""
    steps = max(1, len(palette.colours) - 1)
    return np.round(_shift(palette, rgb) * steps) / steps


def _channels(palette: Palette, rgb: _Rows) -> _Rows:
    """Add the three channels up as three inks or lights: a linear mixing of colours."""
    mixed: _Rows = np.clip(_shift(palette, rgb) @ np.array(palette.colours[:3]), 0, 1)
    return mixed


KINDS: dict[str, Callable[[Palette, _Rows], _Rows]] = {
    "shift": _shift,
    "ramp": _ramp,
    "levels": _levels,
    "nearest": _nearest,
    "posterised": _posterised,
    "channels": _channels,
}


@lru_cache(maxsize=512)
def _table(palette: Palette) -> ImageFilter.Color3DLUT:
    axis = np.linspace(0, 1, _STEPS)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    rgb = np.stack([red.ravel(), green.ravel(), blue.ravel()], axis=1)
    return ImageFilter.Color3DLUT(_STEPS, palette.map(rgb).astype(np.float32).ravel())


def harmony(rng: np.random.Generator, count: int) -> tuple[Colour, ...]:
    """Draw colours that go together, darkest first.

    Parameters
    ----------
    count:
        How many, at least 1.
    """
    base = rng.random()
    offsets = [
        (0.0,),
        (0.0, 0.07, -0.07),
        (0.0, 0.5),
        (0.0, 1 / 3, 2 / 3),
        (0.0, 0.42, 0.58),
        (0.0, 0.25, 0.5, 0.75),
    ][rng.integers(6)]
    low = rng.choice([0.05, 0.15, 0.25, 0.4])
    high = rng.choice([0.97, 0.92, 0.85, 0.75])
    vividness = rng.choice([0.02, 0.06, 0.1, 0.15, 0.22])
    steps = np.linspace(low, high, count) + rng.normal(0, 0.04, count)
    drawn = []
    for lightness in sorted(np.clip(steps, 0.03, 0.99)):
        chroma = vividness * rng.uniform(0.5, 1.2) * (0.4 + 1.2 * lightness * (1.2 - lightness) * 1.5)
        drawn.append(
            colour(float(lightness), float(chroma), base + float(rng.choice(offsets)) + rng.normal(0, 0.015))
        )
    return tuple(drawn)


def sample_palette(rng: np.random.Generator) -> Palette:
    """Draw a mapping: mild ones, ones that keep hues apart, and ones that leave only a few colours."""
    kind = str(
        rng.choice(
            ["plain", "shift", "ramp", "levels", "nearest", "posterised", "channels"],
            p=[0.14, 0.34, 0.14, 0.06, 0.2, 0.05, 0.07],
        )
    )
    if kind == "plain":
        return Palette(chroma=float(rng.uniform(0.85, 1.2)), contrast=float(rng.uniform(0.9, 1.1)))
    toned = _sample_tone(rng)
    if kind == "shift":
        return replace(
            toned,
            hue=float(rng.choice([0.0, rng.random()])),
            hue_spread=float(rng.choice([1.0, 1.0, 0.5, 0.15])),
            chroma=float(rng.choice([0.0, 0.3, 0.6, 1.0, 1.5, 2.2])),
        )
    if kind in ("ramp", "levels"):
        return replace(toned, kind=kind, colours=harmony(rng, int(rng.integers(2, 6))))
    if kind == "nearest":
        count = int(rng.choice([3, 4, 5, 6, 8, 12]))
        return replace(toned, kind=kind, colours=harmony(rng, count), hue=float(rng.random()), chroma=1.2)
    if kind == "posterised":
        steps: tuple[Colour, ...] = ((0.0, 0.0, 0.0),) * int(rng.integers(2, 6))
        return replace(toned, kind=kind, colours=steps, hue=float(rng.random()))
    lights = rng.dirichlet([0.5, 0.5, 0.5], 3)
    if rng.random() < 0.5:
        lights = lights.T
    return replace(toned, kind=kind, colours=tuple((float(a), float(b), float(c)) for a, b, c in lights))


def sample_free_palette(rng: np.random.Generator) -> Palette:
    """Draw a mapping that a drawing could as well have been coloured with: hues turned, a little more or less vivid."""
    return Palette(
        hue=float(rng.random()) if rng.random() < 0.7 else 0.0,
        chroma=float(rng.uniform(0.6, 1.4)),
        gamma=float(rng.uniform(0.8, 1.25)),
    )


def _sample_tone(rng: np.random.Generator) -> Palette:
    """Draw a tonal curve; the colours stay."""
    curve = str(
        rng.choice(
            ["plain", "hard", "soft", "pale", "dark", "negative"], p=[0.3, 0.18, 0.16, 0.15, 0.13, 0.08]
        )
    )
    low, high = (float(share) for share in rng.random(2))
    curves = {
        "plain": Palette(),
        "hard": Palette(contrast=1.5 + low),
        "soft": Palette(black=0.15 + 0.2 * low, white=0.75 + 0.2 * high),
        "pale": Palette(gamma=0.45 + 0.25 * low, black=0.1 + 0.3 * high),
        "dark": Palette(gamma=1.5 + 0.9 * low, white=0.6 + 0.4 * high),
        "negative": Palette(black=0.85 + 0.15 * low, white=0.15 * high),
    }
    return curves[curve]
