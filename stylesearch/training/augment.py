"""Two views of one picture that differ in what style does not live in: where it is cut, how it is turned.

Colour, contrast and sharpness are style, so nothing here changes them: no jitter of colours, no blur, no noise. A turn
is by quarters only, since any other would have to invent the corners.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from stylesearch.images.decode import Pixels

Generators = tuple[Generator, Generator]


class Views(Protocol):
    """Makes the two inputs of a network out of what a training set loads for one sample."""

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the outcome, as JSON values: part of a run's configuration."""

    def __call__(self, loaded: NDArray[Any], generators: Generators, /) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return two arrays of one shape; the same generators give the same arrays."""


def generators(seed: int, step: int, sample: int) -> Generators:
    """Return the generators of a sample's two views at a step.

    They depend on nothing else, so neither the number of worker processes nor that of ranks changes a view. All three
    numbers are below 2³².
    """
    first, second = (
        np.random.default_rng(np.array([seed, step, sample, view], np.uint32)) for view in (0, 1)
    )
    return first, second


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Cuts, resizes, flips and turns pictures.

    Attributes
    ----------
    side:
        Pixels a side of the result.
    square:
        Whether cuts are taken from squares as wide as the picture's shorter side, as suits a network that is shown
        the middle of a picture; else from the whole picture, whose proportions are then not kept, as suits one that is
        shown pictures squashed.
    smallest:
        Least share of that square's or picture's area that a cut keeps; the share is uniform between this and 1.
    stretch:
        Most by which a cut's proportions differ from those, either way; the factor is log-uniform.
    mirror, flip:
        Chance of exchanging left and right, top and bottom.
    turn:
        Chance of a turn by one, two or three quarters, each alike.
    """

    side: int = 224
    square: bool = False
    smallest: float = 0.25
    stretch: float = 4 / 3
    mirror: float = 0.5
    flip: float = 0.3
    turn: float = 0.5

    @property
    def settings(self) -> dict[str, Any]:
        """All attributes."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def source_side(self) -> int:
        """Shortest side to decode pictures at: the smallest cut is then not enlarged, which would blur it."""
        return math.ceil(self.side / math.sqrt(self.smallest))

    def view(self, pixels: Pixels, generator: Generator) -> NDArray[np.uint8]:
        """Return one view of a picture.

        Parameters
        ----------
        pixels:
            ``[height, width, 3]``, any size.
        generator:
            Decides what is done.

        Returns
        -------
        ndarray
            ``[3, side, side]`` uint8.
        """
        height, width = pixels.shape[:2]
        area = generator.uniform(self.smallest, 1.0)
        proportion = math.exp(generator.uniform(-1.0, 1.0) * math.log(self.stretch))
        whole_width, whole_height = (min(width, height),) * 2 if self.square else (width, height)
        cut_width = whole_width * min(1.0, math.sqrt(area * proportion))
        cut_height = whole_height * min(1.0, math.sqrt(area / proportion))
        left, top = (width - cut_width) * generator.random(), (height - cut_height) * generator.random()
        box = (left, top, left + cut_width, top + cut_height)
        image = Image.fromarray(pixels).resize((self.side, self.side), Image.Resampling.BICUBIC, box=box)

        view = np.asarray(image)
        chances = generator.random(3)
        quarters = int(generator.integers(1, 4))
        if chances[0] < self.mirror:
            view = view[:, ::-1]
        if chances[1] < self.flip:
            view = view[::-1]
        if chances[2] < self.turn:
            view = np.rot90(view, quarters)
        return np.ascontiguousarray(view.transpose(2, 0, 1))

    def __call__(self, loaded: NDArray[Any], generators: Generators, /) -> tuple[NDArray[Any], NDArray[Any]]:
        return self.view(loaded, generators[0]), self.view(loaded, generators[1])


@dataclass(frozen=True, slots=True)
class StoredViews:
    """Picks two of the views that a :class:`~stylesearch.training.datasets.FeatureSet` stores of a sample.

    Attributes
    ----------
    whole_first:
        Whether the first view is always the first that is stored, the whole picture. It is what pictures with one tag
        are drawn together by, and wholes are what is described later; a cut then only has to stay near its whole.
    """

    whole_first: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        """What was set, where it is not as usual."""
        return {"whole first": True} if self.whole_first else {}

    def __call__(self, loaded: NDArray[Any], generators: Generators, /) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return two rows of ``[views, dim]``, different ones where there are two."""
        count = len(loaded)
        first = 0 if self.whole_first else int(generators[0].integers(count))
        second = (first + 1 + int(generators[1].integers(max(1, count - 1)))) % count
        return loaded[first], loaded[second]
