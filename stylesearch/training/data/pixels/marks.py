"""Fills made of ink marks whose density is the tone: screens, hatching, stippling, engraving."""

from __future__ import annotations

import math

import numpy as np

from stylesearch.training.data.pixels.canvas import Canvas
from stylesearch.training.data.pixels.fields import (
    Field,
    blur,
    coordinates,
    gradient,
    mixed,
    noise,
    smoothstep,
    streaks,
)
from stylesearch.training.data.pixels.fill import Fill, Filled, Maker

_INKS = ((0.0, 0.62, 0.9), (0.9, 0.05, 0.5), (0.98, 0.9, 0.0))
_SCREENS = (math.radians(15), math.radians(75), 0.0)


def _turned(canvas: Canvas, angle: float, fill: Fill, rng: np.random.Generator) -> tuple[Field, Field]:
    """Return coordinates along and across a direction, astray where the hand is loose."""
    rows, columns = coordinates(*canvas.shape)
    along = math.cos(angle) * columns + math.sin(angle) * rows
    across = math.cos(angle) * rows - math.sin(angle) * columns
    if fill.loose > 0:
        pitch = fill.pitch(canvas)
        across = across + np.float32(0.3 * fill.loose * pitch) * noise(
            rng, canvas.shape, 20 * canvas.unit + 4 * pitch
        )
    phase = rng.random(2) * fill.pitch(canvas)
    return np.asarray(along + phase[0], dtype=np.float32), np.asarray(across + phase[1], dtype=np.float32)


def _tone(fill: Fill, canvas: Canvas) -> Field:
    """Return how much ink the tone asks for; what is drawn at all has some."""
    dark = canvas.tone() * np.float32(0.5 + 0.6 * fill.strength)
    return np.clip(dark + np.float32(0.06) * canvas.figure, 0, 1)


def _inked(fill: Fill, canvas: Canvas, cover: Field) -> Filled:
    """Lay marks over the ground, or over some of the flat colour."""
    cover = cover * canvas.figure
    ink = (
        canvas.ink * np.float32(0.75)
        if fill.ink is None
        else np.broadcast_to(np.array(fill.ink, np.float32), canvas.ink.shape)
    )
    if fill.under == 0:
        return np.asarray(ink, dtype=np.float32), cover
    if fill.ink is None:
        ink = canvas.ink * np.float32(0.45)
    below = canvas.figure * np.float32(fill.under)
    total = np.maximum(cover, below)
    return mixed(canvas.ink, np.asarray(ink, dtype=np.float32), cover / np.maximum(total, 1e-3)), total


def _wave(across: Field, pitch: float) -> Field:
    """Return 0 on the middle of each line and 1 half-way between, evenly spread."""
    return np.asarray(np.abs((across / np.float32(pitch)) % 1 - 0.5) * 2, dtype=np.float32)


def _cut(tone: Field, height: Field, pitch: float) -> Field:
    soft = np.float32(min(0.5, 1.2 / pitch))
    return np.asarray(smoothstep(-soft, soft, tone - height), dtype=np.float32)


def dots(fill: Fill, canvas: Canvas, rng: np.random.Generator) -> Filled:
    """A halftone of round dots in one ink."""
    pitch = fill.pitch(canvas, least=3)
    along, across = _turned(canvas, fill.angle + math.pi / 4, fill, rng)
    step = np.float32(math.tau / pitch)
    height = np.asarray(0.5 + 0.25 * (np.cos(step * along) + np.cos(step * across)), dtype=np.float32)
    return _inked(fill, canvas, _cut(blur(_tone(fill, canvas), pitch / 4), height, pitch))


def process(fill: Fill, canvas: Canvas, rng: np.random.Generator) -> Filled:
    """A halftone in three printing inks, each screen turned otherwise."""
    pitch = fill.pitch(canvas, least=3)
    printed = np.ones_like(canvas.ink)
    step = np.float32(math.tau / pitch)
    for channel, (ink, screen) in enumerate(zip(_INKS, _SCREENS, strict=True)):
        along, across = _turned(canvas, fill.angle + screen, fill, rng)
        height = np.asarray(0.5 + 0.25 * (np.cos(step * along) + np.cos(step * across)), dtype=np.float32)
        dots_of = _cut((1 - canvas.ink[..., channel]) * canvas.figure, height, pitch)
        printed = printed * (1 - dots_of[..., None] * (1 - np.array(ink, dtype=np.float32)))
    return printed, canvas.figure


def hatch(fill: Fill, canvas: Canvas, rng: np.random.Generator) -> Filled:
    """Parallel lines, heavier where it is darker."""
    pitch = fill.pitch(canvas, least=3)
    _, across = _turned(canvas, fill.angle, fill, rng)
    return _inked(fill, canvas, _cut(_tone(fill, canvas), _wave(across, pitch), pitch))


