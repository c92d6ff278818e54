"""Styles of flat areas: poster, paper cut-out, art deco, stained glass."""

from __future__ import annotations

from stylesearch.demo.geometry import SIZE, Dice, Ring, Rings, Shape, arc, smoothed
from stylesearch.demo.shading import hatch, lit_half
from stylesearch.demo.styles.sheet import Colours, Sheet, darker, lighter, mix, moved, palette, resampled

_SHEET: Ring = ((0, 0), (SIZE, 0), (SIZE, SIZE), (0, SIZE))

_POSTER: Colours = {
    "sky": ("#f7e3b5", "#f9d8a8"), "light": "#fff6e0", "glow": "#fbe7a1", "wall": "#fbead0", "accent": "#f2b01e", "second": "#f08a5d",
    "water": "#2a9d9c", "ground": ("#7fb069", "#e8a15b"), "hill": "#f3c06b", "stone": "#8d99a6", "main": ("#e4572e", "#d7263d"),
    "leaf": "#2f7d5b", "wood": "#6b4226", "roof": "#b23a48", "glass": "#1f4e79", "shadow": "#4b4a59", "dark": "#1d2d44",
}  # fmt: skip


def poster(shapes: list[Shape], dice: Dice) -> str:
    """Bold flat colours with one hard shadow on each body and a disc behind."""
    colours = palette(_POSTER, dice)
    sheet = Sheet()
    sheet.paper(colours["sky"])
    disc = mix(colours["sky"], colours["accent"], 0.45)
    for index, shape in enumerate(shapes):
        if shape.role == "sky" and index == 0:
            sheet.element("circle", cx=200, cy=190, r=150, fill=disc)
            continue
        fill = colours[shape.role]
        if shape.role in ("glow", "shadow"):
            sheet.area(shape.rings, fill, opacity=0.45)
            continue
        left, top, right, bottom = shape.bounds()
        size = min(right - left, bottom - top)
        if shape.setting or size < 14 or shape.spine is not None:
            sheet.area(shape.rings, fill)
            continue
        sheet.area(shape.rings, darker(fill, 0.2))
        sheet.open_clip(shape.rings)
        sheet.area(moved(shape.rings, -0.17 * size, -0.06 * size), fill)
        sheet.close()
    return sheet.body()


_PAPER: Colours = {
    "sky": ("#bfe0e2", "#f6d5c8", "#d9d2ec"), "light": "#ffffff", "glow": "#fff3c4", "wall": "#f8efe4", "accent": "#f6c453", "second": "#f2a0a1",
    "water": "#6fb7c9", "ground": ("#a8cfa0", "#e3c3a1"), "hill": "#c8dfb4", "stone": "#b3b7c6", "main": ("#e96f6f", "#5b8fb9"),
    "leaf": "#5fa777", "wood": "#a9785a", "roof": "#c9656b", "glass": "#7aa7c7", "shadow": "#8f8a99", "dark": "#4d4763",
}  # fmt: skip


def _scissored(rings: Rings, dice: Dice) -> Rings:
    """Return outlines as scissors would leave them, in short straight snips."""
    result = []
    for ring in rings:
        left, right = min(x for x, _ in ring), max(x for x, _ in ring)
        snip = min(13.0, max(2.0, (right - left) * 0.3))
        points = ring if len(ring) <= 8 else tuple(resampled((*ring, ring[0]), snip)[:-1])
        result.append(
            tuple((x + dice.about(0.9), y + dice.about(0.9)) for x, y in points) if len(points) > 2 else ring
        )
    return tuple(result)


