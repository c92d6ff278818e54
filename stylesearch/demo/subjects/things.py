"""Subjects from indoors and the garden: things and plants."""

from __future__ import annotations

from stylesearch.demo.geometry import SIZE, Dice, Shape, arc, blob, box, curve, hoop, oval, polygon, stroke
from stylesearch.demo.subjects.subject import Subject, indoors, outdoors, setting, shadow


def _steam(dice: Dice, x: float, y: float) -> list[Shape]:
    return [
        curve(
            "light",
            6,
            (x + dx, y),
            (x + dx - 12, y - 24),
            (x + dx + 10, y - 48),
            (x + dx - 4 + dice.about(6), y - 76),
        )
        for dx in (-32, 2, 36)
    ]


def _cup(dice: Dice) -> list[Shape]:
    shapes = [
        *indoors(dice, 276),
        shadow(206, 334, 144, 16),
        oval("light", 198, 322, 134, 24),
        oval("second", 198, 319, 96, 15),
    ]
    shapes += [hoop("main", 290, 228, 38, 18)]
    shapes += [
        blob(
            "main",
            (98, 180),
            (200, 188),
            (298, 180),
            (292, 240),
            (262, 296),
            (230, 318),
            (168, 318),
            (134, 296),
            (104, 240),
        )
    ]
    shapes += [oval("light", 198, 180, 101, 24), oval("dark", 198, 183, 88, 17)]
    shapes += [curve("accent", 9, (106, 232), (150, 250), (200, 254), (250, 250), (291, 232))]
    return shapes + _steam(dice, 200, 144)


def _chair(dice: Dice) -> list[Shape]:
    shapes = [*indoors(dice, 288), *setting(box("second", 0, 276, SIZE, 12)), shadow(206, 356, 112, 12)]
    shapes += [stroke("wood", 13, (146, 60), (140, 344)), stroke("wood", 13, (258, 60), (264, 330))]
    shapes += [blob("wood", (140, 52), (200, 40), (264, 52), (262, 84), (200, 74), (142, 84))]
    shapes += [stroke("wood", 8, (x, 76), (x, 216)) for x in (172, 202, 232)]
    shapes += [stroke("wood", 10, (150, 158), (256, 158)), stroke("wood", 10, (128, 296), (282, 296))]
    shapes += [stroke("wood", 15, (116, 236), (112, 366)), stroke("wood", 15, (288, 236), (296, 366))]
    shapes += [
        polygon("wood", (104, 230), (300, 230), (300, 250), (104, 250)),
        polygon("wood", (140, 208), (264, 208), (302, 234), (102, 234)),
    ]
    shapes += [blob("main", (144, 204), (260, 204), (294, 226), (280, 236), (122, 236), (110, 226))]
    return shapes


def _flower(dice: Dice) -> list[Shape]:
    shapes = [*indoors(dice, 316), shadow(206, 362, 82, 10)]
    shapes += [curve("leaf", 9, (200, 290), (194, 230), (204, 160))]
    shapes += [
        blob("leaf", (198, 262), (148, 250), (112, 204), (168, 214)),
        blob("leaf", (200, 244), (246, 234), (288, 190), (234, 198)),
    ]
    turn = dice.about(10)
    for i in range(10):
        a = turn + i * 36
        shapes.append(
            blob(
                "main" if i % 2 else "second",
                (204, 118),
                (188, 84),
                (192, 46),
                (204, 36),
                (216, 46),
                (220, 84),
            ).turned(a, (204, 124))
        )
    shapes += [
        oval("accent", 204, 124, 31),
        *(
            oval("dark", 204 + dx, 124 + dy, 3.2)
            for dx, dy in ((-12, -8), (0, -15), (12, -8), (-14, 6), (0, 0), (14, 6), (0, 14))
        ),
    ]
    shapes += [
        polygon("roof", (142, 288), (258, 288), (242, 362), (158, 362)),
        box("roof", 132, 272, 136, 24),
        box("accent", 152, 318, 96, 8),
    ]
    return shapes


def _apple(dice: Dice) -> list[Shape]:
    shapes = [*indoors(dice, 268), shadow(214, 336, 122, 16)]
    shapes += [
        blob(
            "main",
            (200, 132),
            (244, 108),
            (296, 126),
            (318, 186),
            (304, 262),
            (262, 320),
            (224, 336),
            (200, 328),
            (176, 336),
            (138, 320),
            (96, 262),
            (82, 186),
            (104, 126),
            (156, 108),
        )
    ]
    shapes += [
        blob("dark", (172, 132), (200, 126), (228, 132), (200, 146)),
        curve("wood", 9, (200, 138), (203, 104), (218, 72)),
    ]
    shapes += [
        blob("leaf", (210, 100), (244, 58), (308, 56), (280, 98), (242, 110)),
        curve("light", 2.5, (214, 98), (252, 80), (292, 64)),
    ]
    shapes += [blob("light", (118, 180), (128, 150), (152, 140), (146, 166), (132, 196))]
    shapes += [
        oval("accent", x, y, 3.2)
        for x, y in ((262, 190), (238, 236), (190, 206), (272, 250), (206, 282), (154, 262), (232, 176))
    ]
    return shapes


