"""Copies as people make them, made on purpose: to learn from how high a score copies have here."""

from __future__ import annotations

import io
from collections.abc import Callable
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from stylesearch.images.decode import Pixels

LEAST_SIDE = 0.72
"""Of a crop: least share of each side that is left."""

_WORDS = ("Sample", "For sale", "Copyright", "Poster", "www.example.org", "Archive 12-34", "Detail")


def crop(picture: Image.Image, dice: Random) -> Image.Image:
    """Cut off some of the sides."""
    across, down = dice.uniform(LEAST_SIDE, 0.95), dice.uniform(LEAST_SIDE, 0.95)
    left, top = dice.uniform(0, 1 - across), dice.uniform(0, 1 - down)
    width, height = picture.size
    return picture.crop(
        (
            round(left * width),
            round(top * height),
            max(round(left * width) + 1, round((left + across) * width)),
            max(round(top * height) + 1, round((top + down) * height)),
        )
    )


def resize(picture: Image.Image, dice: Random) -> Image.Image:
    """Scale down to between a third and two thirds."""
    scale = dice.uniform(0.35, 0.7)
    return picture.resize((max(8, round(picture.width * scale)), max(8, round(picture.height * scale))))


def recompress(picture: Image.Image, dice: Random) -> Image.Image:
    """Save as a JPEG of low quality."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=dice.randint(20, 45))
    return Image.open(io.BytesIO(file.getvalue())).convert("RGB")


def overlay(picture: Image.Image, dice: Random) -> Image.Image:
    """Write a line of letters over it."""
    written = picture.copy()
    font = ImageFont.load_default(max(8, round(picture.height * dice.uniform(0.07, 0.12))))
    place = (dice.uniform(0, 0.3) * picture.width, dice.uniform(0.05, 0.85) * picture.height)
    ink, rim = dice.choice((("black", "white"), ("white", "black"), ("#c02020", "white")))
    ImageDraw.Draw(written).text(
        place, dice.choice(_WORDS), fill=ink, font=font, stroke_width=1, stroke_fill=rim
    )
    return written


def flip(picture: Image.Image, dice: Random) -> Image.Image:  # noqa: ARG001 - as the others
    """Mirror from left to right."""
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


COPYINGS: dict[str, Callable[[Image.Image, Random], Image.Image]] = {
    "crop": crop,
    "resize": resize,
    "recompress": recompress,
    "overlay": overlay,
    "flip": flip,
}


def made_copy(pixels: Pixels, kind: str, dice: Random) -> Pixels:
    """Return a copy of a picture.

    Parameters
    ----------
    kind:
        One of :data:`COPYINGS`.
    """
    return np.asarray(COPYINGS[kind](Image.fromarray(pixels), dice).convert("RGB"))
