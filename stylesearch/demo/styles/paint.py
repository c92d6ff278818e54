"""Styles of loose colour: watercolour, chalk, crayon, points of paint."""

from __future__ import annotations

from stylesearch.demo.geometry import SIZE, Dice, Point, Ring, Rings, Shape, cosine, sine
from stylesearch.demo.shading import hatch, lit_half, topmost
from stylesearch.demo.styles.sheet import TONES, Colours, Sheet, darker, edges, lighter, mix, palette, wobbly

_ROUND: dict[str, object] = {"stroke_linecap": "round", "stroke_linejoin": "round"}

_RAG = "#fbf8f0"
_EDGE: Ring = ((0, 0), (SIZE, 0), (SIZE, SIZE), (0, SIZE))

_WASH: Colours = {
    "sky": ("#8cc0e4", "#a9c6ea", "#f0c9a8"), "light": "#fdfaf2", "glow": "#f6e3a0", "wall": "#ead9bd", "accent": "#f0ac2e", "second": "#e0806a",
    "water": "#3b8db5", "ground": ("#9db84f", "#d0a561"), "hill": "#8dbb8f", "stone": "#8f93a3", "main": ("#d03a4c", "#3a62ac", "#c2552a"),
    "leaf": "#468a45", "wood": "#7d5436", "roof": "#b84a33", "glass": "#6d8fa8", "shadow": "#6a6f8a", "dark": "#45465a",
}  # fmt: skip


def _bled(rings: Rings, amount: float, dice: Dice) -> Rings:
    """Return outlines as wet paint would spread from them."""
    return tuple(tuple(wobbly((*ring, ring[0]), amount, dice, step=14)[:-1]) for ring in rings)


def watercolour(shapes: list[Shape], dice: Dice) -> str:
    """Thin washes laid over each other, with bled edges, blooms and a rim where the paint dried."""
    colours = palette(_WASH, dice)
    sheet = Sheet()
    sheet.paper(_RAG)
    for index, shape in enumerate(shapes):
        colour = colours[shape.role]
        if shape.spine is not None and shape.width < 7:
            sheet.strokes([wobbly(shape.spine, 1.6, dice)], colour, shape.width * 1.2, opacity=0.8, **_ROUND)
        elif shape.role in ("glow", "shadow"):
            for _ in range(3):
                sheet.soft_area(_bled(shape.rings, 5, dice), colour, opacity=0.16)
        else:
            _wash(sheet, shape, colour, colours, dice, first=index == 0)
    _spatter(sheet, colours["main"], dice)
    edge: Ring = ((13, 13), (SIZE - 13, 13), (SIZE - 13, SIZE - 13), (13, SIZE - 13))
    for opacity in (0.55, 0.7, 1):
        sheet.area((_EDGE, *_bled((edge,), 8, dice)), _RAG, opacity=opacity)
    return sheet.body()


def _wash(
    sheet: Sheet, shape: Shape, colour: str, colours: dict[str, str], dice: Dice, *, first: bool
) -> None:
    """Paint one area: reserve it, wash it three times, deepen the shade, let it bloom and dry."""
    left, top, right, bottom = shape.bounds()
    size = min(right - left, bottom - top)
    if not first:
        sheet.soft_area(_bled(shape.rings, 1.5, dice), _RAG, opacity=0.86)
    loose = min(8.0, 1.5 + size * 0.045)
    for layer in range(3):
        tint = mix(colour, colours["water" if layer % 2 else "accent"], 0.08)
        rings = lit_half(shape.rings, dice.between(0, 360), 0.72) if first and layer else shape.rings
        sheet.soft_area(
            _bled(rings, loose * (4 if first else 1), dice), tint, opacity=f"{0.33 + 0.06 * layer:.2f}"
        )
    if size > 16:
        sheet.soft_area(_bled(lit_half(shape.rings, 50, 0.4), 5, dice), darker(colour, 0.25), opacity=0.2)
        _blooms(sheet, shape, colour, dice)
    if not first:
        rim = [wobbly((*ring, ring[0]), 2.2, dice, step=11) for ring in shape.rings]
        sheet.strokes(rim, darker(colour, 0.35), 1.4, opacity=0.5, **_ROUND)


def _blooms(sheet: Sheet, shape: Shape, colour: str, dice: Dice) -> None:
    """Drop clear water into a wash."""
    left, top, right, bottom = shape.bounds()
    sheet.open_clip(shape.rings)
    for _ in range(4):
        x, y = dice.between(left, right), dice.between(top, bottom)
        radius = dice.between(0.12, 0.3) * min(right - left, bottom - top)
        spots = []
        for a in range(0, 360, 20):
            reach = radius * dice.between(0.8, 1.2)
            spots.append((x + reach * cosine(a), y + reach * sine(a)))
        tint = lighter(colour, 0.55) if dice.chance(0.65) else darker(colour, 0.2)
        sheet.soft_area((tuple(spots),), tint, opacity=0.16, stroke=darker(colour, 0.15), stroke_width=0.7)
    sheet.close()


