"""Styles of lines: woodcut, ink, scratchboard, blueprint, op-art."""

from __future__ import annotations

from stylesearch.demo.geometry import SIZE, Dice, Ring, Shape
from stylesearch.demo.shading import arc_hatch, hatch, lit_half
from stylesearch.demo.styles.sheet import TONES, Sheet, edges, gouge, moved, outline, wobbly

_PAPER = "#f0e4c8"
_BLACK = "#17130f"
_ROUND: dict[str, object] = {"stroke_linecap": "round", "stroke_linejoin": "round"}


def woodcut(shapes: list[Shape], dice: Dice) -> str:
    """Black gouge marks over one block of colour, printed slightly out of register."""
    block = dice.pick(("#c2452d", "#c2452d", "#b8862b"))
    sheet = Sheet()
    sheet.paper(_PAPER)
    for index, shape in enumerate(shapes):
        tone = TONES[shape.role]
        if index == 0:
            _carved_sky(sheet, tone, dice)
            continue
        if shape.role == "glow":
            continue
        coloured = shape.role in ("main", "roof", "accent", "second")
        if tone > 0.7:
            sheet.area(shape.rings, _BLACK)
            continue
        sheet.area(shape.rings, _PAPER)
        if coloured:
            sheet.area(moved(shape.rings, 2, 1.5), block)
        left, top, right, bottom = shape.bounds()
        if min(right - left, bottom - top) > 9:
            centre = (
                ((left + right) / 2 + 40, bottom + 240)
                if index % 2
                else (left - 230, (top + bottom) / 2 - 60)
            )
            marks = [
                gouge(line, 0.7 + 4.2 * tone, fullest=0.7)
                for line in arc_hatch(shape.rings, centre, 6.6 - 1.6 * tone, dice=dice)
            ]
            sheet.area(tuple(marks) if tone > 0.02 else (), _BLACK)
            sheet.area(lit_half(shape.rings, 40, 0.13) if tone > 0.4 else (), _BLACK)
        sheet.strokes(
            (wobbly(edge, 1.4, dice) for edge in edges(shape)),
            _BLACK,
            max(3.4, shape.width if shape.width < 5 else 0),
            **_ROUND,
        )
    sheet.element(
        "rect", x=5, y=5, width=SIZE - 10, height=SIZE - 10, fill="none", stroke=_BLACK, stroke_width=7
    )
    return sheet.body()


def _carved_sky(sheet: Sheet, tone: float, dice: Dice) -> None:
    """Leave broken horizontal ridges where a sky was cleared away."""
    marks: list[Ring] = []
    for row in range(38):
        x = dice.between(-60, 10)
        while x < SIZE:
            length = dice.between(30, 110)
            y = 8 + row * 10.4 + dice.about(1.5)
            marks.append(
                gouge(
                    ((x, y), (x + length * 0.5, y + dice.about(2)), (x + length, y + dice.about(2))),
                    1.6 + 8 * tone,
                )
            )
            x += length + dice.between(6, 40)
    sheet.area(tuple(marks), _BLACK)


_PEN = "#1c1f2e"
_SMOOTH_PAPER = "#fdfdfb"


def ink(shapes: list[Shape], dice: Dice) -> str:
    """Wobbling pen lines on white, gone over twice, with pen hatching on the side away from the light."""
    sheet = Sheet()
    sheet.paper(_SMOOTH_PAPER)
    for index, shape in enumerate(shapes):
        left, top, right, bottom = shape.bounds()
        size = min(right - left, bottom - top)
        if shape.role == "glow" or (index == 0 and shape.role == "sky"):
            continue
        if shape.role == "shadow":
            sheet.strokes(
                (wobbly(line, 0.8, dice) for line in hatch(shape.rings, 4, 4, dice=dice)), _PEN, 1, **_ROUND
            )
        elif shape.role == "dark" and size < 40:
            sheet.area(shape.rings, _PEN)
        else:
            _pen_drawn(sheet, shape, size, dice)
    return sheet.body()


def _pen_drawn(sheet: Sheet, shape: Shape, size: float, dice: Dice) -> None:
    """Draw one shape: hide what is behind, hatch its shaded side, go round it."""
    tone = TONES[shape.role]
    if shape.spine is None or shape.width >= 5:
        sheet.area(shape.rings, _SMOOTH_PAPER)
    if size > 12 and tone > 0.1 and not (shape.setting and shape.role in ("ground", "hill")):
        spacing = 8.5 - 5 * tone
        layers = [(128, 0.3 + 0.4 * tone)] + [(62, 0.28)] * (tone > 0.55)
        for angle, share in layers:
            shaded = lit_half(shape.rings, 35, share)
            sheet.strokes(
                (wobbly(line, 0.7, dice, step=14) for line in hatch(shaded, angle, spacing, dice=dice)),
                _PEN,
                0.95,
                **_ROUND,
            )
    for edge in edges(shape):
        sheet.strokes([wobbly(edge, 2.6, dice)], _PEN, 1.9, **_ROUND)
        if size > 20:
            sheet.strokes([wobbly(edge, 3.4, dice)], _PEN, 0.8, **_ROUND)


