"""Plane geometry for the demo drawings: shapes, and how to make them.

The drawings must come out byte for byte the same everywhere. Only ``random()`` of the standard generator is
promised to stay the same between Python versions, and the last bit of a sine may differ between C libraries, so
:class:`Dice` draws everything from the former and the trigonometry here is rounded before it is used. For the same
reason nothing here adds floats with ``sum``, whose rounding changed in Python 3.12.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

SIZE = 400
"""Width and height of every drawing, in user units."""

Point = tuple[float, float]
Ring = tuple[Point, ...]
Rings = tuple[Ring, ...]

T = TypeVar("T")


class Dice:
    """A seeded source of chance that is the same on every platform.

    Parameters
    ----------
    seed:
        Any text.
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed).random

    def between(self, low: float, high: float) -> float:
        """Return a number in [low, high)."""
        return low + (high - low) * self._random()

    def about(self, spread: float) -> float:
        """Return a number in [-spread, spread)."""
        return self.between(-spread, spread)

    def chance(self, probability: float) -> bool:
        """Return true with the given probability."""
        return self._random() < probability

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[int(self._random() * len(choices))]


def cosine(degrees: float) -> float:
    """Return the cosine of an angle in degrees, to nine places."""
    return round(math.cos(math.radians(degrees)), 9)


def sine(degrees: float) -> float:
    """Return the sine of an angle in degrees, to nine places."""
    return round(math.sin(math.radians(degrees)), 9)


def distance(p: Point, q: Point) -> float:
    """Return the distance of two points."""
    return math.sqrt((p[0] - q[0]) * (p[0] - q[0]) + (p[1] - q[1]) * (p[1] - q[1]))


@dataclass(frozen=True, slots=True)
class Shape:
    """One area of a subject.

    Attributes
    ----------
    role:
        What the area is made of (``leaf``, ``water``, ``main``, ...); a style gives each role its colour and tone.
    rings:
        Closed outlines, filled by the even-odd rule.
    spine:
        The centre line, where the area is a drawn line of some width.
    width:
        That width in user units, else 0.
    setting:
        True where the area belongs to the surroundings, which reach the edges and stay in place.
    """

    role: str
    rings: Rings
    spine: Ring | None = None
    width: float = 0.0
    setting: bool = False

    def bounds(self) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom."""
        xs = [x for ring in self.rings for x, _ in ring]
        ys = [y for ring in self.rings for _, y in ring]
        return min(xs), min(ys), max(xs), max(ys)

    def mapped(self, matrix: tuple[float, float, float, float, float, float]) -> Shape:
        """Return the shape under an affine map ``(a, b, c, d, e, f)``, in SVG's order."""
        a, b, c, d, e, f = matrix

        def moved(ring: Ring) -> Ring:
            return tuple((a * x + c * y + e, b * x + d * y + f) for x, y in ring)

        spine = None if self.spine is None else moved(self.spine)
        width = self.width * math.sqrt(abs(a * d - b * c))
        return replace(self, rings=tuple(moved(ring) for ring in self.rings), spine=spine, width=width)

    def turned(self, degrees: float, centre: Point = (SIZE / 2, SIZE / 2)) -> Shape:
        """Return the shape turned clockwise about a point."""
        cos, sin = cosine(degrees), sine(degrees)
        x, y = centre
        return self.mapped((cos, sin, -sin, cos, x - cos * x + sin * y, y - sin * x - cos * y))

    def shade(self, x: float, y: float) -> float:
        """Return how far a point lies from the light, from 0 (upper left) to 1 (lower right)."""
        left, top, right, bottom = self.bounds()
        along = (x - left) / max(right - left, 1.0) + (y - top) / max(bottom - top, 1.0)
        return min(max(along / 2, 0.0), 1.0)


def arc(
    cx: float, cy: float, rx: float, ry: float, start: float = 0, end: float = 360, steps: int = 40
) -> Ring:
    """Return points along an elliptical arc, angles in degrees clockwise from the right."""
    closed = end - start >= 360
    count = steps if closed else steps + 1
    angles = [start + (end - start) * i / steps for i in range(count)]
    return tuple((cx + rx * cosine(a), cy + ry * sine(a)) for a in angles)


def smoothed(points: Sequence[Point], *, closed: bool, steps: int = 8) -> Ring:
    """Return a Catmull-Rom curve through the points."""
    count = len(points)
    result: list[Point] = []
    for i in range(count if closed else count - 1):
        if closed:
            p0, p1, p2, p3 = (points[(i + k) % count] for k in (-1, 0, 1, 2))
        else:
            p0, p1, p2, p3 = (points[min(max(i + k, 0), count - 1)] for k in (-1, 0, 1, 2))
        for step in range(steps):
            t = step / steps
            weights = (
                -0.5 * t + t * t - 0.5 * t * t * t,
                1 - 2.5 * t * t + 1.5 * t * t * t,
                0.5 * t + 2 * t * t - 1.5 * t * t * t,
                -0.5 * t * t + 0.5 * t * t * t,
            )
            w0, w1, w2, w3 = weights
            result.append(
                (
                    w0 * p0[0] + w1 * p1[0] + w2 * p2[0] + w3 * p3[0],
                    w0 * p0[1] + w1 * p1[1] + w2 * p2[1] + w3 * p3[1],
                )
            )
    if not closed:
        result.append(points[-1])
    return tuple(result)


def ribbon(spine: Sequence[Point], width: float) -> Ring:
    """Return the outline of a line of the given width."""
    left: list[Point] = []
    right: list[Point] = []
    last = len(spine) - 1
    for i, (x, y) in enumerate(spine):
        (ax, ay), (bx, by) = spine[max(i - 1, 0)], spine[min(i + 1, last)]
        length = max(distance((ax, ay), (bx, by)), 1e-6)
        nx, ny = -(by - ay) / length * width / 2, (bx - ax) / length * width / 2
        left.append((x + nx, y + ny))
        right.append((x - nx, y - ny))
    return (*left, *reversed(right))


def polygon(role: str, *points: Point) -> Shape:
    """Return a polygon."""
    return Shape(role, (points,))


def blob(role: str, *points: Point) -> Shape:
    """Return a smooth closed area through the points."""
    return Shape(role, (smoothed(points, closed=True),))


def oval(role: str, cx: float, cy: float, rx: float, ry: float | None = None) -> Shape:
    """Return an ellipse, a circle where one radius is given."""
    return Shape(role, (arc(cx, cy, rx, rx if ry is None else ry),))


def box(role: str, x: float, y: float, width: float, height: float) -> Shape:
    """Return a rectangle."""
    return polygon(role, (x, y), (x + width, y), (x + width, y + height), (x, y + height))


def hoop(role: str, cx: float, cy: float, radius: float, width: float) -> Shape:
    """Return a ring, ``radius`` being that of its middle line."""
    return Shape(
        role,
        (
            arc(cx, cy, radius + width / 2, radius + width / 2),
            arc(cx, cy, radius - width / 2, radius - width / 2),
        ),
    )


def stroke(role: str, width: float, *points: Point) -> Shape:
    """Return a line of straight pieces."""
    return Shape(role, (ribbon(points, width),), spine=points, width=width)


def curve(role: str, width: float, *points: Point) -> Shape:
    """Return a smooth line through the points."""
    spine = smoothed(points, closed=False)
    return Shape(role, (ribbon(spine, width),), spine=spine, width=width)
