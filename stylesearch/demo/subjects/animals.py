"""Animals."""

from __future__ import annotations

from stylesearch.demo.geometry import SIZE, Dice, Shape, arc, blob, box, curve, hoop, oval, polygon, stroke
from stylesearch.demo.subjects.subject import Subject, outdoors, setting, shadow


def _cat(dice: Dice) -> list[Shape]:
    shapes = [*outdoors(dice, 300, hills=False, clouds=1), shadow(206, 348, 110, 12)]
    shapes += [curve("main", 24, (268, 334), (330, 330), (346, 282), (322, 244), (338, 214))]
    shapes += [
        blob(
            "main",
            (138, 346),
            (132, 276),
            (158, 212),
            (200, 192),
            (242, 212),
            (270, 280),
            (266, 346),
            (200, 352),
        )
    ]
    shapes += [
        polygon("main", (128, 138), (132, 58), (184, 100)),
        polygon("main", (272, 138), (268, 58), (216, 100)),
        polygon("second", (140, 116), (143, 80), (168, 102)),
        polygon("second", (260, 116), (257, 80), (232, 102)),
    ]
    shapes += [
        oval("main", 200, 146, 78, 64),
        blob("light", (200, 214), (226, 232), (222, 296), (200, 314), (178, 296), (174, 232)),
    ]
    shapes += [
        oval("light", 182, 172, 22, 17),
        oval("light", 218, 172, 22, 17),
        oval("light", 172, 344, 26, 14),
        oval("light", 230, 344, 26, 14),
    ]
    for x in (168, 232):
        shapes += [oval("accent", x, 138, 17, 15), oval("dark", x, 138, 5.5, 13)]
    shapes += [
        polygon("second", (190, 160), (210, 160), (200, 172)),
        stroke("dark", 3, (200, 172), (200, 180)),
        curve("dark", 3, (184, 182), (193, 187), (200, 180), (207, 187), (216, 182)),
    ]
    for dy in (-7, 1, 9):
        shapes += [
            stroke("dark", 2, (164, 174 + dy * 0.4), (104, 168 + dy * 1.6)),
            stroke("dark", 2, (236, 174 + dy * 0.4), (296, 168 + dy * 1.6)),
        ]
    shapes += [
        stroke("second", 6, (200, 86), (200, 108)),
        stroke("second", 6, (178, 90), (182, 110)),
        stroke("second", 6, (222, 90), (218, 110)),
    ]
    return shapes


def _fish(dice: Dice) -> list[Shape]:
    shapes = setting(
        box("water", 0, 0, SIZE, SIZE),
        blob("ground", (-30, 352), (80, 338), (200, 356), (320, 340), (430, 350), (430, 430), (-30, 430)),
    )
    for x, height in ((44, 150), (66, 96), (352, 130), (330, 84)):
        shapes += setting(
            curve(
                "leaf",
                10,
                (x, 372),
                (x + 12, 372 - height * 0.35),
                (x - 10, 372 - height * 0.7),
                (x + 8 + dice.about(6), 372 - height),
            )
        )
    shapes += [
        blob("second", (150, 160), (190, 104), (246, 112), (262, 150), (200, 168)),
        blob("second", (178, 246), (196, 282), (226, 286), (222, 250)),
    ]
    shapes += [polygon("second", (96, 200), (44, 142), (54, 200), (40, 262))]
    shapes += [
        blob(
            "main",
            (84, 202),
            (140, 154),
            (220, 136),
            (296, 158),
            (338, 202),
            (296, 244),
            (220, 264),
            (140, 250),
        )
    ]
    for row, column in ((r, c) for c in range(4) for r in range(3)):
        x, y = 144 + column * 32, 174 + row * 26 + (column % 2) * 8
        shapes.append(stroke("accent", 3, *arc(x, y, 12, 13, -80, 80, 8)))
    shapes.append(stroke("dark", 3.5, *arc(258, 202, 20, 46, -62, 62, 12)))
    shapes += [
        oval("light", 298, 188, 15),
        oval("dark", 301, 189, 7),
        curve("dark", 3, (334, 212), (320, 217), (308, 214)),
    ]
    shapes += [blob("accent", (226, 212), (196, 204), (180, 226), (204, 232))]
    for x, y, r in ((352, 150, 9), (364, 118, 6), (350, 92, 11), (92, 84, 7), (108, 58, 5)):
        shapes.append(hoop("light", x + dice.about(6), y + dice.about(6), r, 2.6))
    return shapes


def _bird(dice: Dice) -> list[Shape]:
    shapes = outdoors(dice, 350)
    shapes += [
        curve("wood", 13, (20, 306), (120, 290), (240, 296), (390, 270)),
        curve("wood", 7, (250, 294), (300, 312), (340, 310)),
    ]
    for x, y, a in ((70, 292, -50), (330, 270, -60), (352, 302, 20), (104, 306, 60), (384, 262, -20)):
        shapes.append(
            blob("leaf", (x - 24, y), (x, y - 10), (x + 24, y), (x, y + 10)).turned(
                a + dice.about(10), (x, y)
            )
        )
    shapes += [polygon("second", (128, 238), (52, 268), (60, 292), (140, 262))]
    shapes += [stroke("dark", 5, (190, 262), (188, 294)), stroke("dark", 5, (214, 262), (214, 294))]
    shapes += [
        blob(
            "main",
            (110, 244),
            (150, 190),
            (196, 158),
            (222, 118),
            (262, 100),
            (298, 122),
            (296, 164),
            (276, 222),
            (226, 266),
            (160, 268),
        )
    ]
    shapes += [blob("light", (288, 164), (268, 226), (226, 262), (206, 250), (236, 206), (262, 172))]
    shapes += [blob("second", (106, 250), (150, 196), (204, 180), (222, 208), (190, 244))]
    shapes += [
        curve("accent", 3.5, (130, 242), (168, 226), (206, 212)),
        curve("accent", 3.5, (142, 226), (172, 212), (206, 198)),
    ]
    shapes += [
        polygon("accent", (294, 124), (334, 138), (294, 150)),
        oval("light", 268, 130, 9),
        oval("dark", 270, 130, 5),
    ]
    return shapes


ANIMALS = (
    Subject("Cat", ("cat", "pet", "animal"), "A cat sitting upright", _cat),
    Subject("Fish", ("fish", "seaweed", "water", "animal"), "A fish among seaweed", _fish),
    Subject("Bird", ("bird", "branch", "animal"), "A bird perched on a branch", _bird),
)
