"""What happens between decoded pixels and the network."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from stylesearch.encoders.protocol import Pixels
from stylesearch.errors import InputError

Triple = tuple[float, float, float]

CLIP_SCALE: tuple[Triple, Triple] = (
    (0.48145466, 0.4578275, 0.40821073),
    (0.26862954, 0.26130258, 0.27577711),
)
"""Mean and standard deviation of the channels, 0 to 1, that CLIP was trained with."""

LITE_MEAN, LITE_DEVIATION = 127.0, 128.0
"""The same for values of 0 to 255, alike in all channels, that the EfficientNet-Lite networks were trained with."""

LITE_SCALE: tuple[Triple, Triple] = ((LITE_MEAN / 255,) * 3, (LITE_DEVIATION / 255,) * 3)
"""The same by channel, for values of 0 to 1."""

_SCALES: dict[tuple[Triple, Triple], str] = {
    CLIP_SCALE: "clip",
    LITE_SCALE: "lite",
    ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)): "imagenet",
    ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)): "half",
}
_RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}

WHITE = 255
TILE_OVERLAP = 0.25
"""Least part of a tile that its neighbour shows too, so that nothing lies on a seam only."""

LONGEST_SCALED = 256
"""A picture that is this many times as long as wide, or longer, is not scaled whole."""

MOST_TILES = 12
"""Tiles of one picture; one that is longer than these can cover has gaps between them, never at its ends."""


def _checked(pixels: Pixels) -> Pixels:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise InputError(
            f"An encoder takes uint8 pixels [height, width, 3], not {pixels.dtype} {list(pixels.shape)}.",
            hint="Decode the file with stylesearch.images first.",
            code="pixels",
        )
    return pixels


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a whole picture becomes one or more squares, and how their values are scaled.

    - ``crop``: the shorter side is scaled to ``size`` and the middle is kept. What the published CSD and most of CLIP
      do, so the reference; the ends of a long picture are lost.
    - ``squash``: all of it, its proportions lost.
    - ``pad``: all of it in its proportions, on white. White is what a picture's transparent parts stand on and what most
      drawings and sheets are; repeating the edge instead would draw streaks that nobody drew.
    - ``tile``: the shorter side is scaled to ``size`` and overlapping squares along the longer one are described one by
      one; the picture's descriptor is their mean.

    Attributes
    ----------
    policy:
        One of :data:`POLICIES`.
    size:
        Side of a square in pixels.
    mean, std:
        Of the channels, where 0 is black and 1 is full.
    interpolation:
        ``bicubic`` or ``bilinear``, both with antialiasing.
    fill:
        Grey level, 0 to 255, that ``pad`` pads with.
    """

    policy: str
    size: int = 224
    mean: Triple = CLIP_SCALE[0]
    std: Triple = CLIP_SCALE[1]
    interpolation: str = "bicubic"
    fill: int = WHITE

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise InputError(
                f"There is no policy {self.policy!r}.",
                hint=f"Known: {', '.join(POLICIES)}.",
                code="unknown_policy",
            )

    @property
    def name(self) -> str:
        """Name and version, such as ``crop-224-clip-v1``; part of an encoder's identity."""
        policy = f"pad{self.fill}" if self.policy == "pad" and self.fill != WHITE else self.policy
        parts = [policy, str(self.size), self._scale]
        if self.interpolation != "bicubic":
            parts.append(self.interpolation)
        return "-".join([*parts, "v1"])

    @property
    def _scale(self) -> str:
        numbers = repr((self.mean, self.std))
        return _SCALES.get((self.mean, self.std)) or hashlib.sha256(numbers.encode()).hexdigest()[:8]

    def with_policy(self, policy: str | None) -> Preprocessing:
        """Return the same with another policy, or itself.

        Raises
        ------
        InputError
            ``unknown_policy``.
        """
        return self if policy in (None, self.policy) else replace(self, policy=str(policy), fill=WHITE)

    def squares(self, pixels: Pixels) -> Pixels:
        """Cut a picture into what the network sees.

        Parameters
        ----------
        pixels:
            ``[height, width, 3]`` uint8, any size from 1 by 1 up.

        Returns
        -------
        Pixels
            ``[squares, size, size, 3]`` uint8; one square unless the policy is ``tile``.

        Raises
        ------
        InputError
            If the array is not such pixels.
        """
        image = Image.fromarray(np.ascontiguousarray(_checked(pixels)))
        return np.stack([np.asarray(square) for square in POLICIES[self.policy](image, self)])