def _spatter(sheet: Sheet, colour: str, dice: Dice) -> None:
    """Flick a few drops off the brush."""
    for _ in range(26):
        place = {"cx": int(dice.between(6, 394)), "cy": int(dice.between(6, 394))}
        sheet.element("circle", **place, r=f"{dice.between(0.6, 2.6):.1f}", fill=colour, opacity=0.28)


_CHALK: Colours = {
    "sky": "#8fb6c9", "light": "#f3f3ea", "glow": "#f4e9a6", "wall": "#e6dcc6", "accent": "#f2d95c", "second": "#f0a8a0", "water": "#7fb4d6",
    "ground": "#9cc08d", "hill": "#84ab8e", "stone": "#b9bcc2", "main": ("#f08a8a", "#f2a65e"), "leaf": "#8fce8b", "wood": "#d2a679", "roof": "#e58f7b",
    "glass": "#a9cbe0", "shadow": "#6f8178", "dark": "#dfe6e0",
}  # fmt: skip


def chalk(shapes: list[Shape], dice: Dice) -> str:
    """Dusty broken chalk on a wiped blackboard."""
    board = "#22332c"
    colours = palette(_CHALK, dice)
    sheet = Sheet()
    sheet.paper(board)
    for _ in range(9):
        x, y, tilt = dice.between(40, 360), dice.between(40, 360), int(dice.about(25))
        sheet.element("ellipse", cx=int(x), cy=int(y), rx=int(dice.between(60, 140)), ry=int(dice.between(16, 36)), fill="#ffffff", opacity=0.03,
                      transform=f"rotate({tilt} {int(x)} {int(y)})")  # fmt: skip
    for index, shape in enumerate(shapes):
        if index == 0 and shape.role == "sky":
            continue
        colour = colours[shape.role]
        left, top, right, bottom = shape.bounds()
        size = min(right - left, bottom - top)
        if shape.role != "glow" and index:
            sheet.area(shape.rings, board, opacity=0.92)
        if size > 8 and shape.role != "dark":
            strokes = [
                wobbly(line, 1.6, dice, step=16)
                for line in hatch(shape.rings, 122 + dice.about(10), 5.2 if size > 30 else 3.6, dice=dice)
            ]
            dash = f"{int(dice.between(9, 16))} 1.5 {int(dice.between(4, 8))} 2.5"
            opacity = 0.5 if shape.setting else 0.8
            # Each stroke breaks elsewhere, or the gaps would line up into a second hatching.
            for first in range(3):
                sheet.strokes(
                    strokes[first::3],
                    colour,
                    2.9,
                    stroke_dasharray=dash,
                    stroke_dashoffset=first * 7,
                    opacity=opacity,
                )
        if shape.role in ("glow", "shadow"):
            continue
        for width, opacity, dash in ((3.4, 0.35, "3 1.6"), (2.0, 0.8, "7 1 2 1.4"), (1.3, 0.75, "1.2 1.6")):
            sheet.strokes(
                (wobbly(edge, 1.9, dice) for edge in edges(shape)),
                lighter(colour, 0.35),
                width,
                opacity=opacity,
                stroke_dasharray=dash,
            )
    specks = [(dice.between(0, SIZE), dice.between(0, SIZE)) for _ in range(420)]
    sheet.open_group(opacity=0.3)
    sheet.dots(specks, "#ffffff", 0.9)
    sheet.close()
    return sheet.body()


_WAX: Colours = {
    "sky": ("#7cc6ee", "#f7b7c5", "#9fe0d0"), "light": "#fffdf5", "glow": "#ffe873", "wall": "#ffe0b0", "accent": "#ffc400", "second": "#ff8a3c",
    "water": "#2f83d6", "ground": ("#63b746", "#d59a55"), "hill": "#a5cf4f", "stone": "#9a93b8", "main": ("#ea2f3c", "#a23bb8", "#ef4f9b"),
    "leaf": "#1f9447", "wood": "#8f5327", "roof": "#c4352d", "glass": "#3c64c8", "shadow": "#8a7a9a", "dark": "#2b2540",
}  # fmt: skip


