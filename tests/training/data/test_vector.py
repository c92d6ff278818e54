import gzip

import numpy as np
import pytest

from stylesearch.demo.drawings import drawing
from stylesearch.demo.styles.style import ALL_STYLES
from stylesearch.demo.subjects.animals import ANIMALS
from stylesearch.errors import ImageError
from stylesearch.images.decode import decode
from stylesearch.images.svg import guard_svg
from stylesearch.training.data.pixels.palette import Palette
from stylesearch.training.data.vector import VectorStyle, sample_vector_style, tightened

NEGATIVE = Palette(black=1.0, white=0.0)
GREY = Palette(chroma=0.0)


def _svg(body, *, head='viewBox="0 0 100 100"', root=""):
    return f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="100" height="100" {head}>{root}{body}</svg>'.encode()


def _render(svg):
    return decode(svg, max_bytes=2**22, max_pixels=10**6, shortest_side=100).pixels.astype(int)


def _at(svg, x, y):
    return tuple(_render(svg)[y, x])


SQUARE = '<rect x="20" y="20" width="60" height="60" {}/>'


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (SQUARE.format('fill="#f00"'), "an attribute"),
        (SQUARE.format('style="fill:#f00"'), "a style"),
        (SQUARE.format('fill="blue" style="fill:rgb(255,0,0) !important"'), "a style over an attribute"),
        ("<style>.a{fill:red}</style>" + SQUARE.format('class="a"'), "a class"),
        ("<style>/* x */ rect, #b {fill:#ff0000}</style>" + SQUARE.format(""), "an element's rule"),
        ("<g fill='red'>" + SQUARE.format("") + "</g>", "inheritance"),
        ("<g color='red'>" + SQUARE.format("fill='currentColor'") + "</g>", "the current colour"),
        ("<defs><g id='s' fill='red'>" + SQUARE.format("") + "</g></defs><use xlink:href='#s'/>", "a use"),
        ("<defs>" + SQUARE.format("id='s'") + "</defs><use xlink:href='#s' fill='red'/>", "a use that fills"),
        ("<linearGradient id='g'><stop stop-color='red'/></linearGradient>" + SQUARE.format("fill='url(#g)'"), "a gradient"),
        ("<linearGradient id='h'><stop style='stop-color:red'/></linearGradient><linearGradient id='g' xlink:href='#h'/>" + SQUARE.format("fill='url(#g)'"), "a gradient of another's stops"),
    ],
    ids=lambda value: value if " " not in value[:3] and len(value) < 40 else "svg",
)  # fmt: skip
def test_a_colour_is_mapped_wherever_it_is_said(body, what):
    svg = _svg(body)
    assert _at(svg, 50, 50) == (255, 0, 0), what
    red, green, blue = _at(VectorStyle(palette=GREY).apply(svg), 50, 50)
    assert red == green == blue, what
    assert 100 < red < 200


def test_what_has_no_fill_of_its_own_is_black_and_mapped_too():
    assert _at(VectorStyle(palette=NEGATIVE).apply(_svg(SQUARE.format(""))), 50, 50) == (255, 255, 255)


def test_an_outline_has_the_width_that_was_asked_for_under_any_transformation():
    for transform, shape in (("", SQUARE), ("scale(0.1)", '<rect x="200" y="200" width="600" height="600" {}/>'), ("matrix(10,0,0,10,0,0)", '<rect x="2" y="2" width="6" height="6" {}/>')):  # fmt: skip
        svg = _svg(f"<g transform='{transform}'>" + shape.format("fill='red'") + "</g>")
        made = _render(VectorStyle(fill="none", stroke="one", weight=0.04).apply(svg))
        dark = (made.sum(axis=2) < 380)[50]
        assert dark[:40].sum() == pytest.approx(4, abs=1)
        assert not dark[40:60].any()


def test_gradients_are_evened_out_to_their_mean():
    stops = "<stop offset='0' stop-color='#000'/><stop offset='1' stop-color='#fff'/>"
    svg = _svg(f"<linearGradient id='g'>{stops}</linearGradient>" + SQUARE.format("fill='url(#g)'"))
    made = VectorStyle(fill="flat").apply(svg)
    assert _at(made, 25, 50) == _at(made, 75, 50)
    assert _at(made, 50, 50)[0] == pytest.approx(128, abs=2)


@pytest.mark.parametrize("fill", ["gradient", "radial", "gloss"])
def test_flat_areas_become_gradients(fill):
    made = _render(VectorStyle(fill=fill, angle=0.0).apply(_svg(SQUARE.format("fill='#808080'"))))
    assert np.ptp(made[50, 22:78, 0]) > 40


def test_a_line_without_an_area_stays_when_lines_go():
    svg = _svg("<path d='M10 50H90' fill='none' stroke='red' stroke-width='6'/>" + SQUARE.format("fill='teal' stroke='red' stroke-width='6'"))  # fmt: skip
    made = VectorStyle(stroke="none").apply(svg)
    assert _at(made, 12, 50) == (255, 0, 0)
    assert _at(made, 20, 30) != (255, 0, 0)


def test_soft_shadows_go_where_the_manner_is_hard():
    blurred = "<filter id='f'><feGaussianBlur stdDeviation='4'/></filter>" + SQUARE.format("filter='url(#f)'")
    svg = _svg(blurred + "<circle cx='90' cy='90' r='5' fill='red'/>")
    assert _at(VectorStyle(hard=True).apply(svg), 50, 50) == (255, 255, 255)
    assert _at(VectorStyle(hard=False).apply(svg), 50, 50) != (255, 255, 255)