def papercut(shapes: list[Shape], dice: Dice) -> str:
    """Layers of coloured paper, each casting a soft shadow, in a stepped frame."""
    colours = palette(_PAPER, dice)
    sheet = Sheet()
    sheet.paper(colours["sky"])
    for index, shape in enumerate(shapes):
        if index == 0 and shape.role == "sky":
            continue
        rings = _scissored(shape.rings, dice)
        left, top, right, bottom = shape.bounds()
        lift = 1.0 if min(right - left, bottom - top) > 16 else 0.55
        if shape.role in ("shadow", "glow"):
            sheet.area(rings, colours[shape.role], opacity=0.35)
            continue
        for far, opacity in ((6, 0.07), (4.4, 0.09), (2.8, 0.11), (1.4, 0.13)):
            sheet.area(moved(rings, far * lift, far * 1.2 * lift), "#2b2140", opacity=opacity)
        sheet.area(rings, colours[shape.role], stroke=lighter(colours[shape.role], 0.4), stroke_width=0.8)
    frame = dice.pick(("#f2a0a1", "#7fb7be", "#f0b67f", "#a89bd0"))
    for step, colour in ((34, lighter(frame, 0.62)), (22, lighter(frame, 0.34)), (11, frame)):
        bumps = tuple(
            (200 + (200 - step + dice.about(4)) * cx, 200 + (200 - step + dice.about(4)) * cy)
            for cx, cy in _FRAME
        )
        hole = smoothed(bumps, closed=True, steps=5)
        for far, opacity in ((6, 0.08), (4, 0.1), (2, 0.13)):
            sheet.area((_SHEET, moved((hole,), far, far)[0]), "#2b2140", opacity=opacity)
        sheet.area((_SHEET, hole), colour, stroke=lighter(colour, 0.4), stroke_width=0.8)
    return sheet.body()


_FRAME = (
    *((-0.97 + i * 0.2155, -1.0) for i in range(10)), *((1.0, -0.97 + i * 0.2155) for i in range(10)),
    *((0.97 - i * 0.2155, 1.0) for i in range(10)), *((-1.0, 0.97 - i * 0.2155) for i in range(10)),
)  # fmt: skip

_DECO: Colours = {
    "sky": "#10202e", "light": "#f4e7c3", "glow": "#e9cf82", "wall": "#d9c38f", "accent": "#e0b04a", "second": "#2f7f7a",
    "water": ("#145a63", "#1b4f72"), "ground": "#23374a", "hill": "#1d4450", "stone": "#5d6b78", "main": ("#a8323e", "#1f8a83", "#b5562f"),
    "leaf": "#2c6e5b", "wood": "#7d5a2e", "roof": "#8a2f3b", "glass": "#0f3b4d", "shadow": "#0a141d", "dark": "#14181f",
}  # fmt: skip


def deco(shapes: list[Shape], dice: Dice) -> str:
    """Metallic gradients with gold edges before a fan of rays, in a stepped gold border."""
    colours = palette(_DECO, dice)
    gold = "#d8ae55"
    sheet = Sheet()
    sheet.paper(colours["sky"])
    ray = sheet.gradient([(0, "#0c1822"), (1, "#b08a3e")])
    for i in range(17):
        a = 180 + i * 180 / 16
        near, far = arc(200, 300, 20, 20, a - 2.4, a + 2.4, 1), arc(200, 300, 420, 420, a - 2.4, a + 2.4, 1)
        sheet.area(((*near, *reversed(far)),), ray, opacity=0.75)
    for radius in (120, 128, 170):
        sheet.element(
            "circle", cx=200, cy=300, r=radius, fill="none", stroke=gold, stroke_width=1, opacity=0.6
        )
    for index, shape in enumerate(shapes):
        if index == 0 and shape.role == "sky":
            continue
        base = colours[shape.role]
        if shape.role in ("glow", "shadow"):
            sheet.area(shape.rings, base, opacity=0.3 if shape.role == "glow" else 0.7)
            continue
        left, top, right, bottom = shape.bounds()
        size = min(right - left, bottom - top)
        if size < 9 or (shape.spine is not None and shape.width < 7):
            sheet.area(shape.rings, gold if shape.role in ("light", "stone") else base)
            continue
        across = (0, 0, 1, 0) if bottom - top > (right - left) * 0.8 else (0, 0, 0, 1)
        paint = sheet.gradient(
            [(0, darker(base, 0.35)), (0.32, lighter(base, 0.38)), (0.5, base), (1, darker(base, 0.5))],
            direction=across,
        )
        sheet.area(shape.rings, paint, stroke=gold, stroke_width=1.6 if size > 24 else 0.9)
    for inset, width in ((7, 5), (15, 1.4), (20, 1.4)):
        corner = inset + 22
        start, end = inset, SIZE - inset
        steps = ((corner, start), (SIZE - corner, start), (SIZE - corner, corner - 11), (end - 11, corner - 11), (end - 11, corner), (end, corner),
                 (end, SIZE - corner), (end - 11, SIZE - corner), (end - 11, SIZE - corner + 11), (SIZE - corner, SIZE - corner + 11), (SIZE - corner, end),
                 (corner, end), (corner, SIZE - corner + 11), (start + 11, SIZE - corner + 11), (start + 11, SIZE - corner), (start, SIZE - corner),
                 (start, corner), (start + 11, corner), (start + 11, corner - 11), (corner, corner - 11))  # fmt: skip
        if inset == 7:
            sheet.area((_SHEET, steps), "#0b1219")
        sheet.element(
            "path",
            d="M" + " ".join(f"{x},{y}" for x, y in steps) + "z",
            fill="none",
            stroke=gold,
            stroke_width=width,
        )
    return sheet.body()


