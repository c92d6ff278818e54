"""Restyling pixels: one picture drawn over again in any of endlessly many manners, its content kept."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stylesearch.training.data.pixels.canvas import take_apart
from stylesearch.training.data.pixels.fields import Field
from stylesearch.training.data.pixels.fill import Fill, sample_fill
from stylesearch.training.data.pixels.finish import Finish, sample_finish
from stylesearch.training.data.pixels.ground import Ground, sample_ground
from stylesearch.training.data.pixels.hand import Hand, sample_hand
from stylesearch.training.data.pixels.line import Line, sample_line
from stylesearch.training.data.pixels.palette import Palette, sample_palette

Pixels = NDArray[np.uint8]

_RESOLUTIONS = (32, 48, 64, 96, 128)


@dataclass(frozen=True, slots=True)
class Restyling:
    """A manner of drawing.

    Attributes
    ----------
    ground, palette, hand, line, fill, finish:
        Its parts; no line where ``line`` is ``None``.
    resolution:
        Side in pixels that pictures are reduced to first, as part of the manner; 0 for none.
    any_resolution:
        Whether pictures are reduced to a side drawn anew for each, so that sharpness says nothing of the manner.
    """

    ground: Ground = field(default_factory=Ground)
    palette: Palette = field(default_factory=Palette)
    hand: Hand = field(default_factory=Hand)
    line: Line | None = None
    fill: Fill = field(default_factory=Fill)
    finish: Finish = field(default_factory=Finish)
    resolution: int = 0
    any_resolution: bool = False

    @property
    def name(self) -> str:
        """What it is made of, in a few words; manners of one name may still differ in numbers."""
        line = f"{self.line.kind} {self.line.weight:g}" if self.line is not None else "no line"
        touches = "+".join(
            touch
            for touch in (
                "shadow",
                "border",
                "bevel",
                "gloss",
                "relief",
                "soften",
                "grain",
                "vignette",
                "scan",
                "fringe",
                "glow",
                "fade",
            )
            if getattr(self.finish, touch) != 0
        )
        colours = f" {len(self.palette.colours)}" if self.palette.colours else ""
        return " / ".join(
            (
                f"{self.ground.kind} ground",
                f"{self.palette.kind}{colours}",
                line,
                f"{self.fill.kind} {self.fill.scale:g}",
                touches or "plain",
            )
        )

    def apply(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        """Draw a picture in this manner.

        Parameters
        ----------
        pixels:
            ``[h, w, 3]``: a drawing on white, or a picture that fills its frame.
        rng:
            Source of what differs from picture to picture: where grain falls, how a hand strays.

        Returns
        -------
        Pixels
            ``[h, w, 3]``.
        """
        side = int(rng.choice((*_RESOLUTIONS, 0))) if self.any_resolution else self.resolution
        canvas = take_apart(_reduced(pixels, side), through=self.ground.through)
        self.hand.redraw(canvas, rng)
        canvas.ink = self.palette.apply(_bytes(canvas.ink)).astype(np.float32) / 255
        ground, relief = self.ground.lay(canvas.shape, canvas.unit, rng)
        ground = self.finish.beneath(ground, canvas)
        colours, cover = self.fill.fill(canvas, rng)
        if self.ground.soak > 0 and self.ground.kind != "plain":
            colours = colours * (1 + np.float32(self.ground.soak) * relief[..., None])
        picture: Field = ground + (colours - ground) * cover[..., None]
        if self.line is not None:
            drawn = self.line.draw(canvas, rng)[..., None]
            picture = picture + (self.line.colours(canvas) - picture) * drawn
        picture = self.finish.upon(np.asarray(picture, dtype=np.float32), canvas)
        return _bytes(self.finish.over(picture, canvas.unit, rng))


def _bytes(field: Field) -> Pixels:
    return np.asarray(np.clip(field, 0, 1) * 255 + 0.5, dtype=np.uint8)


def _reduced(pixels: Pixels, side: int) -> Pixels:
    height, width = pixels.shape[:2]
    if side == 0 or side >= min(height, width):
        return pixels
    factor = side / min(height, width)
    small = Image.fromarray(pixels).resize(
        (max(1, round(width * factor)), max(1, round(height * factor))), Image.Resampling.BOX
    )
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


def sample_style(rng: np.random.Generator) -> Restyling:
    """Draw a manner of drawing.

    Some are mild and near the picture as it came; most put several things together.
    """
    mild = rng.random() < 0.12
    fill = Fill() if mild else sample_fill(rng)
    chance = {"flat": 0.5, "bare": 1.0, "thin": 0.7, "misprint": 0.85}.get(fill.kind, 0.35)
    lined = not mild and rng.random() < chance
    nuisance = bool(rng.random() < 0.5)
    return Restyling(
        ground=sample_ground(rng) if not mild or rng.random() < 0.4 else Ground(),
        palette=sample_palette(rng),
        hand=Hand() if mild else sample_hand(rng),
        line=sample_line(rng) if lined else None,
        fill=fill,
        finish=sample_finish(rng) if not mild or rng.random() < 0.4 else Finish(),
        resolution=0 if nuisance or rng.random() < 0.7 else int(rng.choice(_RESOLUTIONS[1:])),
        any_resolution=nuisance,
    )
