"""Fills of even colour: flat, thin, misprinted, cut in layers, faceted, embossed, or none at all."""

from __future__ import annotations

import math

import numpy as np

from stylesearch.training.data.pixels.canvas import Canvas
from stylesearch.training.data.pixels.fields import blur, coordinates, gradient, luminance, noise, warped
from stylesearch.training.data.pixels.fill import Fill, Filled, Maker


def flat(_fill: Fill, canvas: Canvas, _rng: np.random.Generator) -> Filled:
    """The colours as they are."""
    return canvas.ink, canvas.figure


def bare(_fill: Fill, canvas: Canvas, _rng: np.random.Generator) -> Filled:
    """Nothing: only the line is drawn."""
    return canvas.ink, np.zeros_like(canvas.figure)


def thin(fill: Fill, canvas: Canvas, _rng: np.random.Generator) -> Filled:
    """Colour that the ground shines through."""
    return canvas.ink, canvas.figure * np.float32(0.25 + 0.5 * fill.strength)


def misprint(fill: Fill, canvas: Canvas, _rng: np.random.Generator) -> Filled:
    """Colour that was printed beside its lines."""
    reach = fill.scale * canvas.unit
    moved = np.concatenate([canvas.bled(), canvas.figure[..., None]], axis=2)
    moved = warped(moved, reach * math.sin(fill.angle), reach * math.cos(fill.angle))
    return moved[..., :3], moved[..., 3]


def layers(fill: Fill, canvas: Canvas, _rng: np.random.Generator) -> Filled:
    """Cut paper: a few tones, the lighter lying on the darker and throwing a shadow."""
    levels = fill.levels + 1
    light = np.floor(np.clip(blur(luminance(canvas.ink), 1.2 * canvas.unit), 0, 0.999) * levels) / levels
    height = np.where(canvas.figure > 0.5, light + 1 / levels, 0).astype(np.float32)
    reach = 0.5 * fill.scale * canvas.unit
    above = warped(blur(height, reach * 0.6), -reach, -reach)
    shade = np.clip(above - height, 0, 0.5) * np.float32(1.3 * fill.strength)
    smooth = blur(canvas.bled(), 1.5 * canvas.unit)
    toned = np.clip(smooth - luminance(smooth)[..., None] + (light + 0.5 / levels)[..., None], 0, 1)
    return np.asarray(toned * (1 - shade[..., None]), dtype=np.float32), canvas.figure


def facets(fill: Fill, canvas: Canvas, rng: np.random.Generator) -> Filled:
    """Triangles of one colour each."""
    pitch = fill.pitch(canvas, least=4) * 2
    rows, columns = coordinates(*canvas.shape)
    astray = np.float32(0.1 + 0.25 * fill.loose)
    down = rows / np.float32(pitch) + astray * noise(rng, canvas.shape, 2.2 * pitch) + 4
    across = columns / np.float32(pitch) + astray * noise(rng, canvas.shape, 2.2 * pitch) + 4
    y, x = np.maximum(down, 0), np.maximum(across, 0)
    cell = 2 * (y.astype(np.intp) * (int(x.max()) + 1) + x.astype(np.intp)) + (y % 1 > x % 1)
    return _averaged(canvas, cell)


def _averaged(canvas: Canvas, cell: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> Filled:
    """Give every cell one colour; those that are mostly empty stay so."""
    owner = cell.ravel()
    area = np.maximum(np.bincount(owner), 1)
    weight = np.bincount(owner, canvas.figure.ravel())
    inks = [
        np.bincount(owner, (canvas.ink[..., c] * canvas.figure).ravel()) / np.maximum(weight, 1e-3)
        for c in range(3)
    ]
    colours = np.clip(np.stack(inks, axis=1), 0, 1).astype(np.float32)[cell]
    return colours, (weight / area > 0.4).astype(np.float32)[cell]


def embossed(fill: Fill, canvas: Canvas, _rng: np.random.Generator) -> Filled:
    """One material, only raised and lit."""
    height = blur(1 - luminance(canvas.ink) * canvas.figure, 0.25 * fill.scale * canvas.unit)
    height = height + blur(canvas.figure, 0.3 * fill.scale * canvas.unit)
    down, across = gradient(height)
    lit = math.sin(fill.angle) * down + math.cos(fill.angle) * across
    body = np.array(fill.ink if fill.ink is not None else (0.72, 0.72, 0.74), dtype=np.float32)
    tinted = body * np.float32(0.8) + canvas.ink * np.float32(0.2 * fill.under)
    return np.clip(tinted + (np.float32(1.5 + 2 * fill.strength) * lit)[..., None], 0, 1).astype(
        np.float32
    ), canvas.figure


def soft(fill: Fill, canvas: Canvas, _rng: np.random.Generator) -> Filled:
    """Colours that have run into one another."""
    reach = 0.7 * fill.scale * canvas.unit
    return np.clip(blur(canvas.bled(), reach), 0, 1), np.clip(blur(canvas.figure, reach * 0.5), 0, 1)


KINDS: dict[str, Maker] = {
    "flat": flat,
    "bare": bare,
    "thin": thin,
    "misprint": misprint,
    "layers": layers,
    "facets": facets,
    "embossed": embossed,
    "soft": soft,
}
