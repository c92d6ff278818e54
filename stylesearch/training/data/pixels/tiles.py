"""Fills of tiles: pixels, mosaics, glass, stitches, blocks, dithering."""

from __future__ import annotations

import numpy as np

from stylesearch.training.data.pixels.canvas import Canvas
from stylesearch.training.data.pixels.fields import Field, coordinates, smoothstep
from stylesearch.training.data.pixels.fill import Fill, Filled, Maker

_BAYER = (
    np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], dtype=np.float32) / 16 + 1 / 32
)


class _Grid:
    """A drawing averaged over square cells of a whole number of pixels; otherwise they would beat with the pixels.

    Attributes
    ----------
    colours, weight:
        Colour and cover of each cell, ``[rows, columns, 3]`` and ``[rows, columns]``.
    """

    def __init__(self, canvas: Canvas, pitch: float) -> None:
        self._shape = canvas.shape
        self._pitch = max(1, round(pitch))
        self.weight = self._averaged(canvas.figure)
        inked = self._averaged(canvas.ink * canvas.figure[..., None])
        self.colours = np.clip(inked / np.maximum(self.weight, 1e-3)[..., None], 0, 1)

    def _averaged(self, field: Field) -> Field:
        pitch = self._pitch
        beyond = [(0, -side % pitch) for side in self._shape]
        padded = np.pad(field, beyond + [(0, 0)] * (field.ndim - 2), mode="edge")
        rows, columns = padded.shape[0] // pitch, padded.shape[1] // pitch
        averaged: Field = padded.reshape(rows, pitch, columns, pitch, *field.shape[2:]).mean(axis=(1, 3))
        return averaged

    def spread(self, cells: Field) -> Field:
        """Return the cells' values at every pixel."""
        height, width = self._shape
        spread: Field = cells.repeat(self._pitch, axis=0).repeat(self._pitch, axis=1)[:height, :width]
        return spread

    def cover(self, *, least: float) -> Field:
        """Return 1 at every pixel of a cell that is covered by more than a share, else 0."""
        return self.spread((self.weight > least).astype(np.float32))

    def inside(self) -> tuple[Field, Field]:
        """Return where in its cell a pixel lies, -1 to 1 down and across."""
        y, x = coordinates(*self._shape)
        down, across = ((2 * (axis % self._pitch) + 1) / self._pitch - 1 for axis in (y, x))
        return np.asarray(down + 0 * x, dtype=np.float32), np.asarray(across + 0 * y, dtype=np.float32)


def pixels(fill: Fill, canvas: Canvas, _rng: np.random.Generator) -> Filled:
    """Coarse square pixels of few tones."""
    grid = _Grid(canvas, fill.pitch(canvas, least=2))
    steps = np.float32(fill.levels + 1)
    return grid.spread(np.round(grid.colours * steps) / steps), grid.cover(least=0.4)


def mosaic(fill: Fill, canvas: Canvas, rng: np.random.Generator) -> Filled:
    """Irregular stones with grout between; under 1 leaves the grout open."""
    return _stones(fill, canvas, rng, gap=0.14, grout=(0.85, 0.83, 0.78), shade=0.1)


def glass(fill: Fill, canvas: Canvas, rng: np.random.Generator) -> Filled:
    """Panes of glass in dark lead."""
    return _stones(fill, canvas, rng, gap=0.2, grout=(0.07, 0.07, 0.08), shade=0.14)


def _stones(
    fill: Fill,
    canvas: Canvas,
    rng: np.random.Generator,
    *,
    gap: float,
    grout: tuple[float, float, float],
    shade: float,
) -> Filled:
    height, width = canvas.shape
    pitch = fill.pitch(canvas, least=4) * 1.5
    rows, columns = int(height / pitch) + 3, int(width / pitch) + 3
    loose = 0.15 + 0.3 * fill.loose
    seeds = rng.uniform(-loose, loose, (rows, columns, 2)).astype(np.float32)
    y, x = (np.asarray(axis / pitch + 1, dtype=np.float32) for axis in coordinates(height, width))
    row, column = np.floor(y).astype(np.intp), np.floor(x).astype(np.intp)
    nearest, second = (np.full(canvas.shape, 99, dtype=np.float32) for _ in range(2))
    owner = np.zeros(canvas.shape, dtype=np.intp)
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            r, c = np.clip(row + down, 0, rows - 1), np.clip(column + across, 0, columns - 1)
            shift = seeds[r, c]
            apart = (y - row - down - 0.5 - shift[..., 0] + 0 * x) ** 2 + (
                x - column - across - 0.5 - shift[..., 1] + 0 * y
            ) ** 2
            closer = apart < nearest
            second = np.where(closer, nearest, np.minimum(second, apart))
            owner = np.where(closer, r * columns + c, owner)
            nearest = np.where(closer, apart, nearest)
    count = rows * columns
    flat = owner.ravel()
    weight = np.bincount(flat, canvas.figure.ravel(), count)
    area = np.maximum(np.bincount(flat, minlength=count), 1)
    inks = [
        np.bincount(flat, (canvas.ink[..., c] * canvas.figure).ravel(), count) / np.maximum(weight, 1e-3)
        for c in range(3)
    ]
    tone = 1 + shade * rng.standard_normal((count, 1))
    colours = np.clip(np.stack(inks, axis=1) * tone, 0, 1).astype(np.float32)[owner]
    there = ((weight / area) > 0.35).astype(np.float32)[owner]
    joint = 1 - smoothstep(gap * 0.6, gap * 1.3, np.sqrt(second) - np.sqrt(nearest))
    laid = colours + (np.array(grout, dtype=np.float32) - colours) * joint[..., None]
    return laid, there


