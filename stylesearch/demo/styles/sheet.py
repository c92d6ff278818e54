"""What the styles draw with: a sheet that collects SVG elements, colours, tones and marks."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

from stylesearch.demo.geometry import SIZE, Dice, Point, Ring, Rings, Shape, distance

Colours = Mapping[str, str | tuple[str, ...]]

TONES: Mapping[str, float] = {
    "sky": 0.08, "light": 0.0, "glow": 0.04, "wall": 0.14, "accent": 0.22, "second": 0.42, "water": 0.46, "ground": 0.36,
    "hill": 0.28, "stone": 0.45, "main": 0.58, "leaf": 0.62, "wood": 0.68, "roof": 0.66, "glass": 0.74, "shadow": 0.8, "dark": 1.0,
}  # fmt: skip
"""How dark each role is, from 0 (paper) to 1 (solid)."""


def number(value: float) -> str:
    """Return a coordinate with at most one decimal place."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _tenths(points: Iterable[Point]) -> list[tuple[int, int]]:
    return [(round(x * 10), round(y * 10)) for x, y in points]


def _pairs(steps: Iterable[int]) -> str:
    """Return tenths as numbers set as close together as path data allows."""
    text = ""
    for step in steps:
        whole, tenth = divmod(abs(step), 10)
        digits = f"{whole or ''}.{tenth}" if tenth else str(whole)
        text += ("-" if step < 0 else " " if text else "") + digits
    return text


def _trail(points: Sequence[Point]) -> str:
    """Return a line as path data in relative steps, which keeps the files small."""
    (x, y), *rest = _tenths(points)
    steps: list[int] = []
    before = (x, y)
    for place in rest:
        if place != before:
            steps += (place[0] - before[0], place[1] - before[1])
            before = place
    return f"M{_pairs((x, y))}l{_pairs(steps or (0, 0))}"


def outline(rings: Iterable[Ring]) -> str:
    """Return closed outlines as path data."""
    return "".join(f"{_trail(ring)}z" for ring in rings)


def soft_outline(rings: Iterable[Ring]) -> str:
    """Return closed outlines as path data that rounds every corner."""
    data = ""
    for ring in rings:
        corners = zip(ring, (*ring[1:], ring[0]), strict=True)
        middles = _tenths(((ax + bx) / 2, (ay + by) / 2) for (ax, ay), (bx, by) in corners)
        steps: list[int] = []
        x, y = middles[-1]
        for (cx, cy), (mx, my) in zip(_tenths(ring), middles, strict=True):
            steps += (cx - x, cy - y, mx - x, my - y)
            x, y = mx, my
        data += f"M{_pairs(middles[-1])}q{_pairs(steps)}z"
    return data


def lines(strokes: Iterable[Sequence[Point]]) -> str:
    """Return open lines as path data."""
    return "".join(_trail(points) for points in strokes)


def dots(points: Iterable[Point]) -> str:
    """Return points as path data, to be stroked with round caps."""
    return "".join(f"M{number(x)} {number(y)}h.1" for x, y in points)


def _attributes(attributes: Mapping[str, object]) -> str:
    return "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())


class Sheet:
    """The drawing being made, back to front."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._names = 0

    def body(self) -> str:
        """Return the elements, one a line."""
        return "\n".join(self._parts)

    def paper(self, colour: str) -> None:
        """Cover the whole sheet with a colour."""
        self.element("rect", width=SIZE, height=SIZE, fill=colour)

    def element(self, name: str, **attributes: object) -> None:
        """Add an element; an underscore in an attribute's name stands for a hyphen."""
        self._parts.append(f"<{name}{_attributes(attributes)}/>")

    def area(self, rings: Rings, fill: str, **attributes: object) -> None:
        """Add a filled area."""
        if rings:
            self.element("path", d=outline(rings), fill=fill, fill_rule="evenodd", **attributes)

    def soft_area(self, rings: Rings, fill: str, **attributes: object) -> None:
        """Add a filled area with rounded corners."""
        if rings:
            self.element("path", d=soft_outline(rings), fill=fill, fill_rule="evenodd", **attributes)

    def strokes(
        self, strokes: Iterable[Sequence[Point]], colour: str, width: float, **attributes: object
    ) -> None:
        """Add open lines of one colour and width."""
        data = lines(strokes)
        if data:
            self.element("path", d=data, fill="none", stroke=colour, stroke_width=number(width), **attributes)

    def contour(self, shape: Shape, colour: str, width: float, **attributes: object) -> None:
        """Add the outline of a shape."""
        self.element(
            "path",
            d=outline(shape.rings),
            fill="none",
            stroke=colour,
            stroke_width=number(width),
            **attributes,
        )

    def dots(self, points: Sequence[Point], colour: str, width: float) -> None:
        """Add round dots of one colour and diameter."""
        if points:
            self.element(
                "path", d=dots(points), stroke=colour, stroke_width=number(width), stroke_linecap="round"
            )

    def open_clip(self, rings: Rings) -> None:
        """Start a group of which only the part within an area shows."""
        name = self._name()
        self._parts.append(
            f'<clipPath id="{name}"><path d="{outline(rings)}" clip-rule="evenodd"/></clipPath><g clip-path="url(#{name})">'
        )

    def open_group(self, **attributes: object) -> None:
        """Start a group with shared attributes."""
        self._parts.append(f"<g{_attributes(attributes)}>")

    def close(self) -> None:
        """End a group."""
        self._parts.append("</g>")

    def gradient(
        self,
        stops: Sequence[tuple[float, str]],
        *,
        direction: tuple[float, float, float, float] = (0, 0, 0, 1),
    ) -> str:
        """Define a linear gradient over a shape's box and return the paint that names it."""
        name = self._name()
        x1, y1, x2, y2 = direction
        marks = "".join(f'<stop offset="{offset}" stop-color="{colour}"/>' for offset, colour in stops)
        self._parts.append(
            f'<linearGradient id="{name}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}">{marks}</linearGradient>'
        )
        return f"url(#{name})"

    def _name(self) -> str:
        self._names += 1
        return f"n{self._names}"


