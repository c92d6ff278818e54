"""What people name when they say how a picture is made, measured from its pixels alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from stylesearch.attribution.palette import Palette, palette_of
from stylesearch.attribution.planes import Plane, blurred, highest, lab, lowest
from stylesearch.images.decode import Pixels

MOST_SIDE, LEAST_SIDE = 512, 64
"""Between these lies the length of the longer side, in pixels, that pictures are looked at with."""

WHITE = 250
"""A pixel is margin if none of its channels is below this."""

WIDEST_STROKE = 1 / 16
"""Of the longer side: what is dark and wider is a patch, not a stroke."""

FINEST_REPEATS = 16
"""Only what repeats at least so often along the longer side is texture; what is larger is what is depicted."""

_STROKE_DEPTH = 30.0
"""By so much L* a stroke is darker than what it is drawn on, or covers that much less; below half of it, it is none."""
_LEAST_STROKES = 0.002
_EDGE = 12.0
"""From this change of colour on, in ΔE*ab from one pixel to the next, there is an edge."""
_EDGE_RISE = 20.0
"""Least rise of L* across an edge whose softness is taken."""
_EVEN = 1.5
"""Up to this change of colour, in ΔE*ab from one pixel to the next, a surface is even: less can hardly be seen."""
_GRAIN = 1.0
"""Blur, in pixels, before that is asked: it takes most of JPEG's own traces away, which nobody drew."""
_PAPER = 98.5
_LEAST_SURFACE = 0.01
_NO_TEXTURE = 1e-3


@dataclass(frozen=True, slots=True)
class Traits:
    """One picture's traits.

    Lightness is L* of CIELAB, 0 (black) to 100 (white). Lengths are in percent of the longer side, shares in percent.

    Attributes
    ----------
    palette:
        Dominant colours.
    colourfulness:
        Root mean square of the chroma C*ab; 0 is grey.
    lightness:
        Mean.
    contrast:
        From the darkest to the lightest, 2 % left out at both ends.
    line_weight:
        Mean width of dark strokes, to about 1.5 pixels' width at the least; ``None`` without any.
    outlines:
        Share of the edges that a dark stroke runs along; ``None`` without edges.
    edge_softness:
        Median width over which an edge rises; ``None`` without edges.
    texture_scale:
        Mean period, on a logarithmic scale and weighted by power, of what repeats at least 16 times along the longer
        side; ``None`` where nothing does.
    detail:
        Mean departure of lightness from its own blur over 1 % of the side.
    flatness:
        Share of the surfaces, so without edges and white paper, that is evenly coloured; a gentle gradient is even.
    """

    palette: Palette
    colourfulness: float
    lightness: float
    contrast: float
    line_weight: float | None
    outlines: float | None
    edge_softness: float | None
    texture_scale: float | None
    detail: float
    flatness: float


def trimmed(pixels: Pixels) -> Pixels:
    """Return a picture without its white margins, or as it is where it is white all over.

    How much paper is left round a drawing says more of the file than of the style; white inside the drawing's own
    rectangle stays.
    """
    inked = pixels.min(axis=2) < WHITE
    rows, columns = (np.flatnonzero(inked.any(axis=axis)) for axis in (1, 0))
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if rows.size else pixels


def common_side(first: Pixels, second: Pixels) -> int:
    """Return the longer side, in pixels, to look at both pictures with: the smaller's, within limits.

    At one size for both, a difference of resolution is not taken for one of style.
    """
    longest: int = min(max(one.shape[:2]) for one in (first, second))
    return max(LEAST_SIDE, min(MOST_SIDE, longest))


