"""Things from indoors."""

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


def _band(cx: float, cy: float, rx: float, ry: float, width: float) -> tuple[tuple[float, float], ...]:
    """The left half of an elliptical handle, as one outline."""
    return (
        *arc(cx + 18, cy, rx + width / 2, ry + width / 2, 80, 280, 24),
        *reversed(arc(cx + 18, cy, rx - width / 2, ry - width / 2, 80, 280, 24)),
    )


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


def _key(dice: Dice) -> list[Shape]:
    shapes = setting(box("sky", 0, 0, SIZE, SIZE), box("wall", 44, 44, 312, 312))
    shapes += setting(stroke("second", 5, (62, 62), (338, 62), (338, 338), (62, 338), (62, 60)))
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


OBJECTS = (
    Subject("Teapot", ("teapot", "tea", "kitchen", "object"), "A round teapot", _teapot),
    Subject("Guitar", ("guitar", "music", "instrument", "object"), "A guitar leaning at an angle", _guitar),
    Subject("Clock", ("clock", "time", "alarm", "object"), "An alarm clock with two bells", _clock),
    Subject("Cup", ("cup", "coffee", "kitchen", "object"), "A steaming cup on its saucer", _cup),
    Subject("Umbrella", ("umbrella", "rain", "weather", "object"), "An umbrella in the rain", _umbrella),
    Subject("Lamp", ("lamp", "light", "furniture", "object"), "A table lamp, lit", _lamp),
    Subject("Book", ("book", "reading", "object"), "An open book", _book),
    Subject("Chair", ("chair", "furniture", "object"), "A wooden chair with a cushion", _chair),
    Subject("Key", ("key", "lock", "object"), "An old key", _key),
)
