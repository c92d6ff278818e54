"""What a style asks of a shape: hatching, its lit side, and which shape shows where."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from stylesearch.demo.geometry import (
    SIZE,
    Dice,
    Point,
    Ring,
    Rings,
    Shape,
    arc,
    cosine,
    distance,
    ribbon,
    sine,
)


def scan(rings: Iterable[Ring], y: float) -> list[float]:
    """Return the x at which the outlines cross a horizontal line, in order; inside lies between pairs."""
    crossings: list[float] = []
    for ring in rings:
        ax, ay = ring[-1]
        for bx, by in ring:
            if (ay <= y) != (by <= y):
                crossings.append(ax + (y - ay) / (by - ay) * (bx - ax))
            ax, ay = bx, by
    crossings.sort()
    return crossings


def hatch(
    rings: Rings, angle: float, spacing: float, *, dice: Dice | None = None
) -> list[tuple[Point, Point]]:
    """Return the parallel lines, clipped to an area, that shade it.

    Parameters
    ----------
    rings:
        The area.
    angle:
        Direction of the lines in degrees, clockwise from the right.
    spacing:
        Distance between lines, in user units.
    dice:
        Where given, spacing varies a little, as by hand.
    """
    cos, sin = cosine(angle), sine(angle)
    level = tuple(tuple((x * cos + y * sin, y * cos - x * sin) for x, y in ring) for ring in rings)
    ys = [y for ring in level for _, y in ring]
    # Lines sit on one lattice for the whole sheet, so that neighbouring areas of one direction agree.
    row = math.floor(min(ys) / spacing)
    lines: list[tuple[Point, Point]] = []
    while (row := row + 1) * spacing < max(ys):
        y = row * spacing + (dice.about(spacing * 0.22) if dice else 0.0)
        crossings = scan(level, y)
        for x0, x1 in zip(crossings[::2], crossings[1::2], strict=False):
            if x1 - x0 > 0.6:
                lines.append(
                    ((x0 * cos - y * sin, x0 * sin + y * cos), (x1 * cos - y * sin, x1 * sin + y * cos))
                )
    return lines


def arc_hatch(rings: Rings, centre: Point, spacing: float, *, dice: Dice | None = None) -> list[Ring]:
    """Return arcs about a point outside an area, clipped to the area, that shade it as a rounded body."""
    cx, cy = centre
    # Angles are taken from the direction of the area, so that none of it lies where they wrap round.
    ahead = (rings[0][0][0] - cx, rings[0][0][1] - cy)
    middle = round(math.degrees(math.atan2(ahead[1], ahead[0])), 9)

    def unrolled(point: Point) -> Point:
        x, y = point[0] - cx, point[1] - cy
        angle = round(math.degrees(math.atan2(x * -ahead[1] + y * ahead[0], x * ahead[0] + y * ahead[1])), 9)
        return middle + angle, math.sqrt(x * x + y * y)

    level = tuple(tuple(unrolled(p) for p in _stepped(ring)) for ring in rings)
    radii = [radius for ring in level for _, radius in ring]
    row = math.floor(min(radii) / spacing)
    arcs: list[Ring] = []
    while (row := row + 1) * spacing < max(radii):
        radius = row * spacing + (dice.about(spacing * 0.18) if dice else 0.0)
        crossings = scan(level, radius)
        for a0, a1 in zip(crossings[::2], crossings[1::2], strict=False):
            length = (a1 - a0) * radius / 57.3
            if length > 1.0:
                arcs.append(arc(cx, cy, radius, radius, a0, a1, steps=max(2, int(length / 22))))
    return arcs


def _stepped(ring: Ring, step: float = 12.0) -> list[Point]:
    """Return an outline with its long straight sides divided, so that they stay straight when bent."""
    result: list[Point] = []
    ax, ay = ring[-1]
    for bx, by in ring:
        pieces = int(distance((ax, ay), (bx, by)) / step) + 1
        result += [(ax + (bx - ax) * i / pieces, ay + (by - ay) * i / pieces) for i in range(1, pieces + 1)]
        ax, ay = bx, by
    return result


def lit_half(rings: Rings, degrees: float, share: float) -> Rings:
    """Return the part of an area nearest to a direction.

    Parameters
    ----------
    rings:
        The area.
    degrees:
        The direction, clockwise from the right.
    share:
        How much of the area's extent along that direction is kept, from 0 to 1.
    """
    nx, ny = cosine(degrees), sine(degrees)
    extents = [x * nx + y * ny for ring in rings for x, y in ring]
    limit = max(extents) - share * (max(extents) - min(extents))
    kept: list[Ring] = []
    for ring in rings:
        result: list[Point] = []
        ax, ay = ring[-1]
        a = ax * nx + ay * ny - limit
        for bx, by in ring:
            b = bx * nx + by * ny - limit
            if (a >= 0) != (b >= 0):
                t = a / (a - b)
                result.append((ax + t * (bx - ax), ay + t * (by - ay)))
            if b >= 0:
                result.append((bx, by))
            ax, ay, a = bx, by, b
        if len(result) > 2:
            kept.append(tuple(result))
    return tuple(kept)


def topmost(shapes: Sequence[Shape], cells: int) -> list[list[int]]:
    """Return which shape shows in each cell of a square grid over the sheet.

    Returns
    -------
    list of list of int
        ``cells`` rows of ``cells`` indices into ``shapes``; -1 where nothing is drawn.
    """
    step = SIZE / cells
    grid = [[-1] * cells for _ in range(cells)]
    for index, shape in enumerate(shapes):
        _, top, _, bottom = shape.bounds()
        # A line thinner than a cell would fall between the samples: draw it as wide as one.
        rings = shape.rings
        if shape.spine is not None and shape.width < step * 1.1:
            rings = (ribbon(shape.spine, step * 1.1),)
            top, bottom = top - step, bottom + step
        for row in range(max(0, int(top / step)), min(cells, int(bottom / step) + 1)):
            crossings = scan(rings, (row + 0.5) * step)
            for x0, x1 in zip(crossings[::2], crossings[1::2], strict=False):
                first = max(0, math.ceil(x0 / step - 0.5))
                last = min(cells, math.ceil(x1 / step - 0.5))
                for column in range(first, last):
                    grid[row][column] = index
    return grid
