"""Buildings."""

from __future__ import annotations

from stylesearch.demo.geometry import Dice, Shape, arc, blob, box, curve, oval, polygon, stroke
from stylesearch.demo.subjects.subject import Subject, outdoors, seaside, setting, shadow


def _lighthouse(dice: Dice) -> list[Shape]:
    shapes = seaside(dice, 270, clouds=1)
    shapes += [
        polygon("glow", (190, 92), (-60, 40), (-60, 140)),
        polygon("glow", (210, 92), (460, 40), (460, 140)),
    ]
    shapes += [
        blob("stone", (70, 352), (96, 308), (150, 292), (256, 290), (310, 314), (344, 356), (200, 372))
    ]
    for i in range(5):
        top, bottom = 122 + i * 36, 122 + (i + 1) * 36
        w0, w1 = 27 + i * 5, 27 + (i + 1) * 5
        shapes.append(
            polygon(
                "main" if i % 2 == 0 else "light",
                (200 - w0, top),
                (200 + w0, top),
                (200 + w1, bottom),
                (200 - w1, bottom),
            )
        )
    shapes += [
        box("dark", 160, 114, 80, 10),
        box("accent", 178, 76, 44, 38),
        stroke("dark", 3.5, (192, 76), (192, 114)),
        stroke("dark", 3.5, (208, 76), (208, 114)),
        Shape("main", (arc(200, 78, 30, 30, 180, 360, 20),)),
        stroke("dark", 4, (200, 48), (200, 30)),
    ]
    shapes += [
        polygon("dark", (186, 302), (186, 274), (192, 266), (208, 266), (214, 274), (214, 302)),
        box("dark", 194, 170, 12, 16),
        box("dark", 194, 218, 12, 16),
    ]
    shapes += [
        curve("light", 4, (50, 362), (84, 350), (110, 360), (140, 352)),
        curve("light", 4, (270, 360), (300, 350), (340, 362), (368, 354)),
    ]
    return shapes


def _house(dice: Dice) -> list[Shape]:
    shapes = outdoors(dice)
    shapes += [
        polygon("second", (182, 330), (218, 330), (262, 405), (130, 405)),
        box("stone", 248, 110, 28, 66),
    ]
    shapes += [box("wall", 108, 196, 184, 136), polygon("roof", (84, 204), (200, 104), (316, 204))]
    shapes += [box("wood", 182, 258, 38, 74), oval("accent", 212, 297, 3.5)]
    for x in (126, 238):
        shapes += [
            box("light", x, 226, 38, 44),
            box("glass", x + 4, 230, 13, 16),
            box("glass", x + 21, 230, 13, 16),
            box("glass", x + 4, 250, 13, 16),
            box("glass", x + 21, 250, 13, 16),
        ]
    shapes += [oval("light", 200, 168, 17), oval("glass", 200, 168, 12)]
    shapes += [oval("leaf", 98, 326, 30, 22), oval("leaf", 304, 326, 32, 24), oval("leaf", 332, 334, 22, 15)]
    shapes += [
        oval("main", x + dice.about(4), y, 4.5)
        for x, y in ((88, 320), (106, 330), (296, 322), (316, 326), (332, 332))
    ]
    return shapes


def _windmill(dice: Dice) -> list[Shape]:
    shapes = [*outdoors(dice), shadow(210, 334, 96, 10)]
    shapes += [
        polygon("wall", (166, 170), (234, 170), (262, 334), (138, 334)),
        box("second", 150, 246, 100, 9),
    ]
    shapes += [
        Shape("roof", (arc(200, 172, 44, 50, 180, 360, 20),)),
        polygon("wood", (184, 334), (184, 294), (192, 284), (208, 284), (216, 294), (216, 334)),
    ]
    shapes += [box("glass", 190, 200, 20, 24), box("glass", 190, 260, 20, 14)]
    tilt = 20 + dice.about(14)
    hub = (200.0, 150.0)
    for quarter in range(4):
        a = tilt + quarter * 90
        shapes.append(box("light", 205, 20, 30, 108).turned(a, hub))
        for k in range(1, 5):
            shapes.append(stroke("main", 2.6, (203, 20 + k * 21.6), (235, 20 + k * 21.6)).turned(a, hub))
        shapes.append(stroke("main", 2.6, (220, 20), (220, 128)).turned(a, hub))
        shapes.append(stroke("wood", 6, (202, 16), (202, 150)).turned(a, hub))
    shapes.append(oval("dark", 200, 150, 11))
    for x in (60, 90, 316, 346):
        shapes += [
            stroke("leaf", 3, (x, 372), (x, 342)),
            oval("main", x + dice.about(3), 338, 8),
            oval("accent", x, 338, 3),
        ]
    return shapes


def _bridge(dice: Dice) -> list[Shape]:
    shapes = outdoors(dice, 250)
    shapes += setting(polygon("water", (-10, 318), (410, 318), (410, 410), (-10, 410)))
    arches = [
        p
        for cx, r in ((92, 38), (200, 52), (308, 38))
        for p in ((cx - r, 352), *arc(cx, 300, r, r * 1.25, 180, 360, 16), (cx + r, 352))
    ]
    deck = ((430, 236), (310, 204), (200, 194), (90, 204), (-30, 236))
    shapes.append(polygon("stone", (-30, 352), *arches, (430, 352), *deck))
    for cx, r in ((92, 38), (200, 52), (308, 38)):
        shapes.append(stroke("wall", 9, *arc(cx, 300, r + 4, (r + 4) * 1.22, 180, 360, 16)))
    shapes.append(curve("wall", 13, *deck))
    for x, y in ((30, 208), (145, 182), (255, 182), (370, 208)):
        shapes += [stroke("dark", 4.5, (x, y + 10), (x, y - 34)), oval("accent", x, y - 40, 9)]
    for x, y in (
        (20, 272),
        (50, 262),
        (146, 226),
        (180, 214),
        (252, 228),
        (222, 214),
        (352, 262),
        (382, 274),
        (146, 270),
        (254, 272),
    ):
        shapes.append(stroke("dark", 2, (x - 9, y), (x + 9, y)))
    for i in range(8):
        wx, wy = dice.between(10, 340), 362 + (i % 4) * 10
        shapes += setting(curve("light", 2.4, (wx, wy), (wx + 18, wy - 3), (wx + 38, wy), (wx + 54, wy - 2)))
    return shapes


BUILDINGS = (
    Subject(
        "Lighthouse",
        ("lighthouse", "coast", "sea", "building"),
        "A striped lighthouse on a rock",
        _lighthouse,
    ),
    Subject("House", ("house", "cottage", "garden", "building"), "A cottage with a garden path", _house),
    Subject("Windmill", ("windmill", "mill", "landscape", "building"), "A windmill on a hill", _windmill),
    Subject("Bridge", ("bridge", "river", "arches", "building"), "A stone bridge of three arches", _bridge),
)
