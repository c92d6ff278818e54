from collections import Counter

import numpy as np
import pytest

from stylesearch.demo.drawings import drawing
from stylesearch.demo.styles.style import ALL_STYLES
from stylesearch.demo.subjects.animals import ANIMALS
from stylesearch.demo.subjects.objects import OBJECTS
from stylesearch.images.decode import decode
from stylesearch.training.data.pixels import finish, ground, hand, line, palette
from stylesearch.training.data.pixels.canvas import take_apart
from stylesearch.training.data.pixels.fill import Fill, kinds
from stylesearch.training.data.restyle import Restyling, sample_style

SIDE = 96


def _disc(side=SIDE, *, colour=(40, 90, 200)):
    rows, columns = np.mgrid[:side, :side] / side - 0.5
    pixels = np.full((side, side, 3), 255, np.uint8)
    pixels[np.hypot(rows, columns) < 0.35] = colour
    pixels[np.hypot(rows, columns) < 0.12] = (250, 220, 60)
    return pixels


def _stripes(side=SIDE):
    rows, columns = np.mgrid[:side, :side]
    return np.stack([rows * 2, 200 - columns, 90 + 60 * (columns // 8 % 2)], axis=2).astype(np.uint8)


def _drawn(subject):
    svg = drawing(next(style for style in ALL_STYLES if style.slug == "poster"), subject).encode()
    return decode(svg, max_bytes=2**22, max_pixels=10**6, shortest_side=SIDE).pixels


def _styles(count, seed=0):
    return [sample_style(np.random.default_rng([seed, number])) for number in range(count)]


def _every_kind():
    shown = {"line": line.Line(weight=2.0)}
    parts = [{"fill": Fill(kind=kind, loose=0.5, ink=None), **shown} for kind in sorted(kinds())]
    parts += [
        {"ground": ground.Ground(kind=kind, paper=(0.9, 0.8, 0.7), strength=1.0, soak=1.0)}
        for kind in sorted(ground.KINDS)
    ]
    parts += [
        {"line": line.Line(kind=kind, rough=0.5, wobble=1.0, strokes=2, taper=0.5, ink=None)}
        for kind in sorted(line.KINDS)
    ]
    three = ((0.1, 0.2, 0.3), (0.8, 0.3, 0.2), (0.9, 0.9, 0.5))
    parts += [{"palette": palette.Palette(kind=kind, colours=three)} for kind in sorted(palette.KINDS)]
    parts += [
        {"hand": made}
        for made in (
            hand.Hand(shaky=2),
            hand.Hand(bold=2),
            hand.Hand(bold=-2),
            hand.Hand(rounded=3),
            hand.Hand(coarse=6),
        )
    ]
    touches = {"shadow": 0.6, "border": 4.0, "bevel": 0.8, "gloss": 0.8, "relief": 0.8, "soften": 1.5, "grain": 0.1,
               "vignette": 0.6, "scan": 0.5, "fringe": 2.0, "glow": 0.6, "fade": 1.0}  # fmt: skip
    parts += [{"finish": finish.Finish(**{name: value})} for name, value in touches.items()]
    return [*parts, {"finish": finish.Finish(soften=-1.0)}, {"resolution": 32}, {"any_resolution": True}]


@pytest.mark.parametrize("parts", _every_kind(), ids="-".join)
def test_every_part_gives_a_picture_of_its_own(parts):
    style = Restyling(**parts)
    for picture in (_disc(), _stripes()):
        before = picture.copy()
        made = style.apply(picture, np.random.default_rng(1))
        assert made.shape == picture.shape
        assert made.dtype == np.uint8
        assert np.array_equal(picture, before)
    made = style.apply(_disc(), np.random.default_rng(1)).astype(int)
    if parts not in ({"ground": ground.Ground(kind="plain")},):
        assert made.std() > 5


def test_the_mildest_manner_leaves_a_picture_nearly_as_it_was():
    for picture in (_disc(), _stripes()):
        made = Restyling().apply(picture, np.random.default_rng(0)).astype(int)
        assert np.abs(made - picture).mean() < 1.5


def test_sampling_and_applying_repeat():
    for style, again in zip(_styles(12), _styles(12), strict=True):
        assert style == again
        pictures = [each.apply(_disc(), np.random.default_rng(5)) for each in (style, again)]
        assert np.array_equal(*pictures)


def test_noise_falls_anew_where_the_generator_differs():
    style = Restyling(finish=finish.Finish(grain=0.1))
    one, two = (style.apply(_disc(), np.random.default_rng(seed)) for seed in (1, 2))
    assert not np.array_equal(one, two)


def test_sampling_reaches_every_kind():
    styles = _styles(1500)
    assert {style.fill.kind for style in styles} == set(kinds())
    assert {style.ground.kind for style in styles} == set(ground.KINDS)
    assert {style.palette.kind for style in styles} == set(palette.KINDS)
    assert {style.line.kind for style in styles if style.line} == set(line.KINDS)
    touches = Counter(touch.name for style in styles for touch in _touches(style.finish))
    assert min(touches.values()) > 10
    assert sum(style.any_resolution for style in styles) == pytest.approx(750, abs=90)
    assert any(style.line is None and style.fill.kind == "flat" for style in styles)
    assert not any(style.line is None and style.fill.kind == "bare" for style in styles)
    assert len({style.name for style in styles}) > 1200


def _touches(made):
    from dataclasses import fields

    left_out = {"shadow_reach", "shadow_blur", "border_colour", "grain_scale"}
    return [part for part in fields(made) if part.name not in left_out and getattr(made, part.name) != 0]


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 3), (7, 200), (33, 17)])
def test_extreme_shapes_keep_their_shape(shape):
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    for style in _styles(60, seed=4):
        assert style.apply(picture, np.random.default_rng(0)).shape == picture.shape
    for style in (Restyling(**parts) for parts in _every_kind()):
        assert style.apply(picture, np.random.default_rng(0)).shape == picture.shape