def _teapot(dice: Dice) -> list[Shape]:
    shapes = [*indoors(dice, 276), shadow(206, 340, 116, 13)]
    shapes += [Shape("second", (_band(96, 226, 48, 60, 16),))]
    shapes += [polygon("main", (268, 268), (318, 214), (330, 168), (364, 166), (350, 222), (296, 306))]
    shapes += [
        oval("main", 198, 240, 106, 88),
        blob("second", (144, 322), (252, 322), (262, 340), (134, 340)),
    ]
    shapes += [blob("light", (122, 214), (140, 182), (166, 170), (150, 204), (136, 232))]
    shapes += [
        oval("second", 198, 162, 60, 16),
        blob("main", (142, 160), (160, 132), (198, 122), (236, 132), (254, 160), (198, 168)),
        oval("accent", 198, 116, 14),
    ]
    shapes += [curve("accent", 9, (98, 262), (146, 284), (198, 290), (250, 284), (299, 262))]
    for x in (150, 198, 246):
        shapes += [oval("light", x, 242, 13), oval("accent", x, 242, 5)]
    return [*shapes, curve("light", 5, (352, 156), (340, 132), (362, 108), (350, 82))]


def _band(cx: float, cy: float, rx: float, ry: float, width: float) -> tuple[tuple[float, float], ...]:
    """The left half of an elliptical handle, as one outline."""
    return (
        *arc(cx + 18, cy, rx + width / 2, ry + width / 2, 80, 280, 24),
        *reversed(arc(cx + 18, cy, rx - width / 2, ry - width / 2, 80, 280, 24)),
    )


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


def _umbrella(dice: Dice) -> list[Shape]:
    shapes = outdoors(dice, 352, clouds=1)
    for i in range(22):
        x, y = (i * 67 + dice.between(0, 30)) % 400, (i * 41 + dice.between(0, 24)) % 330
        shapes += setting(stroke("water", 3, (x, y), (x - 7, y + 20)))
    shapes += [curve("wood", 9, (200, 86), (200, 200), (200, 318), (190, 346), (168, 346), (160, 326))]
    count = 6
    for i in range(count):
        left, right = 64 + 272 * i / count, 64 + 272 * (i + 1) / count
        edge = arc((left + right) / 2, 208, (right - left) / 2, 16, 180, 360, 8)

        def rib(x: float) -> list[tuple[float, float]]:
            return [
                (200 + (x - 200) * sx, 76 + 132 * sy) for sx, sy in ((0.36, 0.06), (0.68, 0.24), (0.9, 0.58))
            ]

        shapes.append(
            polygon("main" if i % 2 == 0 else "light", (200, 74), *rib(left), *edge, *reversed(rib(right)))
        )
    return [*shapes, stroke("dark", 6, (200, 78), (200, 54))]


def _key(dice: Dice) -> list[Shape]:
    shapes = setting(
        box("sky", 0, 0, SIZE, SIZE),
        box("ground", 40, 40, 320, 320),
        box("second", 56, 56, 288, 288),
        box("ground", 64, 64, 272, 272),
    )
    turn = -38 + dice.about(8)
    parts = [
        hoop("accent", 118, 200, 44, 22),
        hoop("accent", 118, 200, 15, 9),
        *(oval("accent", 118 + dx, 200 + dy, 13) for dx, dy in ((-56, 0), (0, -56), (0, 56))),
    ]
    parts += [box("accent", 168, 189, 158, 22), box("main", 172, 180, 16, 40), box("main", 198, 184, 10, 32)]
    parts += [
        polygon(
            "accent",
            (268, 209),
            (268, 258),
            (282, 258),
            (282, 240),
            (292, 240),
            (292, 258),
            (318, 258),
            (318, 244),
            (306, 244),
            (306, 228),
            (326, 228),
            (326, 209),
        ),
        oval("accent", 326, 200, 13),
    ]
    return shapes + [p.turned(turn) for p in (shadow(206, 226, 140, 12), *parts)]


