"""What a subject is, and the surroundings that subjects share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from stylesearch.demo.geometry import SIZE, Dice, Shape, blob, box, curve, oval, polygon, smoothed


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to draw.

    Attributes
    ----------
    title:
        Its name, as a caption.
    keywords:
        Words for it, the shared category (``animal``, ``building``, ``nature``, ``object``, ``vehicle``) last.
    sentence:
        What the drawing shows, without a full stop.
    build:
        Returns the shapes, back to front.
    """

    title: str
    keywords: tuple[str, ...]
    sentence: str
    build: Callable[[Dice], list[Shape]]

    @property
    def slug(self) -> str:
        """The title as a file name."""
        return self.title.lower().replace(" ", "-")

    def compose(self, dice: Dice) -> list[Shape]:
        """Return the shapes, with the subject itself moved, sized and sometimes mirrored by chance."""
        scale = dice.between(0.93, 1.05)
        mirror = -1.0 if dice.chance(0.4) else 1.0
        dx, dy = dice.about(12), dice.about(6)
        middle, floor = SIZE / 2, 330.0
        matrix = (
            scale * mirror,
            0.0,
            0.0,
            scale,
            middle - scale * mirror * middle + dx,
            floor - scale * floor + dy,
        )
        return [shape if shape.setting else shape.mapped(matrix) for shape in self.build(dice)]


def setting(*shapes: Shape) -> list[Shape]:
    """Return the shapes as surroundings, which stay in place."""
    return [replace(shape, setting=True) for shape in shapes]


def cloud(x: float, y: float, size: float) -> Shape:
    """Return a cloud with a flat foot."""
    points = (
        (-1.6, 0.3),
        (-1.5, -0.15),
        (-0.9, -0.3),
        (-0.5, -0.8),
        (0.3, -0.85),
        (0.75, -0.35),
        (1.4, -0.3),
        (1.65, 0.1),
        (1.5, 0.3),
        (0.0, 0.36),
    )
    return blob("light", *((x + size * px, y + size * py) for px, py in points))


def outdoors(dice: Dice, horizon: float = 310, *, hills: bool = True, clouds: int = 2) -> list[Shape]:
    """Return sky, clouds, hills and a meadow."""
    shapes = [box("sky", 0, 0, SIZE, SIZE)]
    for i in range(clouds):
        side = 80 if i % 2 == 0 else 320
        shapes.append(cloud(side + dice.about(30), 62 + 34 * i + dice.about(14), dice.between(24, 32)))
    if hills:
        peak = dice.between(90, 310)
        ridge = smoothed(
            (
                (-20, horizon - 20),
                (peak - 90, horizon - 26),
                (peak, horizon - 62),
                (peak + 110, horizon - 22),
                (420, horizon - 38),
            ),
            closed=False,
        )
        shapes.append(polygon("hill", *ridge, (420, SIZE), (-20, SIZE)))
    edge = smoothed(
        (
            (-20, horizon + 6),
            (90, horizon + dice.about(6)),
            (220, horizon + 6),
            (330, horizon + dice.about(6)),
            (420, horizon + 4),
        ),
        closed=False,
    )
    shapes.append(polygon("ground", *edge, (420, 420), (-20, 420)))
    return setting(*shapes)


def seaside(dice: Dice, horizon: float = 250, *, clouds: int = 2) -> list[Shape]:
    """Return sky, clouds and a sea with waves."""
    shapes = [box("sky", 0, 0, SIZE, SIZE)]
    for i in range(clouds):
        side = 320 if i % 2 == 0 else 75
        shapes.append(cloud(side + dice.about(28), 66 + 38 * i + dice.about(14), dice.between(22, 30)))
    shapes.append(box("water", 0, horizon, SIZE, SIZE - horizon))
    for row in range(1, 5):
        y = horizon + 8 + row * row * 6
        for _ in range(2):
            x = dice.between(10, 320)
            length = 10 + row * 9
            shapes.append(
                curve(
                    "light",
                    1.4 + row * 0.5,
                    (x, y),
                    (x + length * 0.5, y - 3),
                    (x + length, y + 1),
                    (x + length * 1.5, y - 2),
                )
            )
    return setting(*shapes)


def indoors(dice: Dice, table: float = 292) -> list[Shape]:
    """Return a wall and a table top."""
    shapes = [box("sky", 0, 0, SIZE, SIZE), box("ground", -10, table + dice.about(6), SIZE + 20, SIZE)]
    return setting(*shapes)


def shadow(cx: float, cy: float, rx: float, ry: float = 9) -> Shape:
    """Return the shadow a thing casts where it stands."""
    return oval("shadow", cx, cy, rx, ry)
