"""Vehicles: on land, on water and in the air."""

from __future__ import annotations

from stylesearch.demo.geometry import Dice, Shape, arc, blob, curve, hoop, oval, polygon, stroke
from stylesearch.demo.subjects.subject import Subject, cloud, outdoors, seaside, setting, shadow


def _boat(dice: Dice) -> list[Shape]:
    shapes = seaside(dice, 240)
    shapes += [stroke("wood", 7, (198, 66), (198, 282))]
    shapes += [polygon("main", (198, 62), (234, 72), (198, 84))]
    sail = (
        *((206 + 98 * t / 8 + 10 * (t / 8) * (1 - t / 8) * 4, 92 + 160 * t / 8) for t in range(9)),
        (206, 252),
    )
    shapes += [polygon("light", *sail), polygon("accent", (190, 104), (190, 252), (112, 252), (140, 200))]
    shapes += [
        blob("wood", (86, 266), (200, 274), (318, 262), (296, 300), (270, 320), (136, 320), (104, 298))
    ]
    shapes += [polygon("main", (90, 278), (314, 275), (306, 287), (97, 290))]
    for x in (150, 200, 250):
        shapes.append(oval("light", x, 303, 5))
    wave = [(46 + 26 * i, 322 + (7 if i % 2 else -3)) for i in range(13)]
    shapes.append(blob("water", *wave, (390, 352), (200, 346), (20, 352)))
    shapes.append(curve("light", 3, *((60 + 26 * i, 332 + (5 if i % 2 else -3)) for i in range(11))))
    return shapes


def _bicycle(dice: Dice) -> list[Shape]:
    shapes = [*outdoors(dice, 318), shadow(200, 344, 156, 9)]
    rear, front, crank = (108.0, 270.0), (298.0, 270.0), (190.0, 276.0)
    for x, y in (rear, front):
        shapes += [stroke("stone", 1.8, *arc(x, y, 64, 64, a, a + 180, 1)) for a in range(0, 180, 20)]
        shapes += [hoop("dark", x, y, 66, 9), oval("stone", x, y, 7)]
    seat = (162.0, 176.0)
    shapes += [
        stroke("main", 9, rear, crank),
        stroke("main", 9, rear, (164, 190)),
        stroke("main", 9, crank, seat),
        stroke("main", 9, (166, 196), (270, 190)),
        stroke("main", 9, crank, (274, 206)),
        stroke("main", 9, (262, 160), front),
    ]
    shapes += [
        stroke("dark", 7, seat, (158, 156)),
        blob("wood", (130, 148), (160, 144), (190, 152), (164, 162), (138, 160)),
    ]
    shapes += [
        curve("dark", 7, (262, 164), (258, 138), (278, 128), (300, 136), (304, 150)),
        hoop("accent", *crank, 17, 6),
        stroke("dark", 6, (176, 254), (204, 298)),
        stroke("dark", 7, (166, 254), (186, 254)),
        stroke("dark", 7, (194, 298), (214, 298)),
    ]
    shapes += [
        polygon("second", (272, 170), (330, 170), (322, 210), (282, 210)),
        oval("leaf", 286, 164, 14),
        oval("main", 304, 158, 13),
        oval("accent", 320, 164, 10),
    ]
    return shapes


def _balloon(dice: Dice) -> list[Shape]:
    shapes = [*outdoors(dice, 344), *setting(cloud(60, 230, 24), cloud(348, 190, 26))]
    ys = (46, 72, 112, 158, 206, 244)
    widths = (20, 66, 98, 102, 70, 30)
    shares = (-1.0, -0.62, -0.2, 0.2, 0.62, 1.0)
    for i, role in enumerate(("main", "light", "accent", "light", "main")):
        left = [(200 + shares[i] * w, y) for w, y in zip(widths, ys, strict=True)]
        right = [(200 + shares[i + 1] * w, y) for w, y in zip(widths, ys, strict=True)]
        shapes.append(blob(role, *left, *reversed(right)))
    shapes.append(polygon("second", (168, 242), (232, 242), (224, 256), (176, 256)))
    shapes += [
        stroke("dark", 2.4, (178, 256), (184, 290)),
        stroke("dark", 2.4, (222, 256), (216, 290)),
        stroke("dark", 2.4, (200, 256), (200, 290)),
    ]
    shapes += [
        blob("wood", (178, 290), (200, 289), (222, 290), (218, 318), (200, 322), (182, 318)),
        stroke("second", 6, (178, 292), (222, 292)),
    ]
    return shapes


VEHICLES = (
    Subject("Boat", ("boat", "sail", "sea", "vehicle"), "A small sailing boat on the sea", _boat),
    Subject("Bicycle", ("bicycle", "wheels", "vehicle"), "A bicycle with a basket of flowers", _bicycle),
    Subject("Balloon", ("balloon", "flight", "sky", "vehicle"), "A hot-air balloon over hills", _balloon),
)
