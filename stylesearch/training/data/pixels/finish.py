"""What is done last: relief, gloss, shadows, borders, softness, grain, print faults."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

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
from stylesearch.training.data.pixels.palette import Colour, colour


@dataclass(frozen=True, slots=True)
class Finish:
    """Last touches; 0 leaves each out.

    Attributes
    ----------
    shadow:
        Depth of a cast shadow, 0 to 1.
    shadow_reach, shadow_blur:
        How far it falls and how soft it is, in units.
    border:
        Width of a border round the figure, in units, as on a sticker.
    border_colour:
        Its colour.
    bevel, gloss:
        Raised edges and a light from above, 0 to 1.
    relief:
        Lighting of the picture's own lightness, as of thick paint, 0 to 1.
    soften:
        Blur in units; below 0 sharpens.
    grain, grain_scale:
        Strength and size of noise over all.
    vignette:
        Darkening towards the corners, 0 to 1.
    scan:
        Strength of scan lines, 0 to 1.
    fringe:
        How far red and blue lie apart, in units.
    glow:
        Light that spreads from bright parts, 0 to 1.
    fade:
        How far black turns grey, 0 to 1.
    """

    shadow: float = 0.0
    shadow_reach: float = 4.0
    shadow_blur: float = 3.0
    border: float = 0.0
    border_colour: Colour = (1.0, 1.0, 1.0)
    bevel: float = 0.0
    gloss: float = 0.0
    relief: float = 0.0
    soften: float = 0.0
    grain: float = 0.0
    grain_scale: float = 1.0
    vignette: float = 0.0
    scan: float = 0.0
    fringe: float = 0.0
    glow: float = 0.0
    fade: float = 0.0

    def beneath(self, ground: Field, canvas: Canvas) -> Field:
        """Lay shadow and border on the empty ground."""
        figure, unit = canvas.figure, canvas.unit
        if figure.min() > 0.5:
            return ground
        if self.border > 0:
            figure = smoothstep(0.08, 0.2, blur(figure, max(0.6, self.border * unit * 0.75)))
        if self.shadow > 0:
            fallen = warped(figure, -self.shadow_reach * unit, -self.shadow_reach * unit * 0.6)
            ground = ground * (1 - np.float32(self.shadow) * blur(fallen, self.shadow_blur * unit))[..., None]
        if self.border > 0:
            ground = ground + (np.array(self.border_colour, dtype=np.float32) - ground) * figure[..., None]
        return np.asarray(ground, dtype=np.float32)

    def upon(self, picture: Field, canvas: Canvas) -> Field:
        """Light the figure."""
        if self.bevel > 0:
            down, across = gradient(blur(canvas.figure, 2.2 * canvas.unit))
            lit = (down + 0.6 * across) * np.float32(4 * self.bevel * max(canvas.unit, 0.3)) * canvas.figure
            picture = picture + lit[..., None]
        if self.gloss > 0:
            rows, columns = coordinates(*canvas.shape)
            arc = rows / canvas.shape[0] + 0.25 * (columns / canvas.shape[1] - 0.5) ** 2 * 4
            sheen = (1 - smoothstep(0.44, 0.5, np.asarray(arc, dtype=np.float32))) * (
                1.1 - np.asarray(arc, dtype=np.float32)
            )
            picture = (
                picture + (1 - picture) * (np.float32(0.55 * self.gloss) * sheen * canvas.figure)[..., None]
            )
        return np.clip(picture, 0, 1).astype(np.float32)

    def over(self, picture: Field, unit: float, rng: np.random.Generator) -> Field:
        """Treat the whole picture."""
        shape = (picture.shape[0], picture.shape[1])
        if self.relief > 0:
            down, across = gradient(blur(luminance(picture), 0.8 * unit))
            picture = picture + (np.float32(2.2 * self.relief) * (down + across))[..., None]
        if self.glow > 0:
            picture = 1 - (1 - picture) * (1 - np.float32(self.glow) * blur(picture * picture, 7 * unit))
        if self.soften > 0:
            picture = blur(np.asarray(picture, dtype=np.float32), self.soften * unit)
        elif self.soften < 0:
            picture = picture + np.float32(-self.soften) * (
                picture - blur(np.asarray(picture, dtype=np.float32), 1.2 * unit)
            )
        if self.fringe > 0:
            picture = self._fringed(np.asarray(picture, dtype=np.float32), max(1, round(self.fringe * unit)))
        if self.scan > 0:
            rows, _ = coordinates(*shape)
            lines = 1 - np.float32(self.scan) * (
                0.5 + 0.5 * np.cos(rows * np.float32(math.tau / max(3.0, 3.2 * unit)))
            )
            picture = picture * lines[..., None]
        if self.vignette > 0:
            rows, columns = coordinates(*shape)
            apart = np.hypot(rows / shape[0] - 0.5, columns / shape[1] - 0.5)
            picture = (
                picture
                * (1 - np.float32(self.vignette) * smoothstep(0.3, 0.75, np.asarray(apart, np.float32)))[
                    ..., None
                ]
            )
        if self.fade > 0:
            picture = np.float32(0.35 * self.fade) + picture * np.float32(1 - 0.45 * self.fade)
        if self.grain > 0:
            picture = (
                picture + (np.float32(self.grain) * noise(rng, shape, self.grain_scale * unit))[..., None]
            )
        return np.clip(picture, 0, 1).astype(np.float32)

    @staticmethod
    def _fringed(picture: Field, reach: int) -> Field:
        parted = picture.copy()
        if picture.shape[1] > reach:
            parted[:, reach:, 0] = picture[:, :-reach, 0]
            parted[:, :-reach, 2] = picture[:, reach:, 2]
        return parted


def sample_finish(rng: np.random.Generator) -> Finish:
    """Draw last touches; none at all about every third time."""
    if rng.random() < 0.35:
        return Finish()

    def sometimes(chance: float, low: float, high: float) -> float:
        strength = float(rng.uniform(low, high))
        return strength if rng.random() < chance else 0.0

    bright = colour(float(rng.uniform(0.7, 1.0)), float(rng.uniform(0.0, 0.15)), float(rng.random()))
    return Finish(
        shadow=sometimes(0.25, 0.3, 0.8),
        shadow_reach=float(rng.choice([0.0, 3.0, 6.0])),
        shadow_blur=float(rng.choice([0.0, 2.0, 5.0])),
        border=sometimes(0.15, 2.0, 6.0),
        border_colour=(1.0, 1.0, 1.0) if rng.random() < 0.6 else bright,
        bevel=sometimes(0.18, 0.4, 1.0),
        gloss=sometimes(0.15, 0.4, 1.0),
        relief=sometimes(0.15, 0.3, 1.0),
        soften=sometimes(0.22, 0.5, 2.0) - sometimes(0.12, 0.5, 1.2),
        grain=sometimes(0.25, 0.03, 0.12),
        grain_scale=float(rng.choice([0.8, 1.2, 2.0])),
        vignette=sometimes(0.12, 0.3, 0.7),
        scan=sometimes(0.06, 0.25, 0.6),
        fringe=sometimes(0.07, 1.0, 3.0),
        glow=sometimes(0.1, 0.3, 0.8),
        fade=sometimes(0.12, 0.4, 1.0),
    )