def crayon(shapes: list[Shape], dice: Dice) -> str:
    """Thick waxy scribble, back and forth, that leaves paper showing."""
    colours = palette(_WAX, dice)
    sheet = Sheet()
    sheet.paper("#fdf8ea")
    for index, shape in enumerate(shapes):
        colour = colours[shape.role]
        left, top, right, bottom = shape.bounds()
        size = min(right - left, bottom - top)
        if shape.spine is not None and shape.width < 7:
            sheet.strokes(
                [wobbly(shape.spine, 2, dice)], colour, max(3.2, shape.width), opacity=0.9, **_ROUND
            )
            continue
        if index and shape.role != "glow":
            sheet.area(shape.rings, "#fdf8ea")
        pitch = 6.4 if size > 40 else 4.2
        angle = 138 + dice.about(22) if index else 158
        for turn, width, opacity in ((0, pitch * 0.92, 0.62), (16, pitch * 0.55, 0.5)):
            paint = colour if turn == 0 else darker(colour, 0.1)
            sheet.strokes(
                _scribble(shape.rings, angle + turn, pitch * (1 if turn == 0 else 1.7), dice),
                paint,
                width,
                opacity=opacity,
                **_ROUND,
            )
        if size > 24 and TONES[shape.role] > 0.2:
            deep = lit_half(shape.rings, 40, 0.35)
            sheet.strokes(
                _scribble(deep, angle - 40, pitch * 1.5, dice),
                darker(colour, 0.35),
                pitch * 0.5,
                opacity=0.45,
                **_ROUND,
            )
        if index and shape.role not in ("glow", "shadow"):
            for width, opacity in ((3.6, 0.75), (2.2, 0.6)):
                sheet.strokes(
                    (wobbly(edge, 2.6, dice) for edge in edges(shape)),
                    darker(colour, 0.38),
                    width,
                    opacity=opacity,
                    **_ROUND,
                )
    return sheet.body()


def _scribble(rings: Rings, angle: float, pitch: float, dice: Dice) -> list[list[Point]]:
    """Return hatching joined end to end where one stroke runs into the next."""
    strokes: list[list[Point]] = []
    back = False
    for start, end in hatch(rings, angle, pitch, dice=dice):
        line = wobbly((end, start) if back else (start, end), 1.8, dice, step=24)
        last = strokes[-1][-1] if strokes else None
        if last is not None and abs(last[0] - line[0][0]) + abs(last[1] - line[0][1]) < pitch * 2.6:
            strokes[-1].extend(line)
        else:
            strokes.append(line)
        back = not back
    return strokes


_POINTS: Colours = {
    "sky": ("#a9cdf0", "#c4d4f2"), "light": "#fff8ea", "glow": "#ffeaa0", "wall": "#f4dfb4", "accent": "#f6b73c", "second": "#ef8a62",
    "water": "#3d7fc4", "ground": ("#8dbb4f", "#d3b070"), "hill": "#8fb986", "stone": "#9b8fb5", "main": ("#d8443f", "#c94f8a"),
    "leaf": "#3f8f4a", "wood": "#7c4f3a", "roof": "#b5402f", "glass": "#3b5aa6", "shadow": "#5d4f96", "dark": "#2b2a63",
}  # fmt: skip
_BYPLAY = ("#f2933a", "#4a6fd0", "#e6d24a", "#c2549a", "#4aa58c")


def pointillist(shapes: list[Shape], dice: Dice) -> str:
    """Small separate dots, shaded with complementary colours, that mix in the eye."""
    colours = palette(_POINTS, dice)
    cells = 133
    grid = topmost(shapes, cells)
    step = SIZE / cells
    groups: dict[str, list[Point]] = {}
    pitch = 5.0
    for row in range(int(SIZE / pitch) + 1):
        for column in range(int(SIZE / pitch) + 1):
            x = (column + (0.5 if row % 2 else 0.0)) * pitch + dice.about(2.2)
            y = row * pitch + dice.about(2.2)
            shape = shapes[grid[min(max(int(y / step), 0), cells - 1)][min(max(int(x / step), 0), cells - 1)]]
            groups.setdefault(
                _point_colour(colours[shape.role], shape.shade(x, y), shape.setting, dice), []
            ).append((x, y))
    sheet = Sheet()
    sheet.paper("#efe3cb")
    for colour, points in groups.items():
        sheet.dots(points, colour, 5.1 + dice.about(0.7))
    return sheet.body()


def _point_colour(base: str, shade: float, setting: bool, dice: Dice) -> str:
    """Return one dab: mostly the local colour, lighter in the light, violet in shadow, now and then its opposite."""
    if dice.chance(0.05 if setting else 0.09):
        return mix(base, dice.pick(_BYPLAY), 0.5)
    if dice.chance(abs(shade - 0.5) * (0.8 if setting else 1.5)):
        return mix(base, "#fff3c0", 0.42) if shade < 0.5 else mix(base, "#3a2f8a", 0.42)
    return lighter(base, 0.16) if dice.chance(0.35) else base