def palette(colours: Colours, dice: Dice) -> dict[str, str]:
    """Return one colour for each role, by chance where a style offers several."""
    return {
        role: colour if isinstance(colour, str) else dice.pick(colour) for role, colour in colours.items()
    }


def mix(first: str, second: str, share: float) -> str:
    """Return the colour between two ``#rrggbb`` colours, ``share`` being that of the second."""
    pairs = ((int(first[i : i + 2], 16), int(second[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{int(a + (b - a) * share + 0.5):02x}" for a, b in pairs)


def darker(colour: str, share: float) -> str:
    """Return a colour nearer to black."""
    return mix(colour, "#000000", share)


def lighter(colour: str, share: float) -> str:
    """Return a colour nearer to white."""
    return mix(colour, "#ffffff", share)


def moved(rings: Rings, dx: float, dy: float) -> Rings:
    """Return outlines moved by a distance."""
    return tuple(tuple((x + dx, y + dy) for x, y in ring) for ring in rings)


def resampled(points: Sequence[Point], step: float) -> list[Point]:
    """Return points spaced evenly along a line, both ends included."""
    result = [points[0]]
    carried = 0.0
    for a, b in itertools.pairwise(points):
        length = distance(a, b)
        if length < 1e-9:
            continue
        at = step - carried
        while at < length:
            t = at / length
            result.append((a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])))
            at += step
        carried = length - (at - step)
    result.append(points[-1])
    return result


def wobbly(points: Sequence[Point], amount: float, dice: Dice, *, step: float = 9.0) -> list[Point]:
    """Return a line as an unsteady hand would follow it, off by up to ``amount``."""
    length = 0.0
    for a, b in itertools.pairwise(points):
        length += distance(a, b)
    # A small thing is followed in small steps, or a dot would come out as a splinter.
    step = min(step, max(1.5, length / 9))
    amount = min(amount, length / 14)
    dx = dy = 0.0
    result = []
    for x, y in resampled(points, step):
        dx = dx * 0.6 + dice.about(amount) * 0.4
        dy = dy * 0.6 + dice.about(amount) * 0.4
        result.append((x + dx, y + dy))
    return result


def edges(shape: Shape) -> list[Ring]:
    """Return the lines that draw a shape: its centre line where it is a thin line, else its closed outlines."""
    if shape.spine is not None and shape.width < 5:
        return [shape.spine]
    return [(*ring, ring[0]) for ring in shape.rings]


def gouge(points: Sequence[Point], width: float, *, fullest: float = 0.5) -> Ring:
    """Return a stroke that tapers to a point at both ends.

    Parameters
    ----------
    points:
        The centre line.
    width:
        Its greatest width.
    fullest:
        Where along the line it is widest, from 0 to 1.
    """
    last = len(points) - 1
    if last == 1:
        (ax, ay), (bx, by) = points
        points = (points[0], (ax + (bx - ax) * fullest, ay + (by - ay) * fullest), points[1])
        last = 2
    left: list[Point] = []
    right: list[Point] = []
    for i in range(1, last):
        (ax, ay), (bx, by), (x, y) = points[i - 1], points[i + 1], points[i]
        t = fullest if last == 2 else i / last
        swell = t / fullest if t <= fullest else (1 - t) / (1 - fullest)
        half = width / 2 * min(1.0, 0.25 + swell)
        length = max(distance((ax, ay), (bx, by)), 1e-6)
        nx, ny = -(by - ay) / length * half, (bx - ax) / length * half
        left.append((x + nx, y + ny))
        right.append((x - nx, y - ny))
    return (points[0], *left, points[-1], *reversed(right))