def cross_hatch(fill: Fill, canvas: Canvas, rng: np.random.Generator) -> Filled:
    """Layers of thin lines, one direction more with each darker tone."""
    pitch = fill.pitch(canvas, least=3)
    tone = _tone(fill, canvas)
    cover = np.zeros_like(tone)
    for layer, turn in enumerate((0.0, math.pi / 2, math.pi / 4, -math.pi / 4)):
        if layer >= max(2, fill.levels):
            break
        _, across = _turned(canvas, fill.angle + turn, fill, rng)
        wanted = smoothstep(0.08 + 0.21 * layer, 0.14 + 0.21 * layer, tone)
        cover = np.maximum(cover, wanted * _cut(np.float32(0.3) + 0 * tone, _wave(across, pitch), pitch))
    return _inked(fill, canvas, cover)


def strokes(fill: Fill, canvas: Canvas, rng: np.random.Generator) -> Filled:
    """Broken pencil or crayon strokes in one direction."""
    pitch = fill.pitch(canvas, least=2)
    rank = np.clip(
        0.5 + 0.28 * streaks(rng, canvas.shape, max(1.0, pitch * 0.45), pitch * 9, fill.angle), 0, 1
    )
    return _inked(fill, canvas, smoothstep(-0.15, 0.25, _tone(fill, canvas) + np.float32(0.1) - rank))


def stipple(fill: Fill, canvas: Canvas, rng: np.random.Generator) -> Filled:
    """Scattered points, denser where it is darker."""
    size = max(1.0, 0.3 * fill.scale * canvas.unit)
    grain = noise(rng, canvas.shape, size)
    grain = grain - blur(grain, 2 * size + 0.5)
    rank = smoothstep(-1.9, 1.9, grain)
    return _inked(fill, canvas, smoothstep(-0.12, 0.12, _tone(fill, canvas) * np.float32(0.85) - rank))


def engraving(fill: Fill, canvas: Canvas, rng: np.random.Generator) -> Filled:
    """Lines that bend over the forms, as on a banknote."""
    pitch = fill.pitch(canvas, least=3)
    _, across = _turned(canvas, fill.angle, fill, rng)
    tone = _tone(fill, canvas)
    bent = across + np.float32(2.2 * pitch) * blur(tone, 4 * canvas.unit)
    return _inked(fill, canvas, _cut(tone, _wave(bent, pitch), pitch))


def woodcut(fill: Fill, canvas: Canvas, rng: np.random.Generator) -> Filled:
    """Black and paper only: cuts that follow the forms through the middle tones."""
    pitch = fill.pitch(canvas, least=3)
    tone = _tone(fill, canvas)
    smooth = blur(tone, 3 * canvas.unit)
    down, across = gradient(smooth)
    rows, columns = coordinates(*canvas.shape)
    slant = noise(rng, canvas.shape, 40 * canvas.unit) * np.float32(0.4 * fill.loose * pitch) + np.float32(
        6 * pitch
    ) * (down - across)
    base = math.cos(fill.angle) * rows - math.sin(fill.angle) * columns + slant
    cuts = _wave(np.asarray(base, dtype=np.float32), pitch)
    return _inked(fill, canvas, _cut(smoothstep(0.12, 0.85, tone), cuts, pitch))


def contour(fill: Fill, canvas: Canvas, rng: np.random.Generator) -> Filled:
    """Lines nested in one another at equal tone and equal distance from the edge."""
    unit = canvas.unit
    depth = 1.6 * blur(canvas.figure, 9 * unit) + 1.4 * blur(canvas.darkness(), 4 * unit)
    depth = depth + np.float32(0.04 * fill.loose) * noise(rng, canvas.shape, 20 * unit)
    wave = _wave(depth * np.float32(24 / fill.scale), 1.0)
    return _inked(
        fill, canvas, smoothstep(-0.3, 0.3, np.float32(0.25) + np.float32(0.45) * _tone(fill, canvas) - wave)
    )


def spray(fill: Fill, canvas: Canvas, rng: np.random.Generator) -> Filled:
    """Airbrush: colour that thins out in fine grain towards the edges."""
    soft = blur(canvas.figure, (1.5 + 0.5 * fill.scale) * canvas.unit)
    grain = np.float32(0.5) + np.float32(0.28) * noise(
        rng, canvas.shape, max(1.0, 0.2 * fill.scale * canvas.unit)
    )
    cover = smoothstep(-0.3, 0.3, soft * np.float32(0.7 + 0.6 * fill.strength) - grain)
    return canvas.bled(), cover * smoothstep(0.05, 0.4, soft)


KINDS: dict[str, Maker] = {
    "dots": dots,
    "process": process,
    "hatch": hatch,
    "cross_hatch": cross_hatch,
    "strokes": strokes,
    "stipple": stipple,
    "engraving": engraving,
    "woodcut": woodcut,
    "contour": contour,
    "spray": spray,
}
