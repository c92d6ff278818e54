"""How surely and how boldly forms are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stylesearch.training.data.pixels.canvas import Canvas
from stylesearch.training.data.pixels.fields import Field, blur, grown, noise, resized, smoothstep, warped


@dataclass(frozen=True, slots=True)
class Hand:
    """What a hand does to forms.

    Attributes
    ----------
    shaky:
        How far outlines stray, in units.
    jitter:
        Length along which they stray, in units.
    bold:
        How far dark parts grow into light ones, in units; below 0 the light grows.
    rounded:
        How far the figure's corners are rounded off, in units.
    coarse:
        Side, in units, of the squares that outlines are cut to, as with scissors or pixels; 0 for none.
    """

    shaky: float = 0.0
    jitter: float = 20.0
    bold: float = 0.0
    rounded: float = 0.0
    coarse: float = 0.0

    def redraw(self, canvas: Canvas, rng: np.random.Generator) -> None:
        """Change a canvas's forms in place."""
        unit = canvas.unit
        if self.shaky > 0:
            reach = np.float32(self.shaky * unit)
            down, across = (reach * noise(rng, canvas.shape, self.jitter * unit) for _ in range(2))
            moved = warped(np.concatenate([canvas.ink, canvas.figure[..., None]], axis=2), down, across)
            canvas.ink, canvas.figure = (
                np.ascontiguousarray(moved[..., :3]),
                np.ascontiguousarray(moved[..., 3]),
            )
        if self.bold != 0:
            self._embolden(canvas, round(abs(self.bold) * unit))
        if self.rounded > 0 and canvas.figure.min() < 0.5:
            canvas.ink = np.asarray(canvas.bled(), dtype=np.float32)
            canvas.figure = smoothstep(0.35, 0.65, blur(canvas.figure, self.rounded * unit))
        if self.coarse > 0:
            canvas.ink, canvas.figure = self._cut(canvas.ink, unit), self._cut(canvas.figure, unit)

    def _embolden(self, canvas: Canvas, pixels: int) -> None:
        if pixels < 1:
            return
        if self.bold > 0:
            shown = canvas.ink * canvas.figure[..., None] + (1 - canvas.figure[..., None])
            darker = np.stack([1 - grown(1 - shown[..., c], pixels) for c in range(3)], axis=2)
            canvas.figure = grown(canvas.figure, pixels)
            canvas.ink = np.asarray(darker, dtype=np.float32)
        else:
            canvas.ink = np.stack([grown(canvas.ink[..., c], pixels) for c in range(3)], axis=2)

    def _cut(self, field: Field, unit: float) -> Field:
        """Sample on a coarse grid and join the samples by straight lines."""
        height, width = field.shape[:2]
        step = max(1.0, self.coarse * unit)
        small = resized(field, max(1, round(height / step)), max(1, round(width / step)), crisp=True)
        return (
            np.clip(smoothstep(0.2, 0.8, resized(small, height, width)), 0, 1)
            if field.ndim == 2
            else np.clip(resized(small, height, width), 0, 1)
        )


def sample_hand(rng: np.random.Generator) -> Hand:
    """Draw a hand; a sure one, that changes nothing, about every other time."""
    kind = str(
        rng.choice(
            ["sure", "shaky", "nervous", "bold", "light", "rounded", "coarse"],
            p=[0.55, 0.12, 0.08, 0.08, 0.05, 0.07, 0.05],
        )
    )
    hands = {
        "sure": Hand(),
        "shaky": Hand(shaky=float(rng.uniform(0.8, 2.5))),
        "nervous": Hand(shaky=float(rng.uniform(0.5, 1.5)), jitter=float(rng.uniform(3, 8))),
        "bold": Hand(bold=float(rng.choice([1.0, 1.5, 2.0]))),
        "light": Hand(bold=-1.0),
        "rounded": Hand(rounded=float(rng.uniform(2, 5))),
        "coarse": Hand(coarse=float(rng.uniform(4, 8))),
    }
    return hands[kind]