def measure(pixels: Pixels, side: int) -> Traits:
    """Measure a picture's traits.

    Parameters
    ----------
    pixels:
        ``[height, width, 3]``, any size from 1 by 1 up, already :func:`trimmed`.
    side:
        Longer side in pixels to look at it with, from :func:`common_side`.
    """
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    seen = np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize(size, Image.Resampling.BICUBIC))
    colours = lab(seen)
    light = np.ascontiguousarray(colours[..., 0])
    slope = _slope(colours)
    strokes = _strokes(light, side)
    low, high = np.percentile(light, [2, 98])
    return Traits(
        palette=palette_of(seen),
        colourfulness=float(np.sqrt(np.mean(colours[..., 1] ** 2 + colours[..., 2] ** 2))),
        lightness=float(light.mean()),
        contrast=float(high - low),
        line_weight=_line_weight(strokes, side),
        outlines=_outlines(strokes, slope),
        edge_softness=_edge_softness(light, side),
        texture_scale=_texture_scale(light, side),
        detail=float(np.abs(light - blurred(light, side / 100)).mean()),
        flatness=_flatness(colours, slope),
    )


def _slope(colours: Plane) -> Plane:
    """Return by how much the colour changes from one pixel to the next, in ΔE*ab."""
    down = np.diff(colours, axis=0, append=colours[-1:])
    across = np.diff(colours, axis=1, append=colours[:, -1:])
    return np.asarray(np.sqrt((down**2).sum(axis=2) + (across**2).sum(axis=2)))


def _strokes(light: Plane, side: int) -> Plane:
    """Return how far something dark and narrow covers each pixel, 0 to 1.

    A closing takes away what is dark and narrower than its window. How much it takes, compared with the most that it
    takes about there, is the cover, steepened about its half so that the grain of paper is none.
    """
    window = max(3, round(side * WIDEST_STROKE))
    taken = lowest(highest(light, window), window) - light
    return np.clip(2 * taken / np.maximum(_STROKE_DEPTH, highest(taken, window)) - 0.5, 0, 1)


def _line_weight(strokes: Plane, side: int) -> float | None:
    """Divide the strokes' area by half the length of their outline.

    The length is the sum of the slopes of the cover: so widths need not be whole pixels, nor strokes be told apart.
    """
    if (strokes > 0.5).mean() < _LEAST_STROKES:
        return None
    padded = np.pad(strokes, 1, mode="edge")
    down, across = padded[2:, 1:-1] - padded[:-2, 1:-1], padded[1:-1, 2:] - padded[1:-1, :-2]
    outline = np.hypot(down, across).sum() / 2
    return float(100 * 2 * strokes.sum() / outline / side)


def _outlines(strokes: Plane, slope: Plane) -> float | None:
    edges = slope > _EDGE
    return float(100 * (highest(strokes, 5)[edges] > 0.5).mean()) if edges.any() else None


def _edge_softness(light: Plane, side: int) -> float | None:
    """Where a slope is the steepest about, compare it with all that lightness changes by about there."""
    window = max(3, round(side / 24))
    slope = _slope(light[..., None])
    change = highest(light, window) - lowest(light, window)
    steepest = (slope >= highest(slope, window)) & (change > _EDGE_RISE)
    return float(100 * np.median(change[steepest] / slope[steepest]) / side) if steepest.any() else None


def _texture_scale(light: Plane, side: int) -> float | None:
    height, width = light.shape
    bell = np.hanning(height + 2)[1:-1, None] * np.hanning(width + 2)[1:-1]
    power = np.abs(np.fft.rfft2((light - np.average(light, weights=bell)) * bell)) ** 2
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    fine = (frequency >= FINEST_REPEATS / side) & (frequency <= 0.5)
    # By Parseval: the mean square of L* that all of it comes to.
    if 2 * power[fine].sum() / light.size / (bell**2).sum() < _NO_TEXTURE:
        return None
    return float(100 * np.exp(-np.average(np.log(frequency[fine]), weights=power[fine])) / side)


def _flatness(colours: Plane, slope: Plane) -> float:
    """Leave out paper, and edges with anything even beside them, however small: edges on all sides are texture."""
    even = highest(_slope(blurred(colours, _GRAIN)), 5) < _EVEN
    islands = (highest(slope, 3) < 2 * _EVEN).astype(np.float32)
    bounds = (highest(slope, 9) >= _EDGE) & (highest(islands, 17) > 0)
    surface = ~bounds & (colours[..., 0] < _PAPER)
    return float(100 * even[surface].mean()) if surface.mean() >= _LEAST_SURFACE else 100.0
