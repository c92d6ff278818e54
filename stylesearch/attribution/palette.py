"""A picture's dominant colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stylesearch.attribution.planes import lab
from stylesearch.images.decode import Pixels

MOST_COLOURS = 12
"""Colours of a palette, at most."""

APART = 18.0
"""Least distance at which two colours are taken for two, in CIELAB (ΔE*ab of 1976). About 2 can just be seen."""

LEAST_SHARE = 0.01
"""Share of the picture that a colour needs to be in the palette."""

_BITS = 5
_ROUNDS = 12


@dataclass(frozen=True, slots=True)
class Swatch:
    """One colour of a palette.

    Attributes
    ----------
    hex:
        sRGB as ``#rrggbb``.
    name:
        What people call it, roughly: "dark blue".
    share:
        Of the picture, 0 to 1.
    lab:
        L*, a*, b*.
    """

    hex: str
    name: str
    share: float
    lab: tuple[float, float, float]


Palette = tuple[Swatch, ...]
"""Dominant colours, the largest share first; the shares sum to 1."""


def palette_of(pixels: Pixels) -> Palette:
    """Return a picture's dominant colours; the same each time.

    Pixels on an edge, which are a mixture of what lies on both sides, count for the side that they are nearer to in
    lightness. The most frequent colour is taken first, then the most frequent that is :data:`APART` from it, and so
    on; all pixels are then dealt out to the nearest, and each colour becomes the mean of its pixels.

    Parameters
    ----------
    pixels:
        ``[height, width, 3]``.
    """
    bins, counts = _counted(_unmixed(pixels))
    colours = ((bins.astype(np.float64) + 0.5) * 2 ** (8 - _BITS)).clip(0, 255)
    colours[bins == 0] = 0
    colours[bins == 2**_BITS - 1] = 255
    places = lab(colours[None].round().astype(np.uint8))[0].astype(np.float64)
    centres = places[_seeds(places, counts)]
    for _ in range(_ROUNDS):
        nearest = _nearest(places, centres)
        shares = np.bincount(nearest, counts, len(centres)) / counts.sum()
        kept = np.flatnonzero(shares >= min(LEAST_SHARE, shares.max()))
        centres = np.stack(
            [np.average(places[nearest == one], axis=0, weights=counts[nearest == one]) for one in kept]
        )
    nearest = _nearest(places, centres)
    swatches = []
    for number, centre in enumerate(centres):
        own = nearest == number
        if own.any():
            mean = np.average(colours[own], axis=0, weights=counts[own]).round().astype(int)
            swatches.append(
                Swatch(
                    "#" + "".join(f"{one:02x}" for one in mean),
                    colour_name(centre),
                    float(counts[own].sum() / counts.sum()),
                    (float(centre[0]), float(centre[1]), float(centre[2])),
                )
            )
    return tuple(sorted(swatches, key=lambda one: (-one.share, one.hex)))


def _counted(pixels: Pixels) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the bins of colours that there are, ``[n, 3]`` in order, and how many pixels each has."""
    coarse = (pixels >> (8 - _BITS)).astype(np.int64).reshape(-1, 3)
    counts = np.bincount(coarse @ (1 << _BITS * np.array([2, 1, 0])))
    found = np.flatnonzero(counts)
    return np.stack([found >> 2 * _BITS, found >> _BITS, found], axis=1) & (1 << _BITS) - 1, counts[found]


def _unmixed(pixels: Pixels) -> Pixels:
    light = pixels.astype(np.int32) @ np.array([299, 587, 114])
    height, width = light.shape
    rows, columns = np.mgrid[:height, :width]
    darkest, lightest = light.copy(), light.copy()
    dark, bright = pixels.copy(), pixels.copy()
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            beside = (rows + down).clip(0, height - 1), (columns + across).clip(0, width - 1)
            there = light[beside]
            darker, lighter = there < darkest, there > lightest
            darkest[darker], dark[darker] = there[darker], pixels[beside][darker]
            lightest[lighter], bright[lighter] = there[lighter], pixels[beside][lighter]
    return np.where((light - darkest <= lightest - light)[..., None], dark, bright)


def _seeds(places: NDArray[np.float64], counts: NDArray[np.int64]) -> list[int]:
    left = counts.astype(np.float64)
    seeds: list[int] = []
    while left.any() and len(seeds) < MOST_COLOURS:
        seeds.append(int(left.argmax()))
        left[np.linalg.norm(places - places[seeds[-1]], axis=1) < APART] = 0
    return seeds


def _nearest(places: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.int64]:
    nearest: NDArray[np.int64] = np.linalg.norm(places[:, None] - centres, axis=2).argmin(axis=1)
    return nearest


def palette_distance(first: Palette, second: Palette) -> float:
    """Return how far, on average, a colour of one palette is from the nearest of the other, in ΔE*ab.

    Of the two directions the larger counts. A colour weighs with the square root of its share, so that a wide ground
    does not outvote the figure on it. That both have a colour but to different shares is no difference: shares follow
    what is depicted.
    """
    ones, others = (np.array([swatch.lab for swatch in palette]) for palette in (first, second))
    apart = np.linalg.norm(ones[:, None] - others, axis=2)
    weights = [np.sqrt([swatch.share for swatch in palette]) for palette in (first, second)]
    return float(
        max(
            np.average(apart.min(axis=1), weights=weights[0]),
            np.average(apart.min(axis=0), weights=weights[1]),
        )
    )


def only_in(palette: Palette, other: Palette) -> Palette:
    """Return the colours of a palette that the other has nothing within :data:`APART` of."""
    places = np.array([swatch.lab for swatch in other])
    return tuple(swatch for swatch in palette if np.linalg.norm(places - swatch.lab, axis=1).min() >= APART)


_GREYS = ((15, "black"), (40, "dark grey"), (70, "grey"), (93, "light grey"), (101, "white"))
_HUES = (
    (20, "pink"), (55, "red"), (85, "orange"), (115, "yellow"), (170, "green"), (225, "turquoise"), (310, "blue"),
    (342, "purple"), (361, "pink"),
)  # fmt: skip


def colour_name(place: NDArray[np.float64]) -> str:
    """Return what people call a colour of CIELAB, roughly."""
    lightness, chroma = float(place[0]), float(np.hypot(place[1], place[2]))
    hue = float(np.degrees(np.arctan2(place[2], place[1])) % 360)
    if chroma < 9 or lightness < 8:
        return next(name for limit, name in _GREYS if lightness < limit)
    name = next(name for limit, name in _HUES if hue < limit)
    name = {
        "pink": "red" if lightness < 50 else "pink",
        "red": "pink" if lightness > 72 else "brown" if chroma < 40 and lightness < 50 else "red",
        "orange": "brown" if lightness < 55 else "beige" if chroma < 35 else "orange",
        "yellow": "olive" if lightness < 60 else "cream" if chroma < 30 and lightness > 85 else "yellow",
    }.get(name, name)
    if lightness < 32:
        return f"dark {name}"
    return (
        f"pale {name}" if lightness > 75 and chroma < 30 and name not in ("cream", "beige", "pink") else name
    )
