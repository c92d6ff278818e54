"""Subjects from nature: landscapes, plants and fruit."""

from __future__ import annotations

from stylesearch.demo.geometry import SIZE, Dice, Shape, arc, blob, box, curve, oval, polygon, stroke
from stylesearch.demo.subjects.subject import Subject, cloud, indoors, outdoors, setting, shadow


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


def _sun_over_sea(dice: Dice) -> list[Shape]:
    x = 200 + dice.about(30)
    shapes = setting(box("sky", 0, 0, SIZE, SIZE))
    for i in range(12):
        a = 180 + i * 180 / 11
        near = arc(x, 232, 100, 100, a - 3, a + 3, 1)
        far = arc(x, 232, 300, 300, a - 4, a + 4, 1)
        shapes.append(polygon("second", *near, *reversed(far)))
    shapes += [oval("accent", x, 222, 78)]
    shapes += setting(cloud(90, 112, 24), cloud(326, 76, 22))
    shapes += setting(
        blob("stone", (-30, 250), (10, 226), (50, 214), (86, 232), (120, 250)),
        box("water", 0, 240, SIZE, 160),
    )
    for row in range(9):
        y = 250 + row * 15
        w = 74 - row * 3 + dice.about(16)
        cx = x + dice.about(14)
        shapes.append(blob("accent", (cx - w, y), (cx, y - 3.4), (cx + w, y), (cx, y + 3.4)))
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


NATURE = (
    Subject("Tree", ("tree", "oak", "fruit", "meadow", "nature"), "A broad tree in fruit on a meadow", _tree),
    Subject("Apple", ("apple", "fruit", "food", "nature"), "An apple with one leaf", _apple),
    Subject(
        "Mountain",
        ("mountain", "snow", "lake", "landscape", "nature"),
        "A snow-capped mountain above a lake",
        _mountain,
    ),
    Subject("Flower", ("flower", "pot", "garden", "nature"), "A flower in a pot", _flower),
    Subject(
        "Sun over sea",
        ("sun", "sea", "sunset", "landscape", "nature"),
        "The sun low over the sea",
        _sun_over_sea,
    ),
    Subject("Mushroom", ("mushroom", "forest", "nature"), "A spotted mushroom and a small one", _mushroom),
)