def _enlarged(image: Image.Image, size: int) -> tuple[int, int]:
    """Return the width and height at which the shorter side is ``size``; the longer is rounded down, as torchvision does."""
    width, height = image.size
    long = int(size * max(width, height) / min(width, height))
    return (size, long) if width <= height else (long, size)


def _cut(
    image: Image.Image, scaled: tuple[int, int], places: list[tuple[int, int]], like: Preprocessing
) -> list[Image.Image]:
    """Return the squares at these places of a picture that is scaled."""
    size, resampling = like.size, _RESAMPLING[like.interpolation]
    if max(scaled) <= LONGEST_SCALED * size:
        whole = image.resize(scaled, resampling)
        return [whole.crop((left, top, left + size, top + size)) for left, top in places]
    # A picture of 30,000 by 20 would be 336,000 wide; only what each square shows is computed. Across first, then down,
    # as Pillow does with a picture that it enlarges: each pass rounds.
    squares = []
    for left, top in places:
        begin, end, *across = _reach(left, size, image.width / scaled[0], image.width)
        upper, lower, *down = _reach(top, size, image.height / scaled[1], image.height)
        near = image.crop((begin, upper, end, lower))
        strip = near.resize((size, near.height), resampling, box=(across[0], 0, across[1], near.height))
        squares.append(strip.resize((size, size), resampling, box=(0, down[0], size, down[1])))
    return squares


def _reach(start: int, size: int, ratio: float, length: int) -> tuple[int, int, float, float]:
    """Return which of a side's pixels a square needs, and where it begins and ends among those.

    Pillow takes the latter in single precision, so they are given as near to zero as they can be.
    """
    first, last = start * ratio, min((start + size) * ratio, length)
    margin = math.ceil(2 * max(1.0, ratio)) + 1  # as far as a bicubic kernel looks
    begin, end = max(0, math.floor(first) - margin), min(length, math.ceil(last) + margin)
    return begin, end, first - begin, last - begin


def _crop(image: Image.Image, like: Preprocessing) -> list[Image.Image]:
    width, height = _enlarged(image, like.size)
    middle = round((width - like.size) / 2), round((height - like.size) / 2)
    return _cut(image, (width, height), [middle], like)


def _squash(image: Image.Image, like: Preprocessing) -> list[Image.Image]:
    return [image.resize((like.size, like.size), _RESAMPLING[like.interpolation])]


def _pad(image: Image.Image, like: Preprocessing) -> list[Image.Image]:
    ratio = max(image.size) / like.size
    width, height = (max(1, round(side / ratio)) for side in image.size)
    sheet = Image.new("RGB", (like.size, like.size), (like.fill,) * 3)
    scaled = image.resize((width, height), _RESAMPLING[like.interpolation])
    sheet.paste(scaled, ((like.size - width) // 2, (like.size - height) // 2))
    return [sheet]


def _tile(image: Image.Image, like: Preprocessing) -> list[Image.Image]:
    width, height = _enlarged(image, like.size)
    rest = max(width, height) - like.size
    count = min(MOST_TILES, 1 + math.ceil(rest / (like.size * (1 - TILE_OVERLAP))))
    starts = [round(rest * number / max(1, count - 1)) for number in range(count)]
    places = [(start, 0) if width > height else (0, start) for start in starts]
    return _cut(image, (width, height), places, like)


POLICIES: dict[str, Callable[[Image.Image, Preprocessing], list[Image.Image]]] = {
    "crop": _crop,
    "squash": _squash,
    "pad": _pad,
    "tile": _tile,
}
"""Whole-image policies by name; see :class:`Preprocessing`."""