def scratchboard(shapes: list[Shape], dice: Dice) -> str:
    """Fine white scratches on black that follow each body round, closest where the light falls."""
    white = "#f4f1e8"
    sheet = Sheet()
    sheet.paper("#0b0b0d")
    for index, shape in enumerate(shapes):
        bright = 1 - TONES[shape.role]
        left, top, right, bottom = shape.bounds()
        if index == 0:
            _scratched_sky(sheet, white, 1.0 if shape.role == "sky" else 0.8, dice)
            continue
        if shape.role == "shadow":
            sheet.area(shape.rings, "#0b0b0d")
            continue
        if shape.role != "glow":
            sheet.area(shape.rings, "#0b0b0d", stroke="#0b0b0d", stroke_width=3)
        if shape.spine is not None and shape.width < 5:
            sheet.strokes([shape.spine], white, max(1.0, shape.width * 0.6), opacity=0.35 + 0.65 * bright)
            continue
        spacing = 2.7 if max(right - left, bottom - top) < 150 else 3.2
        centre = (
            ((left + right) / 2 - 60, top - 190)
            if (index * 7 + len(shape.role)) % 3
            else (right + 200, (top + bottom) / 2)
        )
        marks = [
            gouge(line, 0.5 + 1.7 * bright, fullest=0.3)
            for line in arc_hatch(shape.rings, centre, spacing, dice=dice)
        ]
        sheet.area(tuple(marks), white)
        if bright > 0.3 and min(right - left, bottom - top) > 12:
            lit = lit_half(shape.rings, 215, 0.5)
            across = [gouge(line, 0.4 + 1.3 * bright, fullest=0.2) for line in hatch(lit, 32, 3.4, dice=dice)]
            sheet.area(tuple(across), white)
            sheet.contour(shape, white, 0.9)
        elif bright <= 0.05:
            sheet.contour(shape, white, 0.7)
    return sheet.body()


def _scratched_sky(sheet: Sheet, white: str, strength: float, dice: Dice) -> None:
    """Scatter short flecks that thin out towards the bottom."""
    marks: list[Ring] = []
    for _ in range(520):
        x, y = dice.between(0, SIZE), dice.between(0, SIZE)
        if dice.chance(y / SIZE * 0.75):
            continue
        length = dice.between(5, 17)
        marks.append(gouge(((x, y), (x + length, y - length * 0.35)), 1.1 * strength))
    sheet.area(tuple(marks), white)


def blueprint(shapes: list[Shape], _dice: Dice) -> str:
    """White construction lines on gridded blue, with centre lines and measured extents."""
    blue, white = "#1b4b91", "#eef5ff"
    sheet = Sheet()
    sheet.paper(blue)
    for step, width, opacity in ((10, 0.4, 0.22), (50, 0.7, 0.38)):
        grid = [((i, 0), (i, SIZE)) for i in range(0, SIZE + 1, step)] + [
            ((0, i), (SIZE, i)) for i in range(0, SIZE + 1, step)
        ]
        sheet.strokes(grid, white, width, opacity=opacity)
    body = [
        shape for shape in shapes if not shape.setting and shape.role not in ("shadow", "glow")
    ] or shapes[1:]
    boxes = [shape.bounds() for shape in body]
    left, top = min(b[0] for b in boxes), min(b[1] for b in boxes)
    right, bottom = max(b[2] for b in boxes), max(b[3] for b in boxes)
    for shape in shapes[1:]:
        if shape.role in ("shadow", "glow"):
            continue
        if shape.setting:
            sheet.strokes(edges(shape), white, 0.9, stroke_dasharray="7 4", opacity=0.7)
            continue
        if shape.spine is not None and shape.width < 5:
            sheet.strokes([shape.spine], white, 1.1)
            continue
        sheet.area(shape.rings, blue, opacity=0.9)
        if TONES[shape.role] > 0.64:
            sheet.strokes(hatch(shape.rings, 135, 5), white, 0.6, opacity=0.8)
        sheet.contour(shape, white, 1.8)
    cx, cy = (left + right) / 2, (top + bottom) / 2
    radius = min(max(right - left, bottom - top) / 2, 165.0)
    sheet.element(
        "circle",
        cx=f"{cx:.1f}",
        cy=f"{cy:.1f}",
        r=f"{radius:.1f}",
        fill="none",
        stroke=white,
        stroke_width=0.7,
        stroke_dasharray="14 4 2 4",
        opacity=0.85,
    )
    sheet.strokes(
        [((cx, 14), (cx, SIZE - 14)), ((14, cy), (SIZE - 14, cy))],
        white,
        0.7,
        stroke_dasharray="14 4 2 4",
        opacity=0.85,
    )
    _extents(
        sheet, white, (max(left, 30.0), max(top, 24.0), min(right, SIZE - 24.0), min(bottom, SIZE - 40.0))
    )
    sheet.element(
        "path",
        d="M8,8H392V392H8zM300,392V362H392M300,377H392M340,362V392",
        fill="none",
        stroke=white,
        stroke_width=1.6,
    )
    return sheet.body()