def _book(dice: Dice) -> list[Shape]:
    shapes = [*indoors(dice, 232), shadow(200, 330, 164, 14)]
    shapes += [
        polygon(
            "main",
            (34, 150),
            (196, 168),
            (200, 336),
            (204, 336),
            (204, 168),
            (366, 150),
            (366, 318),
            (204, 338),
            (196, 338),
            (34, 318),
        ),
        polygon("main", (34, 150), (200, 176), (366, 150), (366, 318), (200, 340), (34, 318)),
    ]
    shapes += [
        blob(
            "light",
            (46, 146),
            (86, 126),
            (150, 130),
            (199, 160),
            (200, 240),
            (200, 326),
            (150, 304),
            (90, 300),
            (48, 308),
            (45, 230),
        ),
        blob(
            "wall",
            (354, 146),
            (314, 126),
            (250, 130),
            (201, 160),
            (200, 240),
            (200, 326),
            (250, 304),
            (310, 300),
            (352, 308),
            (355, 230),
        ),
    ]
    for i in range(6):
        y = 164 + i * 22
        shapes.append(curve("dark", 3.2, (66, y - 4), (110, y - 10), (150, y - 4), (184, y + 8)))
    shapes += [
        polygon("second", (226, 164), (256, 148), (330, 146), (330, 216), (256, 218), (226, 230)),
        polygon("leaf", (228, 226), (262, 180), (284, 204), (300, 186), (328, 214), (256, 216)),
        oval("accent", 306, 166, 10),
    ]
    for i in range(3):
        y = 252 + i * 18
        shapes.append(curve("dark", 3.2, (216, y + 6), (250, y - 8), (290, y - 12), (334, y - 6)))
    return [*shapes, curve("accent", 8, (200, 160), (206, 220), (200, 300), (212, 352))]


def _lamp(dice: Dice) -> list[Shape]:
    shapes = [
        *indoors(dice, 312),
        polygon("glow", (128, 168), (272, 168), (356, 420), (44, 420)),
        shadow(206, 350, 84, 10),
    ]
    shapes += [stroke("dark", 8, (200, 170), (200, 232))]
    shapes += [
        blob(
            "main",
            (186, 222),
            (214, 222),
            (222, 244),
            (248, 280),
            (244, 322),
            (222, 340),
            (178, 340),
            (156, 322),
            (152, 280),
            (178, 244),
        )
    ]
    shapes += [
        box("wood", 148, 338, 104, 14),
        curve("second", 8, (152, 286), (200, 298), (248, 286)),
        curve("accent", 5, (154, 306), (200, 318), (246, 306)),
    ]
    shapes += [
        polygon("accent", (160, 62), (240, 62), (288, 174), (112, 174)),
        stroke("second", 8, (112, 172), (288, 172)),
        stroke("second", 6, (160, 64), (240, 64)),
    ]
    shapes += [stroke("second", 2.6, (200 + dx * 0.5, 66), (200 + dx, 170)) for dx in (-48, -16, 16, 48)]
    shapes += [stroke("dark", 2.4, (262, 176), (262, 214)), oval("dark", 262, 218, 4.5)]
    return shapes


def _guitar(dice: Dice) -> list[Shape]:
    shapes = indoors(dice, 330)
    turn = 24 + dice.about(6)
    parts = [shadow(206, 376, 84, 8), polygon("dark", (186, 22), (214, 22), (218, 66), (182, 66))]
    for y in (32, 44, 56):
        parts += [oval("accent", 178, y, 6, 4.5), oval("accent", 222, y, 6, 4.5)]
    parts += [
        blob(
            "wood",
            (200, 186),
            (238, 176),
            (266, 196),
            (264, 232),
            (254, 254),
            (280, 286),
            (284, 336),
            (252, 372),
            (200, 378),
            (148, 372),
            (116, 336),
            (120, 286),
            (146, 254),
            (136, 232),
            (134, 196),
            (162, 176),
        )
    ]
    parts += [
        blob(
            "main",
            (200, 194),
            (234, 184),
            (256, 202),
            (256, 230),
            (246, 254),
            (270, 288),
            (274, 332),
            (246, 362),
            (200, 368),
            (154, 362),
            (126, 332),
            (130, 288),
            (154, 254),
            (144, 230),
            (144, 202),
            (166, 184),
        )
    ]
    parts += [
        box("dark", 189, 62, 22, 190),
        oval("accent", 200, 262, 34),
        oval("dark", 200, 262, 27),
        box("dark", 168, 322, 64, 13),
    ]
    parts += [stroke("stone", 1.8, (189, y), (211, y)) for y in range(76, 236, 16)]
    parts += [stroke("light", 1.6, (x, 62), (x + (x - 200) * 0.5, 328)) for x in (193, 197.5, 202.5, 207)]
    return shapes + [p.turned(turn, (200, 210)).mapped((0.9, 0, 0, 0.9, 24, 18)) for p in parts]


