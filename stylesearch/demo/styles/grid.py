"""Styles laid out on a grid: mosaic, cross-stitch, halftone."""

from __future__ import annotations

from stylesearch.demo.geometry import SIZE, Dice, Point, Ring, Shape, cosine, sine
from stylesearch.demo.shading import topmost
from stylesearch.demo.styles.sheet import TONES, Colours, Sheet, darker, lighter, mix, outline, palette

_TESSERAE: Colours = {
    "sky": ("#d9b24c", "#d9b24c", "#7ea6b8"), "light": "#f3ead3", "glow": "#f2dc8c", "wall": "#e2cfa6", "accent": "#e9a92c", "second": "#c97b4a",
    "water": "#23748f", "ground": ("#7d8f4e", "#a97c50"), "hill": "#9aa05a", "stone": "#8b8a8c", "main": ("#a52a2a", "#274e8c"),
    "leaf": "#2f6f4f", "wood": "#6a4630", "roof": "#8e3324", "glass": "#1f3f66", "shadow": "#5a4a3c", "dark": "#26222a",
}  # fmt: skip


def mosaic(shapes: list[Shape], dice: Dice) -> str:
    """Uneven stone and gold cubes set in mortar, darker along each contour."""
    colours = palette(_TESSERAE, dice)
    cells = 50
    grid = topmost(shapes, cells)
    step = SIZE / cells
    groups: dict[str, list[Ring]] = {}
    for row in range(cells):
        for column in range(cells):
            shape = shapes[grid[row][column]]
            x, y = (column + 0.5) * step + dice.about(0.5), (row + 0.5) * step + dice.about(0.5)
            base = colours[shape.role]
            if _on_contour(grid, row, column) and not shape.setting:
                base = darker(base, 0.28)
            shade = shape.shade(x, y)
            tint = (
                lighter(base, 0.22)
                if dice.chance(0.75 - shade)
                else darker(base, 0.14)
                if dice.chance(shade - 0.15)
                else base
            )
            if shape.role == "sky" and dice.chance(0.1):
                tint = mix(base, "#fff6c9", 0.55)
            half, turn = step * 0.43 + dice.about(0.35), dice.about(11)
            cos, sin = half * cosine(turn), half * sine(turn)
            cube = (
                (x - cos + sin, y - sin - cos),
                (x + cos + sin, y + sin - cos),
                (x + cos - sin, y + sin + cos),
                (x - cos - sin, y - sin + cos),
            )
            groups.setdefault(tint, []).append(cube)
    sheet = Sheet()
    sheet.paper("#4a433b")
    for colour, cubes in groups.items():
        sheet.element("path", d=outline(cubes), fill=colour)
    return sheet.body()


def _on_contour(grid: list[list[int]], row: int, column: int) -> bool:
    """Tell whether a cell's neighbour belongs to something drawn further back."""
    own = grid[row][column]
    last = len(grid) - 1
    around = (
        (row, min(column + 1, last)),
        (row, max(column - 1, 0)),
        (min(row + 1, last), column),
        (max(row - 1, 0), column),
    )
    return any(grid[r][c] < own for r, c in around)


_THREADS: Colours = {
    "sky": "", "light": "#ffffff", "glow": "#f7e6a6", "wall": "#f0cfa5", "accent": "#f0b429", "second": "#e58fa0", "water": "#5a9bd0",
    "ground": ("#79ab5c", "#c08f5c"), "hill": "#a3c585", "stone": "#9a9ca6", "main": ("#c8263f", "#b0307a", "#2f5fb0"), "leaf": "#2f8048", "wood": "#7a4b2d",
    "roof": "#a8353a", "glass": "#3e62a8", "shadow": "#a89a86", "dark": "#3a2c3f",
}  # fmt: skip


_STITCHES, _STITCH = 57, 7


def cross_stitch(shapes: list[Shape], dice: Dice) -> str:
    """Crosses of thread on linen within a stitched border; the sky is left bare."""
    colours = palette(_THREADS, dice)
    cells, step = _STITCHES, _STITCH
    grid = topmost(shapes, cells)
    groups: dict[str, list[Point]] = {}
    for row in range(5, cells - 5):
        for column in range(5, cells - 5):
            shape = shapes[grid[row][column]]
            colour = colours[shape.role]
            if not colour:
                continue
            if _on_contour(grid, row, column) and not shape.setting:
                colour = darker(colour, 0.35)
            elif shape.shade(column * step, row * step) > 0.62 and TONES[shape.role] > 0.2:
                colour = darker(colour, 0.13)
            groups.setdefault(colour, []).append((column * step, row * step))
    _stitch_border(groups, colours)
    sheet = Sheet()
    sheet.paper("#ece2cd")
    weave = [((i, 0), (i, SIZE)) for i in range(0, SIZE, step)] + [
        ((0, i), (SIZE, i)) for i in range(0, SIZE, step)
    ]
    sheet.strokes(weave, "#cdbfa2", 1)
    for colour, places in groups.items():
        under = "".join(f"M{int(x) + 1} {int(y) + 1}l6 6" for x, y in places)
        over = "".join(f"M{int(x) + 7} {int(y) + 1}l-6 6" for x, y in places)
        sheet.element("path", d=under, stroke=darker(colour, 0.22), stroke_width=2.7, stroke_linecap="round")
        sheet.element("path", d=over, stroke=colour, stroke_width=2.7, stroke_linecap="round")
    return sheet.body()


