"""Drawn lines: where they run, how heavy, in what colour and by what hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stylesearch.training.data.pixels.canvas import Canvas
from stylesearch.training.data.pixels.fields import (
    Field,
    blur,
    gradient,
    grown,
    luminance,
    noise,
    smoothstep,
    warped,
)
from stylesearch.training.data.pixels.palette import Colour, colour


@dataclass(frozen=True, slots=True)
class Line:
    """A way of drawing lines.

    Attributes
    ----------
    kind:
        A key of :data:`KINDS`: along which edges.
    ink:
        Colour; ``None`` for a darker tone of what is beside the line.
    weight:
        Width in units.
    detail:
        Blur before edges are looked for, in units: large leaves out fine lines.
    opacity:
        0 to 1.
    rough:
        How ragged the line is, 0 to 1.
    wobble:
        How far it strays, in units.
    strokes:
        How often each line is drawn, astray differently each time.
    taper:
        How far its width swells and shrinks, 0 to 1.
    """

    kind: str = "edges"
    ink: Colour | None = (0.0, 0.0, 0.0)
    weight: float = 1.5
    detail: float = 1.0
    opacity: float = 1.0
    rough: float = 0.0
    wobble: float = 0.0
    strokes: int = 1
    taper: float = 0.0

    def draw(self, canvas: Canvas, rng: np.random.Generator) -> Field:
        """Return how far the line covers each pixel, ``[h, w]``."""
        unit = canvas.unit
        strength = KINDS[self.kind](self, canvas)
        width = max(self.weight * unit, 0.3)
        if self.taper > 0:
            strength = strength * np.exp(np.float32(self.taper) * noise(rng, canvas.shape, 14 * unit))
        if width > 1.2:
            strength = blur(strength, width / 2.2)
        threshold = np.float32(0.32) if width <= 1.2 else np.float32(0.2)
        if self.rough > 0:
            threshold = threshold * np.exp(
                np.float32(0.9 * self.rough) * noise(rng, canvas.shape, 1.3 * unit)
            )
        cover = smoothstep(threshold * 0.7, threshold * 1.5, strength)
        if self.rough > 0:
            cover *= smoothstep(0.06, 0.14, strength)  # raggedness draws no lines of its own
        if self.wobble > 0:
            cover = self._astray(cover, unit, rng)
        return np.asarray(cover * np.float32(self.opacity * min(1.0, 0.35 + 0.6 * width)), dtype=np.float32)

    def _astray(self, cover: Field, unit: float, rng: np.random.Generator) -> Field:
        reach = np.float32(self.wobble * unit)
        shape = (cover.shape[0], cover.shape[1])
        drawn = [
            warped(cover, reach * noise(rng, shape, 22 * unit), reach * noise(rng, shape, 22 * unit))
            for _ in range(self.strokes)
        ]
        return np.asarray(np.max(drawn, axis=0), dtype=np.float32)

    def colours(self, canvas: Canvas) -> Field:
        """Return the line's colour, ``[h, w, 3]`` or ``[3]``."""
        if self.ink is not None:
            return np.array(self.ink, dtype=np.float32)
        around = canvas.ink * canvas.figure[..., None] + 0.4 * (1 - canvas.figure[..., None])
        return np.asarray(0.42 * blur(around.astype(np.float32), 2 * canvas.unit), dtype=np.float32)


def _slope(plane: Field, sigma: float) -> Field:
    down, across = gradient(blur(plane, sigma))
    return np.asarray(np.hypot(down, across) * np.float32(max(sigma, 0.6)), dtype=np.float32)


def _edges(line: Line, canvas: Canvas) -> Field:
    """Where lightness, colour or the figure's presence changes."""
    sigma = max(0.5, line.detail * canvas.unit)
    seen = canvas.ink * canvas.figure[..., None] + (1 - canvas.figure[..., None])
    slope = _slope(luminance(seen), sigma) + 0.5 * _slope(seen[..., 0] - seen[..., 2], sigma)
    return np.asarray(np.minimum(1, 4.0 * (slope + 0.5 * _slope(canvas.figure, sigma))), dtype=np.float32)


def _outline(line: Line, canvas: Canvas) -> Field:
    """Only round the figure; inner edges where the picture has no empty ground."""
    if canvas.figure.min() > 0.5:
        return _edges(line, canvas)
    return np.asarray(
        np.minimum(1, 5.0 * _slope(canvas.figure, max(0.5, line.detail * canvas.unit))), dtype=np.float32
    )


def _ridges(line: Line, canvas: Canvas) -> Field:
    """The darker side of edges, by a difference of Gaussians: swelling lines as of a brush pen."""
    seen = luminance(canvas.ink) * canvas.figure + (1 - canvas.figure)
    sigma = max(0.6, line.detail * canvas.unit)
    return np.asarray(np.clip(9 * (blur(seen, sigma * 2.2) - blur(seen, sigma)), 0, 1), dtype=np.float32)


def _regions(line: Line, canvas: Canvas) -> Field:
    """Borders between flat regions of a few tones: closed contours, as on a map."""
    sigma = max(0.8, 1.5 * line.detail * canvas.unit)
    seen = blur(
        np.asarray(canvas.ink * canvas.figure[..., None] + (1 - canvas.figure[..., None]), dtype=np.float32),
        sigma,
    )
    steps = np.floor(seen * np.array([3.999, 3.999, 2.999], dtype=np.float32)) @ np.array(
        [1, 5, 25], dtype=np.float32
    )
    border = np.zeros(canvas.shape, dtype=np.float32)
    border[1:] = steps[1:] != steps[:-1]
    border[:, 1:] = np.maximum(border[:, 1:], steps[:, 1:] != steps[:, :-1])
    return grown(border, 1) * np.float32(0.8) if line.weight > 1.5 else border


KINDS: dict[str, Callable[[Line, Canvas], Field]] = {
    "edges": _edges,
    "outline": _outline,
    "ridges": _ridges,
    "regions": _regions,
}


def sample_line(rng: np.random.Generator) -> Line:
    """Draw a way of drawing lines."""
    tone = rng.choice(["black", "own", "dark", "bright", "white"], p=[0.38, 0.2, 0.22, 0.12, 0.08])
    hue = float(rng.random())
    inks: dict[str, Colour | None] = {
        "black": colour(float(rng.uniform(0.0, 0.15)), 0.0, 0.0),
        "own": None,
        "dark": colour(float(rng.uniform(0.2, 0.4)), float(rng.uniform(0.05, 0.14)), hue),
        "bright": colour(float(rng.uniform(0.5, 0.7)), float(rng.uniform(0.1, 0.22)), hue),
        "white": colour(float(rng.uniform(0.93, 1.0)), 0.0, 0.0),
    }
    wobbly = rng.random() < 0.35
    return Line(
        kind=str(rng.choice(list(KINDS), p=[0.45, 0.2, 0.2, 0.15])),
        ink=inks[str(tone)],
        weight=float(rng.choice([0.6, 1.0, 1.6, 2.6, 4.0, 6.0], p=[0.17, 0.23, 0.22, 0.18, 0.12, 0.08])),
        detail=float(rng.choice([0.6, 1.0, 1.8])),
        opacity=float(rng.choice([0.55, 0.8, 1.0, 1.0])),
        rough=float(rng.choice([0.0, 0.0, 0.4, 1.0])),
        wobble=float(rng.uniform(0.6, 2.5)) if wobbly else 0.0,
        strokes=int(rng.integers(1, 4)) if wobbly else 1,
        taper=float(rng.choice([0.0, 0.0, 0.5])),
    )