@pytest.mark.parametrize(
    ("beneath", "where"), [("shadow", (84, 84)), ("echo", (84, 84)), ("sticker", (16, 50))]
)
def test_a_copy_lies_beneath(beneath, where):
    style = VectorStyle(beneath=beneath, offset=0.06, paper=(0.0, 0.0, 1.0))
    svg = _svg(SQUARE.format("id='s' fill='red'"))
    assert _at(svg, *where) == (255, 255, 255)
    made = style.apply(svg)
    assert _at(made, *where) != (255, 255, 255)
    assert _at(made, 50, 50) == (255, 0, 0)


@pytest.mark.parametrize(("badge", "corner"), [("page", True), ("tile", False), ("disc", False)])
def test_a_badge_lies_under_all(badge, corner):
    made = VectorStyle(badge=badge, badge_colour=(0.0, 0.0, 1.0)).apply(_svg(SQUARE.format("fill='red'")))
    assert _at(made, 50, 10) == (0, 0, 255)
    assert _at(made, 50, 50) == (255, 0, 0)
    assert (_at(made, 0, 0) == (0, 0, 255)) == corner


def test_masks_and_clips_are_left_as_they_are():
    body = "<mask id='m'><rect width='100' height='100' fill='white'/></mask>" + SQUARE.format(
        "fill='red' mask='url(#m)'"
    )
    assert _at(VectorStyle(palette=NEGATIVE).apply(_svg(body)), 50, 50) != (255, 255, 255)


def test_every_sampled_manner_gives_a_safe_drawing_that_renders():
    styles = [
        style for style in ALL_STYLES if style.slug in ("poster", "watercolour", "stained-glass", "ink")
    ]
    svgs = [drawing(style, ANIMALS[0]).encode() for style in styles]
    for number in range(60):
        manner = sample_vector_style(np.random.default_rng(number))
        assert manner == sample_vector_style(np.random.default_rng(number))
        svg = svgs[number % len(svgs)]
        made = manner.apply(svg)
        assert made == manner.apply(svg)
        guard_svg(made, max_bytes=2**24)
        assert _render(made).shape == (100, 100, 3)


def test_sampling_reaches_every_manner():
    manners = [sample_vector_style(np.random.default_rng(number)) for number in range(600)]
    assert {manner.fill for manner in manners} == {
        "keep",
        "flat",
        "gradient",
        "radial",
        "gloss",
        "paper",
        "none",
    }
    assert {manner.stroke for manner in manners} == {"keep", "one", "own", "none"}
    assert {manner.beneath for manner in manners} == {"nothing", "shadow", "echo", "sticker"}
    assert {manner.badge for manner in manners} == {"nothing", "page", "disc", "tile"}
    assert all(manner.stroke != "none" for manner in manners if manner.fill == "none")
    assert len({manner.name for manner in manners}) > 300


def test_gzipped_drawings_are_taken():
    assert VectorStyle().apply(gzip.compress(_svg(SQUARE.format("")))).startswith(b"<?xml")


PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.mark.parametrize(
    ("svg", "code"),
    [
        (
            _svg(f"<image xlink:href='data:image/png;base64,{PNG}' width='9' height='9'/>"),
            "svg_not_restylable",
        ),
        (_svg("<title>nothing</title>"), "svg_not_restylable"),
        (_svg("<style>a > b {fill:red}</style>" + SQUARE.format("")), "svg_not_restylable"),
        (_svg("<style>.a {fill:red</style>" + SQUARE.format("")), "svg_not_restylable"),
        (_svg(SQUARE.format("") * 5000), "svg_not_restylable"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="1" height="1"/></svg>', "svg_not_restylable"),
        (_svg("<image xlink:href='http://example.org/x.png'/>"), "svg_external"),
        (b"<html/>", "svg_unreadable"),
        (b"not xml", "svg_unreadable"),
    ],
)
def test_what_cannot_be_restyled_is_refused(svg, code):
    with pytest.raises(ImageError) as refused:
        VectorStyle().apply(svg)
    assert refused.value.code == code
    assert refused.value.hint


@pytest.mark.parametrize("head", ["", 'viewBox="0 0 100 100"'])
def test_a_frame_moves_close_to_a_small_drawing(head):
    small = _svg("<rect x='60' y='60' width='20' height='10' fill='red'/>", head=head)
    made = tightened(small, margin=0.1)
    red = (_render(made) == (255, 0, 0)).all(axis=2)
    assert red.mean() == pytest.approx(20 * 10 / (24 * 14), abs=0.06)
    assert tightened(_svg(SQUARE.format("stroke='black' stroke-width='60'"))) == _svg(
        SQUARE.format("stroke='black' stroke-width='60'")
    )
    assert tightened(_svg("<g/>")) == _svg("<g/>")


@pytest.mark.parametrize(
    ("size", "share"), [("1in", 0.25), ("25.4mm", 0.25), ("72pt", 0.25), ("96px", 0.25), ("96", 0.25)]
)
def test_a_size_in_any_unit_gives_the_frame(size, share):
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}"><circle cx="48" cy="48" r="20"/></svg>'
    made = _render(VectorStyle(badge="disc", badge_colour=(0.0, 0.0, 1.0)).apply(svg.encode()))
    assert (made[2:98, 50] == (0, 0, 255)).all(axis=1).mean() > share
