"""Fills of paint: washes, brushes, smears, gradients."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

from stylesearch.training.data.pixels.canvas import Canvas
from stylesearch.training.data.pixels.fields import (
    Field,
    blur,
    coordinates,
    gradient,
    luminance,
    noise,
    smoothstep,
    warped,
)
from stylesearch.training.data.pixels.fill import Fill, Filled, Maker


def watercolour(fill: Fill, canvas: Canvas, rng: np.random.Generator) -> Filled:
    """Thin uneven washes that darken at their rim and bleed over it."""
    unit = canvas.unit
    bleed = np.float32((0.8 + 2.2 * fill.loose) * unit)
    shape = canvas.shape
    ragged = warped(
        canvas.figure, bleed * noise(rng, shape, 9 * unit, 2), bleed * noise(rng, shape, 9 * unit, 2)
    )
    inside = blur(ragged, 2.5 * unit)
    rim = ragged * (1 - smoothstep(0.55, 1.0, inside))
    wash = np.float32(0.8) + np.float32(0.08 + 0.1 * fill.loose) * noise(
        rng, shape, (5 + 3 * fill.scale) * unit, 3
    )
    wet = blur(canvas.bled(), (0.5 + 1.5 * fill.loose) * unit)
    cover = ragged * np.clip(np.float32(0.35 + 0.5 * fill.strength) * wash + np.float32(0.5) * rim, 0, 1)
    return np.asarray(wet * (1 - np.float32(0.25) * rim[..., None]), dtype=np.float32), cover


def smear(fill: Fill, canvas: Canvas, rng: np.random.Generator) -> Filled:
    """Long strokes along the forms, or across them where there are none."""
    unit = canvas.unit
    whole = canvas.bled()
    down, across = gradient(blur(luminance(whole), 3 * unit))
    wild = noise(rng, canvas.shape, 16 * unit) * np.float32(0.01 + 0.02 * fill.loose)
    along_y, along_x = (
        -across + wild + np.float32(0.012 * math.sin(fill.angle)),
        down + np.float32(0.012 * math.cos(fill.angle)),
    )
    length = np.maximum(np.hypot(along_y, along_x), 1e-4)
    along_y, along_x = along_y / length, along_x / length
    stained = np.concatenate([whole, canvas.figure[..., None]], axis=2)
    stained[..., :3] *= 1 + np.float32(0.16 * fill.strength) * noise(rng, canvas.shape, 1.2 * unit)[..., None]
    total = stained.copy()
    for step in (-1.0, -0.5, 0.5, 1.0):
        reach = np.float32(step * fill.scale * unit * 0.8)
        total += warped(stained, along_y * reach, along_x * reach)
    total /= 5
    return np.clip(total[..., :3], 0, 1), np.clip(total[..., 3], 0, 1)


def kuwahara(fill: Fill, canvas: Canvas, _rng: np.random.Generator) -> Filled:
    """Areas melted together between sharp borders, as with a palette knife."""
    reach = max(1, round(0.55 * fill.scale * canvas.unit))
    planes = np.concatenate([canvas.bled(), canvas.figure[..., None]], axis=2)
    light = luminance(planes[..., :3])
    stack = np.concatenate([planes, light[..., None], (light * light)[..., None]], axis=2)
    mean = _box(stack, reach)
    height, width = canvas.shape
    padded = np.pad(mean, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    best, least = np.zeros_like(planes), np.full(canvas.shape, np.inf, dtype=np.float32)
    for top in (0, 2 * reach):
        for left in (0, 2 * reach):
            quarter = padded[top : top + height, left : left + width]
            spread = quarter[..., 5] - quarter[..., 4] ** 2
            calmer = spread < least
            least = np.where(calmer, spread, least)
            best[calmer] = quarter[..., :4][calmer]
    return best[..., :3], best[..., 3]


def _box(field: Field, reach: int) -> Field:
    """Average over squares of ``reach + 1`` or so pixels a side."""
    side = reach if reach % 2 else reach + 1
    half = side // 2
    for axis in (0, 1):
        padding = [(0, 0)] * 3
        padding[axis] = (half + 1, half)
        total = np.cumsum(np.pad(field, padding, mode="edge"), axis=axis, dtype=np.float32)
        ahead = total[side:] if axis == 0 else total[:, side:]
        behind = total[:-side] if axis == 0 else total[:, :-side]
        field = ((ahead - behind) / side).astype(np.float32)
    return field


def _dabbed(
    fill: Fill, canvas: Canvas, rng: np.random.Generator, *, long: float, layers: tuple[float, ...]
) -> Filled:
    """Paint the picture with dabs of its own colours, large ones first."""
    height, width = canvas.shape
    figure, whole = canvas.figure, canvas.bled()
    down, across = gradient(blur(luminance(whole) * figure, 2.5 * canvas.unit))
    painted = Image.fromarray((_underpainting(canvas, whole, fill) * 255).astype(np.uint8))
    covered = Image.fromarray((figure * np.float32(255 * fill.under)).astype(np.uint8))
    brush, mask = ImageDraw.Draw(painted), ImageDraw.Draw(covered)
    for size in layers:
        step = max(2.0, fill.scale * canvas.unit * size)
        rows, columns = (np.arange(step / 2, side, step * 0.72) for side in (height, width))
        y, x = (part.ravel() for part in np.meshgrid(rows, columns, indexing="ij"))
        y = np.clip(y + rng.normal(0, 0.35 * step, y.shape), 0, height - 1)
        x = np.clip(x + rng.normal(0, 0.35 * step, x.shape), 0, width - 1)
        row, column = y.astype(int), x.astype(int)
        there = figure[row, column] > 0.5
        y, x, row, column = y[there], x[there], row[there], column[there]
        shade = (
            1
            + 0.22 * fill.loose * rng.standard_normal((len(y), 1))
            + 0.05 * fill.loose * rng.standard_normal((len(y), 3))
        )
        colours = (np.clip(whole[row, column] * shade, 0, 1) * 255).astype(int)
        slope_y, slope_x = -across[row, column], down[row, column]
        plain = np.hypot(slope_y, slope_x) < 0.012
        angle = np.where(plain, fill.angle, np.arctan2(slope_y, slope_x)) + rng.normal(
            0, 0.25 * fill.loose + 0.02, len(y)
        )
        reach_y, reach_x = np.sin(angle) * step * long / 2, np.cos(angle) * step * long / 2
        thick = step * (0.95 if long == 0 else 0.6)
        for n in rng.permutation(len(y)):
            ink = (int(colours[n, 0]), int(colours[n, 1]), int(colours[n, 2]))
            if long == 0:
                box = (x[n] - thick / 2, y[n] - thick / 2, x[n] + thick / 2, y[n] + thick / 2)
                brush.ellipse(box, fill=ink)
                mask.ellipse(box, fill=255)
            else:
                ends = (x[n] - reach_x[n], y[n] - reach_y[n], x[n] + reach_x[n], y[n] + reach_y[n])
                brush.line(ends, fill=ink, width=max(1, round(thick)))
                mask.line(ends, fill=255, width=max(1, round(thick)))
    colours_out = np.asarray(painted, dtype=np.float32) / 255
    cover = np.asarray(covered, dtype=np.float32) / 255
    return blur(colours_out, 0.5), blur(cover, 0.5)


def _underpainting(canvas: Canvas, whole: Field, fill: Fill) -> Field:
    return np.clip(blur(whole, max(0.5, 0.5 * fill.scale * canvas.unit)), 0, 1)


def brush(fill: Fill, canvas: Canvas, rng: np.random.Generator) -> Filled:
    """Visible strokes of a flat brush."""
    return _dabbed(fill, canvas, rng, long=2.6, layers=(1.6, 0.9) if fill.scale >= 5 else (1.5,))


def points(fill: Fill, canvas: Canvas, rng: np.random.Generator) -> Filled:
    """Round points of pure colour."""
    return _dabbed(fill, canvas, rng, long=0, layers=(1.2,))


def gradients(fill: Fill, canvas: Canvas, _rng: np.random.Generator) -> Filled:
    """Every area grows darker in one direction, over the whole drawing."""
    rows, columns = coordinates(*canvas.shape)
    along = math.sin(fill.angle) * (rows / canvas.shape[0] - 0.5) + math.cos(fill.angle) * (
        columns / canvas.shape[1] - 0.5
    )
    lift = np.float32(0.9 * fill.strength) * np.asarray(along, dtype=np.float32)[..., None]
    graded = np.where(lift > 0, canvas.ink + (1 - canvas.ink) * lift, canvas.ink * (1 + lift))
    return np.clip(graded, 0, 1).astype(np.float32), canvas.figure


def pastel(fill: Fill, canvas: Canvas, rng: np.random.Generator) -> Filled:
    """Dry colour that catches only the paper's tooth."""
    tooth = noise(rng, canvas.shape, max(1.0, 0.35 * fill.scale * canvas.unit), 2)
    press = smoothstep(-1.2, 0.9, tooth + np.float32(1.6 * fill.strength - 0.9))
    return blur(canvas.bled(), 0.8 * canvas.unit), blur(canvas.figure, 0.8 * canvas.unit) * press


def inked_wash(fill: Fill, canvas: Canvas, rng: np.random.Generator) -> Filled:
    """One ink thinned with water: tone by tone, each with a ragged edge."""
    unit = canvas.unit
    tone = blur(canvas.tone(), (0.6 + fill.loose) * unit)
    tone = (
        tone + np.float32(0.02 + 0.06 * fill.loose) * noise(rng, canvas.shape, 24 * unit, 3) * canvas.figure
    )
    steps = np.floor(np.clip(tone, 0, 0.999) * (fill.levels + 1)) / fill.levels
    ink = np.array(fill.ink or (0.1, 0.1, 0.13), dtype=np.float32)
    cover = blur(np.asarray(steps, dtype=np.float32), 0.6 * unit) * np.float32(0.5 + 0.5 * fill.strength)
    return np.broadcast_to(ink, canvas.ink.shape).astype(np.float32), np.clip(cover, 0, 1)


KINDS: dict[str, Maker] = {
    "watercolour": watercolour,
    "smear": smear,
    "kuwahara": kuwahara,
    "brush": brush,
    "points": points,
    "gradients": gradients,
    "pastel": pastel,
    "inked_wash": inked_wash,
}