def _mushroom(dice: Dice) -> list[Shape]:
    shapes = [
        *outdoors(dice, 318),
        shadow(196, 348, 96, 11),
        *_one_mushroom(300, 346, 0.42, dice),
        *_one_mushroom(190, 346, 1.0, dice),
    ]
    for x in (40, 62, 120, 128, 250, 262, 340, 352, 372):
        h = dice.between(24, 46)
        shapes.append(polygon("leaf", (x - 6, 362), (x + 6, 362), (x + dice.about(12), 362 - h)))
    return shapes


def _one_mushroom(x: float, y: float, size: float, dice: Dice) -> list[Shape]:
    parts = [
        blob("wall", (-30, 0), (-32, -60), (-22, -140), (24, -140), (34, -60), (34, 0), (0, 6)),
        oval("second", 0, -138, 116, 24),
        blob("light", (-26, -112), (0, -104), (26, -112), (40, -84), (0, -74), (-38, -84)),
        Shape("main", ((*arc(0, -138, 122, 130, 180, 360, 30), *arc(0, -138, 122, 12, 0, 180, 16)),)),
    ]
    parts += [
        oval("light", dx, dy, r, r * 0.82)
        for dx, dy, r in (
            (-72, -172, 15),
            (-24, -206, 21),
            (38, -236, 13),
            (44, -176, 19),
            (92, -160, 11),
            (-42, -150, 9),
        )
    ]
    lean = dice.about(4)
    return [p.turned(lean, (0, 0)).mapped((size, 0, 0, size, x, y)) for p in parts]


def _clock(dice: Dice) -> list[Shape]:
    shapes = [*indoors(dice, 304), shadow(204, 356, 108, 11)]
    shapes += [stroke("wood", 14, (142, 308), (118, 352)), stroke("wood", 14, (258, 308), (282, 352))]
    shapes += [stroke("dark", 8, (200, 92), (200, 66)), oval("dark", 200, 60, 12, 7)]
    for a in (-38, 38):
        shapes += [
            stroke("dark", 7, (200, 110), (200, 70)).turned(a, (200, 220)),
            Shape("accent", (arc(200, 84, 42, 36, 180, 360, 20),)).turned(a, (200, 220)),
        ]
    shapes += [oval("main", 200, 220, 120), oval("light", 200, 220, 98), hoop("second", 200, 220, 92, 4)]
    for i in range(12):
        long = 20 if i % 3 == 0 else 10
        shapes.append(
            stroke("dark", 7 if i % 3 == 0 else 4, (200, 134), (200, 134 + long)).turned(i * 30, (200, 220))
        )
    hour = dice.between(0, 12)
    shapes += [
        polygon("dark", (193, 228), (207, 228), (203, 168), (197, 168)).turned(hour * 30, (200, 220)),
        polygon("dark", (195, 232), (205, 232), (202, 146), (198, 146)).turned(hour * 360, (200, 220)),
        stroke("main", 2.6, (200, 240), (200, 140)).turned(dice.between(0, 360), (200, 220)),
        oval("accent", 200, 220, 8),
    ]
    return shapes


THINGS = (
    Subject("Cup", ("cup", "coffee", "kitchen", "object"), "A steaming cup on its saucer", _cup),
    Subject("Chair", ("chair", "furniture", "object"), "A wooden chair with a cushion", _chair),
    Subject("Flower", ("flower", "pot", "garden", "nature"), "A flower in a pot", _flower),
    Subject("Apple", ("apple", "fruit", "food", "nature"), "An apple with one leaf", _apple),
    Subject("Teapot", ("teapot", "tea", "kitchen", "object"), "A round teapot", _teapot),
    Subject("Bicycle", ("bicycle", "wheels", "vehicle"), "A bicycle with a basket of flowers", _bicycle),
    Subject("Umbrella", ("umbrella", "rain", "weather", "object"), "An umbrella in the rain", _umbrella),
    Subject("Key", ("key", "lock", "object"), "An old key", _key),
    Subject("Book", ("book", "reading", "object"), "An open book", _book),
    Subject("Lamp", ("lamp", "light", "furniture", "object"), "A table lamp, lit", _lamp),
    Subject("Guitar", ("guitar", "music", "instrument", "object"), "A guitar leaning at an angle", _guitar),
    Subject("Mushroom", ("mushroom", "forest", "nature"), "A spotted mushroom and a small one", _mushroom),
    Subject("Clock", ("clock", "time", "alarm", "object"), "An alarm clock with two bells", _clock),
)