@pytest.mark.parametrize("value", [0, 255])
def test_an_empty_picture_is_taken(value):
    empty = np.full((40, 40, 3), value, np.uint8)
    for style in _styles(40, seed=9):
        assert style.apply(empty, np.random.default_rng(0)).shape == empty.shape


def test_a_picture_that_cannot_be_written_to_is_taken():
    picture = _disc()
    picture.flags.writeable = False
    for style in _styles(40, seed=2):
        style.apply(picture, np.random.default_rng(0))


def test_content_stays_where_it_was():
    """Where the disc was, most manners still show something else than on the empty ground."""
    inside = np.hypot(*(np.mgrid[:SIDE, :SIDE] / SIDE - 0.5)) < 0.3
    outside = np.hypot(*(np.mgrid[:SIDE, :SIDE] / SIDE - 0.5)) > 0.42
    told = 0
    styles = _styles(80, seed=6)
    for style in styles:
        made = style.apply(_disc(), np.random.default_rng(0)).astype(float)
        apart = np.abs(made[inside].mean(axis=0) - made[outside].mean(axis=0)).max()
        told += apart > 6 or abs(made[inside].std() - made[outside].std()) > 6
    assert told >= 72


def test_one_manner_looks_alike_over_contents_and_two_do_not():
    """Colours and roughness: the spread between manners exceeds the spread within them."""
    pictures = [_drawn(subject) for subject in (*ANIMALS[:2], *OBJECTS[:2])]
    rows = np.array(
        [
            [
                _plain_figures(style.apply(picture, np.random.default_rng([n, k])))
                for k, picture in enumerate(pictures)
            ]
            for n, style in enumerate(_styles(30, seed=3))
        ]
    )
    within = rows.var(axis=1).mean(axis=0)
    between = rows.mean(axis=1).var(axis=0)
    assert (between > 2 * within).all()


def _plain_figures(pixels):
    values = pixels.astype(float)
    return [*values.mean(axis=(0, 1)), np.abs(np.diff(values, axis=1)).mean()]


def test_only_white_that_reaches_the_frame_is_ground():
    ring = _disc()
    ring[SIDE // 2 - 5 : SIDE // 2 + 5, SIDE // 2 - 5 : SIDE // 2 + 5] = 255
    middle = np.s_[SIDE // 2, SIDE // 2]
    assert take_apart(ring, through=False).figure[middle] == 1
    assert take_apart(ring, through=True).figure[middle] == 0
    assert take_apart(ring, through=False).figure[0, 0] == 0
    assert take_apart(_stripes(), through=False).figure.min() == 1


def test_ground_is_found_round_corners():
    maze = np.full((60, 60, 3), 255, np.uint8)
    for turn in range(5, 28, 6):
        maze[turn : 60 - turn, turn] = maze[turn : 60 - turn, 59 - turn] = 0
        maze[turn, turn : 60 - turn] = maze[59 - turn, turn : 60 - turn] = 0
        maze[turn : turn + 1, turn + 2 : turn + 4] = 255
    assert take_apart(maze, through=False).figure[30, 30] == 0


def test_an_edge_pixel_gives_its_white_back():
    pixels = np.full((20, 20, 3), 255, np.uint8)
    pixels[:, 8:] = (200, 0, 0)
    pixels[:, 7] = (227, 127, 127)  # half white
    canvas = take_apart(pixels, through=False)
    assert canvas.figure[10, 7] == pytest.approx(0.5, abs=0.1)
    assert canvas.ink[10, 7] == pytest.approx([200 / 255, 0, 0], abs=0.08)