def _extents(sheet: Sheet, white: str, extent: tuple[float, float, float, float]) -> None:
    """Draw the arrows that measure width and height."""
    left, top, right, bottom = extent
    x, y = 20.0, SIZE - 20.0
    sheet.strokes([((x, top), (x, bottom)), ((left, y), (right, y)), ((x - 5, top), (x + 20, top)), ((x - 5, bottom), (x + 20, bottom)),
                   ((left, y - 20), (left, y + 5)), ((right, y - 20), (right, y + 5))], white, 0.9)  # fmt: skip
    heads = (((x, top), (x - 3, top + 9), (x + 3, top + 9)), ((x, bottom), (x - 3, bottom - 9), (x + 3, bottom - 9)),
             ((left, y), (left + 9, y - 3), (left + 9, y + 3)), ((right, y), (right - 9, y - 3), (right - 9, y + 3)))  # fmt: skip
    sheet.element("path", d=outline(heads), fill=white)


def op_art(shapes: list[Shape], dice: Dice) -> str:
    """Black and white stripes only; each area shows by the turn of its stripes."""
    turn = dice.about(8)
    sheet = Sheet()
    sheet.paper("#ffffff")
    for index, shape in enumerate(shapes):
        tone = TONES[shape.role]
        left, top, right, bottom = shape.bounds()
        size = min(right - left, bottom - top)
        if shape.role in ("shadow", "glow"):
            continue
        if index == 0:
            stripes = arc_hatch(shape.rings, (200 + dice.about(30), -260), 9)
            sheet.strokes(stripes, "#000000", 3.6)
            continue
        if shape.spine is not None and shape.width < 5:
            sheet.strokes([shape.spine], "#000000" if tone > 0.2 else "#ffffff", max(shape.width, 2.4))
            continue
        if size < 12 or tone > 0.9:
            sheet.area(
                shape.rings,
                "#000000" if tone > 0.3 else "#ffffff",
                stroke="#ffffff" if tone > 0.3 else "#000000",
                stroke_width=1.6,
            )
            continue
        sheet.area(shape.rings, "#ffffff", stroke="#ffffff", stroke_width=6, stroke_linejoin="round")
        angle = turn + _TURNS.get(shape.role, 60) + (24 if index % 2 and not shape.setting else 0)
        pitch = 6.0 if size > 30 else 4.4
        sheet.open_clip(shape.rings)
        if shape.role in ("main", "leaf", "accent"):
            centre = (
                (left + right) / 2 + dice.about(size * 0.15),
                (top + bottom) / 2 + dice.about(size * 0.15),
            )
            reach = max(right - left, bottom - top) * 0.75
            for ring in range(int(reach / (pitch * 1.2)) + 1):
                sheet.element("circle", cx=f"{centre[0]:.1f}", cy=f"{centre[1]:.1f}", r=f"{(ring + 0.4) * pitch * 1.2:.1f}", fill="none",
                              stroke="#000000", stroke_width=f"{pitch * 0.6:.1f}")  # fmt: skip
        else:
            sheet.strokes(hatch(shape.rings, angle, pitch), "#000000", pitch * (0.25 + 0.5 * tone))
        sheet.close()
        sheet.contour(shape, "#000000", 2.2)
    return sheet.body()


_TURNS = {
    "ground": 2,
    "hill": 24,
    "water": 0,
    "sky": 0,
    "wood": 88,
    "wall": 45,
    "roof": 118,
    "stone": 138,
    "second": 70,
    "light": 95,
    "glass": 30,
}