def _stitch_border(groups: dict[str, list[Point]], colours: dict[str, str]) -> None:
    """Add the stitches of the border."""
    cells, step = _STITCHES, _STITCH
    for place in range(1, cells - 1):
        colour = colours["main"] if place % 4 < 2 else colours["leaf"]
        for near in (1, cells - 2):
            groups.setdefault(colour, []).extend(((place * step, near * step), (near * step, place * step)))
        if place % 4 == 1 and 2 < place < cells - 3:
            for near in (3, cells - 4):
                groups.setdefault(colours["accent"], []).extend(
                    ((place * step, near * step), (near * step, place * step))
                )


_PRESS: Colours = {
    "sky": ("#7fd6f2", "#ffd84d", "#ff9ec4"), "light": "#ffffff", "glow": "#fff4a8", "wall": "#fff1d6", "accent": "#ffd500", "second": "#ff8fb8",
    "water": "#19b5e8", "ground": ("#7ed957", "#ffb347"), "hill": "#b6ec8f", "stone": "#c3c7d6", "main": ("#ff2e4c", "#ff2e88"), "leaf": "#2fbf5b", "wood": "#c4803f",
    "roof": "#f0433a", "glass": "#5aa9ff", "shadow": "#5b4b8a", "dark": "#17141f",
}  # fmt: skip


def halftone(shapes: list[Shape], dice: Dice) -> str:
    """Bright comic colours under a turned screen of dots that swell into the shade, with heavy black outlines."""
    colours = palette(_PRESS, dice)
    sheet = Sheet()
    sheet.paper(colours["sky"])
    for index, shape in enumerate(shapes):
        base = colours[shape.role]
        if shape.role in ("shadow", "glow"):
            sheet.area(shape.rings, base, opacity=0.55)
            continue
        if shape.spine is not None and shape.width < 6:
            sheet.strokes(
                [shape.spine], "#111018" if shape.role != "light" else "#ffffff", max(2.6, shape.width)
            )
            continue
        sheet.area(shape.rings, base)
        left, top, right, bottom = shape.bounds()
        size = min(right - left, bottom - top)
        if size > 18 and shape.role != "dark":
            screen = (
                lighter(base, 0.72)
                if index == 0
                else darker(base, 0.42)
                if TONES[shape.role] > 0.1
                else "#8fd3ff"
            )
            _screen(sheet, shape, screen, 8.4 if size > 40 else 6.0)
        if index and not (shape.setting and shape.role == "light" and size < 8):
            sheet.contour(shape, "#111018", 4.6 if size > 40 else 2.8, stroke_linejoin="round")
    sheet.element(
        "rect", x=4, y=4, width=SIZE - 8, height=SIZE - 8, fill="none", stroke="#111018", stroke_width=8
    )
    return sheet.body()


def _screen(sheet: Sheet, shape: Shape, colour: str, pitch: float) -> None:
    """Lay a screen of dots over a shape, larger towards its shaded side."""
    left, top, right, bottom = shape.bounds()
    cos, sin = cosine(35), sine(35)
    corners = [(x, y) for x in (max(left, 0), min(right, SIZE)) for y in (max(top, 0), min(bottom, SIZE))]
    columns = [(x * cos + y * sin) / pitch for x, y in corners]
    rows = [(y * cos - x * sin) / pitch for x, y in corners]
    sizes: dict[int, list[Point]] = {}
    for row in range(int(min(rows)) - 1, int(max(rows)) + 2):
        for column in range(int(min(columns)) - 1, int(max(columns)) + 2):
            x, y = (column * cos - row * sin) * pitch, (column * sin + row * cos) * pitch
            if not (max(left, 0) < x < min(right, SIZE) and max(top, 0) < y < min(bottom, SIZE)):
                continue
            shade = shape.shade(x, y) if shape.role != "sky" else 1 - y / SIZE
            level = int((shade - 0.22) * 9)
            if level > 0:
                sizes.setdefault(level, []).append((x, y))
    sheet.open_clip(shape.rings)
    for level, points in sizes.items():
        sheet.dots(points, colour, pitch * (0.2 + 0.11 * level))
    sheet.close()