def stitches(fill: Fill, canvas: Canvas, _rng: np.random.Generator) -> Filled:
    """Crosses of thread, one a cell."""
    grid = _Grid(canvas, fill.pitch(canvas, least=5))
    down, across = grid.inside()
    thread = np.minimum(np.abs(down - across), np.abs(down + across))
    cross = 1 - smoothstep(0.3, 0.55, thread)
    shine = 1 - np.float32(0.45) * smoothstep(0.0, 0.45, thread)
    return grid.spread(grid.colours) * shine[..., None], cross * grid.cover(least=0.4)


def beads(fill: Fill, canvas: Canvas, _rng: np.random.Generator) -> Filled:
    """Round beads or pegs with a light on each."""
    grid = _Grid(canvas, fill.pitch(canvas, least=4))
    down, across = grid.inside()
    disc = 1 - smoothstep(0.78, 0.98, np.hypot(down, across))
    light = np.float32(0.55 * fill.strength) * (1 - smoothstep(0.1, 0.5, np.hypot(down + 0.3, across + 0.3)))
    shade = 1 - np.float32(0.3) * smoothstep(0.3, 1.0, down + across)
    lit = grid.spread(grid.colours) * shade[..., None] + light[..., None]
    return np.clip(lit, 0, 1), disc * grid.cover(least=0.4)


def blocks(fill: Fill, canvas: Canvas, _rng: np.random.Generator) -> Filled:
    """Bevelled bricks: a lit and a shaded side on each cell."""
    grid = _Grid(canvas, fill.pitch(canvas, least=5))
    down, across = grid.inside()
    rim = smoothstep(0.5, 0.75, np.maximum(np.abs(down), np.abs(across)))
    side = np.where(down + across < 0, np.float32(0.3), np.float32(-0.3)) * rim * np.float32(fill.strength)
    return np.clip(grid.spread(grid.colours) + side[..., None], 0, 1), grid.cover(least=0.4)


def dither(fill: Fill, canvas: Canvas, _rng: np.random.Generator) -> Filled:
    """Ordered dithering between few levels, on a coarse grid."""
    grid = _Grid(canvas, fill.pitch(canvas, least=2) / 2)
    rows, columns = grid.weight.shape
    pattern = np.tile(_BAYER, (rows // 4 + 1, columns // 4 + 1))[:rows, :columns, None]
    steps = np.float32(max(1, fill.levels - 1))
    stepped = np.clip(np.floor(grid.colours * steps + pattern) / steps, 0, 1)
    return grid.spread(stepped), grid.cover(least=0.5)


def bars(fill: Fill, canvas: Canvas, _rng: np.random.Generator) -> Filled:
    """Woven ribbons or scan lines: each row of cells swells with what it shows."""
    grid = _Grid(canvas, fill.pitch(canvas, least=4))
    down, across = grid.inside()
    position = down if abs(np.sin(fill.angle)) < 0.7 else across
    width = np.float32(0.35) + np.float32(0.55) * grid.spread(1 - grid.colours.mean(axis=2))
    bar = 1 - smoothstep(-0.12, 0.12, np.abs(position) - width)
    return grid.spread(grid.colours), bar * grid.spread(grid.weight)


KINDS: dict[str, Maker] = {
    "pixels": pixels,
    "mosaic": mosaic,
    "glass": glass,
    "stitches": stitches,
    "beads": beads,
    "blocks": blocks,
    "dither": dither,
    "bars": bars,
}
