"""What a drawing stands on: paper, canvas, a coloured ground."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stylesearch.training.data.pixels.fields import Field, coordinates, noise, smoothstep
from stylesearch.training.data.pixels.palette import Colour, colour

WHITE: Colour = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Ground:
    """A ground.

    Attributes
    ----------
    kind:
        A key of :data:`KINDS`.
    paper, second:
        Its colour, and that of its pattern or of its far end.
    scale:
        Size of its structure, in units.
    strength:
        How far its structure shows.
    soak:
        How far its structure shows through what is drawn.
    through:
        Whether white parts of the drawing are empty ground too.
    angle:
        Direction of its structure, in radians.
    """

    kind: str = "plain"
    paper: Colour = WHITE
    second: Colour = WHITE
    scale: float = 1.0
    strength: float = 0.0
    soak: float = 0.0
    through: bool = False
    angle: float = 0.0

    def lay(self, shape: tuple[int, int], unit: float, rng: np.random.Generator) -> tuple[Field, Field]:
        """Return the empty ground ``[h, w, 3]``, and its relief ``[h, w]`` about 0 that shows through the drawing."""
        if self.kind == "plain":
            return np.full((*shape, 3), self.paper, dtype=np.float32), np.zeros(shape, dtype=np.float32)
        relief, share = KINDS[self.kind](self, shape, max(self.scale * unit, 0.5), rng)
        paper, second = np.array(self.paper, np.float32), np.array(self.second, np.float32)
        laid = paper + (second - paper) * share[..., None]
        relief = relief * np.float32(self.strength)
        return np.clip(laid * (1 + relief[..., None]), 0, 1).astype(np.float32), relief


_Made = tuple[Field, Field]


def _zero(shape: tuple[int, int]) -> Field:
    return np.zeros(shape, dtype=np.float32)


def _plain(_ground: Ground, shape: tuple[int, int], _scale: float, _rng: np.random.Generator) -> _Made:
    return _zero(shape), _zero(shape)


def _grain(_ground: Ground, shape: tuple[int, int], scale: float, rng: np.random.Generator) -> _Made:
    return noise(rng, shape, scale, 2) * np.float32(0.1), _zero(shape)


def _stained(_ground: Ground, shape: tuple[int, int], scale: float, rng: np.random.Generator) -> _Made:
    """Old paper: fine grain, and stains in the second colour."""
    stains = smoothstep(0.0, 2.0, noise(rng, shape, scale * 30, 3))
    return noise(rng, shape, scale, 1) * np.float32(0.07), stains


def _fibres(_ground: Ground, shape: tuple[int, int], scale: float, rng: np.random.Generator) -> _Made:
    along = noise(rng, shape, (scale, scale * 14))
    across = noise(rng, shape, (scale * 14, scale))
    return (along + across) * np.float32(0.07), _zero(shape)


def _woven(ground: Ground, shape: tuple[int, int], scale: float, rng: np.random.Generator) -> _Made:
    rows, columns = coordinates(*shape)
    step = math.tau / (2 * scale)
    turned = (
        math.cos(ground.angle) * columns + math.sin(ground.angle) * rows,
        math.cos(ground.angle) * rows - math.sin(ground.angle) * columns,
    )
    weave = np.sin(step * turned[0]) * np.sin(step * turned[1])
    uneven = 1 + 0.4 * noise(rng, shape, scale * 3)
    return np.asarray(0.22 * weave * uneven, dtype=np.float32), _zero(shape)


def _planks(_ground: Ground, shape: tuple[int, int], scale: float, rng: np.random.Generator) -> _Made:
    """Wood: long streaks, in the second colour."""
    streaks = noise(rng, shape, (scale * 1.5, scale * 60), 2)
    return streaks * np.float32(0.06), smoothstep(-1.5, 1.5, streaks)


def _fade(ground: Ground, shape: tuple[int, int], _scale: float, _rng: np.random.Generator) -> _Made:
    rows, columns = coordinates(*shape)
    along = math.sin(ground.angle) * (rows / shape[0] - 0.5) + math.cos(ground.angle) * (
        columns / shape[1] - 0.5
    )
    return _zero(shape), smoothstep(-0.7, 0.7, np.asarray(along + _zero(shape), dtype=np.float32))


def _halo(_ground: Ground, shape: tuple[int, int], _scale: float, _rng: np.random.Generator) -> _Made:
    rows, columns = coordinates(*shape)
    apart = np.hypot(rows / shape[0] - 0.5, columns / shape[1] - 0.5)
    return _zero(shape), smoothstep(0.1, 0.75, np.asarray(apart, dtype=np.float32))


def _dotted(_ground: Ground, shape: tuple[int, int], scale: float, _rng: np.random.Generator) -> _Made:
    rows, columns = coordinates(*shape)
    step = math.tau / (6 * scale)
    dots = np.asarray(np.cos(step * rows) + np.cos(step * columns), dtype=np.float32)
    return _zero(shape), smoothstep(1.1, 1.4, dots)


def _ruled(ground: Ground, shape: tuple[int, int], scale: float, _rng: np.random.Generator) -> _Made:
    rows, columns = coordinates(*shape)
    step = math.tau / (8 * scale)
    width = 1 - 0.5 / (scale + 0.5)
    lines = smoothstep(width, 1.0, np.asarray(np.cos(step * rows) + 0 * columns, dtype=np.float32))
    if ground.angle > 0.8:
        lines = np.maximum(
            lines, smoothstep(width, 1.0, np.asarray(np.cos(step * columns) + 0 * rows, dtype=np.float32))
        )
    return _zero(shape), lines


def _blotted(_ground: Ground, shape: tuple[int, int], scale: float, rng: np.random.Generator) -> _Made:
    clouds = noise(rng, shape, scale * 25, 4)
    return clouds * np.float32(0.03), smoothstep(-1.2, 1.2, clouds)


def _speckled(_ground: Ground, shape: tuple[int, int], scale: float, rng: np.random.Generator) -> _Made:
    specks = smoothstep(1.6, 2.1, noise(rng, shape, scale * 1.2))
    return _zero(shape), specks


KINDS: dict[str, Callable[[Ground, tuple[int, int], float, np.random.Generator], _Made]] = {
    "plain": _plain,
    "grain": _grain,
    "stained": _stained,
    "fibres": _fibres,
    "woven": _woven,
    "planks": _planks,
    "fade": _fade,
    "halo": _halo,
    "dotted": _dotted,
    "ruled": _ruled,
    "blotted": _blotted,
    "speckled": _speckled,
}


def sample_ground(rng: np.random.Generator) -> Ground:
    """Draw a ground; white paper about every third time."""
    if rng.random() < 0.3:
        return Ground(through=bool(rng.random() < 0.3))
    kind = str(rng.choice(list(KINDS)))
    tint = rng.choice(
        ["white", "cream", "pale", "middle", "deep", "black"], p=[0.2, 0.2, 0.2, 0.18, 0.14, 0.08]
    )
    hue = float(rng.random())
    paper = {
        "white": WHITE,
        "cream": colour(
            float(rng.uniform(0.88, 0.97)), float(rng.uniform(0.02, 0.05)), float(rng.uniform(0.2, 0.28))
        ),
        "pale": colour(float(rng.uniform(0.82, 0.94)), float(rng.uniform(0.0, 0.07)), hue),
        "middle": colour(float(rng.uniform(0.5, 0.78)), float(rng.uniform(0.0, 0.15)), hue),
        "deep": colour(float(rng.uniform(0.22, 0.45)), float(rng.uniform(0.0, 0.13)), hue),
        "black": colour(float(rng.uniform(0.08, 0.2)), float(rng.uniform(0.0, 0.04)), hue),
    }[str(tint)]
    turn, step = float(rng.choice([0.0, 0.05, 0.5])), float(rng.choice([-0.22, -0.12, 0.12, 0.22]))
    lightness = {"white": 0.99, "cream": 0.93, "pale": 0.88, "middle": 0.65, "deep": 0.35, "black": 0.15}[
        str(tint)
    ]
    second = colour(min(0.98, max(0.08, lightness + step)), float(rng.uniform(0.0, 0.12)), hue + turn)
    return Ground(
        kind=kind,
        paper=paper,
        second=second,
        scale=float(rng.choice([0.7, 1.0, 1.6, 2.5, 4.0])),
        strength=float(rng.uniform(0.3, 1.3)),
        soak=float(rng.choice([0.0, 0.5, 1.0])),
        through=bool(rng.random() < 0.3),
        angle=float(rng.uniform(0, math.pi / 2)),
    )
