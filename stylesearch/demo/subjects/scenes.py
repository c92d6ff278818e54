"""Subjects out of doors: land, water, buildings and animals."""

from __future__ import annotations

from stylesearch.demo.geometry import SIZE, Dice, Shape, arc, blob, box, curve, hoop, oval, polygon, stroke
from stylesearch.demo.subjects.subject import Subject, cloud, outdoors, seaside, setting, shadow


def _tree(dice: Dice) -> list[Shape]:
    shapes = [*outdoors(dice), shadow(205, 336, 92, 11)]
    shapes.append(
        blob(
            "wood",
            (176, 338),
            (188, 300),
            (186, 230),
            (196, 180),
            (212, 180),
            (214, 232),
            (214, 300),
            (230, 338),
            (203, 332),
        )
    )
    shapes += [
        stroke("wood", 9, (200, 245), (160, 195), (140, 175)),
        stroke("wood", 8, (204, 232), (244, 190), (262, 170)),
    ]
    for x, y, r in (
        (132, 178, 46),
        (268, 172, 48),
        (150, 116, 52),
        (250, 108, 52),
        (200, 80, 54),
        (202, 152, 60),
    ):
        shapes.append(oval("leaf", x + dice.about(5), y + dice.about(5), r + dice.about(4), r * 0.86))
    for x, y in (
        (140, 180),
        (170, 110),
        (205, 165),
        (240, 92),
        (268, 168),
        (200, 70),
        (232, 140),
        (122, 150),
    ):
        shapes.append(oval("main", x + dice.about(9), y + dice.about(9), 8))
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


def _mountain(dice: Dice) -> list[Shape]:
    shapes = setting(
        box("sky", 0, 0, SIZE, SIZE), oval("accent", 318 + dice.about(14), 74, 26), cloud(90, 84, 24)
    )
    shapes += [
        polygon("hill", (-40, 310), (70, 172), (120, 222), (168, 310)),
        polygon("hill", (220, 310), (330, 150), (450, 310)),
    ]
    shapes += [
        polygon("stone", (60, 318), (198, 76), (226, 118), (250, 150), (340, 318)),
        polygon(
            "light",
            (198, 76),
            (226, 118),
            (250, 150),
            (230, 146),
            (216, 168),
            (198, 140),
            (180, 162),
            (157, 148),
        ),
        polygon("light", (330, 150), (364, 194), (344, 190), (332, 204), (318, 188), (302, 192)),
        polygon("dark", (250, 150), (340, 318), (278, 318), (262, 240), (240, 196)),
    ]
    shapes += setting(
        polygon("ground", (-10, 306), (120, 296), (280, 304), (410, 294), (410, 410), (-10, 410)),
        blob("water", (70, 352), (160, 334), (280, 336), (350, 356), (280, 380), (140, 380)),
    )
    for x, y, h in (
        (40, 330, 66),
        (74, 326, 48),
        (352, 330, 70),
        (318, 322, 46),
        (386, 346, 60),
        (14, 352, 58),
    ):
        shapes.append(stroke("wood", 5, (x, y - 8), (x, y + 6)))
        for tier in range(3):
            w = h * (0.2 + 0.09 * tier)
            t = y - h + tier * h * 0.27
            shapes.append(polygon("leaf", (x, t), (x + w, t + h * 0.4), (x - w, t + h * 0.4)))
    shapes += [stroke("light", 2.5, (140, 356), (200, 354)), stroke("light", 2.5, (190, 366), (270, 364))]
    return shapes


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


def _sun_over_sea(dice: Dice) -> list[Shape]:
    x = 200 + dice.about(30)
    shapes = setting(box("sky", 0, 0, SIZE, SIZE))
    for i in range(12):
        a = 180 + i * 180 / 11
        near = arc(x, 232, 100, 100, a - 3, a + 3, 1)
        far = arc(x, 232, 300, 300, a - 4, a + 4, 1)
        shapes += setting(polygon("second", *near, *reversed(far)))
    shapes += setting(oval("accent", x, 222, 78), cloud(90, 112, 24), cloud(326, 76, 22))
    shapes += setting(
        blob("stone", (-30, 250), (10, 226), (50, 214), (86, 232), (120, 250)),
        box("water", 0, 240, SIZE, 160),
    )
    for row in range(9):
        y = 250 + row * 15
        w = 74 - row * 3 + dice.about(16)
        cx = x + dice.about(14)
        shapes += setting(blob("accent", (cx - w, y), (cx, y - 3.4), (cx + w, y), (cx, y + 3.4)))
    for _ in range(9):
        wx, wy = dice.between(0, 360), dice.between(262, 390)
        shapes += setting(curve("light", 2.4, (wx, wy), (wx + 14, wy - 4), (wx + 30, wy), (wx + 44, wy - 3)))
    for bx, by, s in ((110, 160, 15), (142, 142, 11), (296, 150, 13)):
        shapes.append(
            curve(
                "dark",
                3,
                (bx - s, by - s * 0.5),
                (bx - s * 0.4, by - s * 0.5),
                (bx, by),
                (bx + s * 0.4, by - s * 0.5),
                (bx + s, by - s * 0.5),
            )
        )
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
        x, y = dice.between(10, 340), 362 + (i % 4) * 10
        shapes += setting(curve("light", 2.4, (x, y), (x + 18, y - 3), (x + 38, y), (x + 54, y - 2)))
    return shapes


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


SCENES = (
    Subject("Tree", ("tree", "oak", "fruit", "meadow", "nature"), "A broad tree in fruit on a meadow", _tree),
    Subject("House", ("house", "cottage", "garden", "building"), "A cottage with a garden path", _house),
    Subject("Boat", ("boat", "sail", "sea", "vehicle"), "A small sailing boat on the sea", _boat),
    Subject("Fish", ("fish", "seaweed", "water", "animal"), "A fish among seaweed", _fish),
    Subject("Bird", ("bird", "branch", "animal"), "A bird perched on a branch", _bird),
    Subject(
        "Mountain",
        ("mountain", "snow", "lake", "landscape", "nature"),
        "A snow-capped mountain above a lake",
        _mountain,
    ),
    Subject("Cat", ("cat", "pet", "animal"), "A cat sitting upright", _cat),
    Subject(
        "Sun over sea",
        ("sun", "sea", "sunset", "landscape", "nature"),
        "The sun low over the sea",
        _sun_over_sea,
    ),
    Subject("Bridge", ("bridge", "river", "arches", "building"), "A stone bridge of three arches", _bridge),
    Subject(
        "Lighthouse",
        ("lighthouse", "coast", "sea", "building"),
        "A striped lighthouse on a rock",
        _lighthouse,
    ),
    Subject("Balloon", ("balloon", "flight", "sky", "vehicle"), "A hot-air balloon over hills", _balloon),
    Subject("Windmill", ("windmill", "mill", "landscape", "building"), "A windmill on a hill", _windmill),
)