_GLASS: Colours = {
    "sky": ("#3b7fd1", "#4a6fd8", "#6a5acd"), "light": "#eaf3ff", "glow": "#ffe680", "wall": "#f3d9a0", "accent": "#ffc21a", "second": "#ff7f3f",
    "water": "#0f8f9e", "ground": ("#3f9a45", "#a5682a"), "hill": "#6fb53a", "stone": "#8c83b5", "main": ("#d3123a", "#c2185b"),
    "leaf": "#138a4b", "wood": "#8a4b1f", "roof": "#a3182b", "glass": "#1f3fae", "shadow": "#33306b", "dark": "#2a1a4a",
}  # fmt: skip
_LEAD = "#0d0c10"


def stained_glass(shapes: list[Shape], dice: Dice) -> str:
    """Jewel-coloured panes between thick black leads."""
    colours = palette(_GLASS, dice)
    sheet = Sheet()
    sheet.paper(_LEAD)
    for index, shape in enumerate(shapes):
        base = colours[shape.role]
        left, top, right, bottom = shape.bounds()
        size = min(right - left, bottom - top)
        if shape.role in ("shadow", "glow"):
            sheet.area(shape.rings, base, opacity=0.5)
            continue
        if size < 7 or (shape.spine is not None and shape.width < 7):
            sheet.area(shape.rings, _LEAD if shape.role in ("dark", "stone", "wood") else base)
            continue
        sheet.area(shape.rings, base)
        sheet.open_clip(shape.rings)
        if size > 60:
            _panes(sheet, shape.rings, base, dice, spread=0.3 if index == 0 else 0.2)
        sheet.area(lit_half(shape.rings, 225, 0.45), "#ffffff", opacity=0.16)
        sheet.close()
        sheet.contour(shape, _LEAD, 5.5 if size > 26 else 3, stroke_linejoin="round")
    sheet.element(
        "rect", x=4, y=4, width=SIZE - 8, height=SIZE - 8, fill="none", stroke=_LEAD, stroke_width=9
    )
    return sheet.body()


def _panes(sheet: Sheet, rings: Rings, base: str, dice: Dice, *, spread: float) -> None:
    """Tint the panes of a large area and lay the leads between them."""
    for angle in (18 + dice.about(14), 100 + dice.about(18)):
        wide = 74 + dice.about(10)
        for start, end in hatch(rings, angle, wide, dice=dice):
            tint = (
                lighter(base, dice.between(0.1, 0.35))
                if dice.chance(0.5)
                else darker(base, dice.between(0.1, spread))
            )
            sheet.strokes([(start, end)], tint, wide * 0.9, opacity=0.45)
    for angle in (14 + dice.about(16), 104 + dice.about(20)):
        sheet.strokes(hatch(rings, angle, 66, dice=dice), _LEAD, 4)
