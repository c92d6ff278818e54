"""Traits are measured on drawings whose traits are known, and stay the same under what is no matter of style."""

import io
from math import nan

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from stylesearch.attribution.traits import LEAST_SIDE, MOST_SIDE, common_side, measure, trimmed

SIDE = 320


def lines(width: int, *, ink: str = "black", paper: str = "#eeeeee", step: int = 60) -> np.ndarray:
    """Slanting lines of a width in pixels."""
    image = Image.new("RGB", (SIDE * 4, SIDE * 4), paper)
    draw = ImageDraw.Draw(image)
    for start in range(-SIDE, 2 * SIDE, step):
        draw.line((4 * start, 0, 4 * (start + SIDE // 2), 4 * SIDE), fill=ink, width=4 * width)
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX))


def waves(period: float, height: float = 40) -> np.ndarray:
    """Slanting waves of grey of a period in pixels."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    grey = 128 + height * np.sin(2 * np.pi * (0.8 * rows + 0.6 * columns) / period)
    return np.repeat(grey.round().astype(np.uint8)[..., None], 3, axis=2)


def disc(blur: float = 0, fill: str = "#3060c0") -> np.ndarray:
    image = Image.new("RGB", (SIDE, SIDE), "#dddddd")
    ImageDraw.Draw(image).ellipse((60, 60, 260, 260), fill=fill)
    return np.asarray(image.filter(ImageFilter.GaussianBlur(blur)) if blur else image)


def as_jpeg(pixels: np.ndarray, quality: int = 80) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


@pytest.mark.parametrize("width", [6, 9, 14])
def test_line_weight_is_the_width_of_lines(width):
    # The lines slant: across, they are as wide as they were drawn along the rows, less by the slant.
    found = measure(lines(width), SIDE).line_weight
    assert found == pytest.approx(100 * width / SIDE, rel=0.2)


def test_without_dark_lines_there_is_no_line_weight():
    assert measure(disc(), SIDE).line_weight is None
    chalk = Image.new("RGB", (SIDE, SIDE), "#202020")
    ImageDraw.Draw(chalk).line((160, 0, 160, SIDE), fill="white", width=6)
    assert measure(np.asarray(chalk), SIDE).line_weight is None


def test_outlines_are_told_from_bare_edges():
    bare = Image.new("RGB", (SIDE, SIDE), "#dddddd")
    outlined = bare.copy()
    for number in range(9):
        box = (
            20 + 100 * (number % 3),
            20 + 100 * (number // 3),
            90 + 100 * (number % 3),
            90 + 100 * (number // 3),
        )
        ImageDraw.Draw(bare).ellipse(box, fill="#e08050")
        ImageDraw.Draw(outlined).ellipse(box, fill="#e08050", outline="black", width=4)
    # A disc is narrow where it begins: there its own body passes for a stroke.
    assert measure(np.asarray(bare), SIDE).outlines < 35
    assert measure(np.asarray(outlined), SIDE).outlines > 90


def test_edges_get_softer_with_a_blur():
    softness = [measure(disc(blur), SIDE).edge_softness for blur in (0, 2, 4)]
    assert softness == sorted(softness)
    assert softness[2] > 2 * softness[0]


@pytest.mark.parametrize("period", [4.5, 8, 14])
def test_texture_scale_is_the_period(period):
    assert measure(waves(period), SIDE).texture_scale == pytest.approx(100 * period / SIDE, rel=0.1)


def test_one_colour_has_no_edges_and_no_texture():
    found = measure(np.full((SIDE, SIDE, 3), (10, 120, 120), np.uint8), SIDE)
    assert (found.line_weight, found.outlines, found.edge_softness, found.texture_scale) == (None,) * 4
    assert (found.contrast, found.detail) == pytest.approx((0, 0), abs=1e-3)
    assert found.flatness == 100
    assert len(found.palette) == 1


def test_flatness_is_low_where_surfaces_are_textured():
    assert measure(disc(), SIDE).flatness == 100
    for grain in (6, 12, 40):
        grainy = np.random.default_rng(0).normal(disc(), grain).clip(0, 255).astype(np.uint8)
        assert measure(grainy, SIDE).flatness < 20, grain


def test_lines_on_paper_are_flat_and_shading_is_not():
    assert measure(lines(6, paper="white"), SIDE).flatness > 95
    cells = np.random.default_rng(0).choice([[200, 40, 40], [40, 160, 60], [230, 200, 60]], (32, 32))
    outlined = np.kron(cells, np.ones((10, 10, 1))).astype(np.uint8)
    outlined[::10] = outlined[1::10] = outlined[:, ::10] = outlined[:, 1::10] = 0
    assert measure(outlined, SIDE).flatness > 95
    ramp = np.linspace(40, 220, 40).astype(np.uint8)[None, :, None].repeat(SIDE, axis=0).repeat(3, axis=2)
    assert measure(np.tile(ramp, (1, SIDE // 40, 1)), SIDE).flatness < 20


def test_jpeg_takes_little_of_the_flatness_of_a_flat_picture():
    assert measure(as_jpeg(disc()), SIDE).flatness > 90


def test_colour_lightness_and_contrast():
    grey, red = (measure(lines(9, ink=ink), SIDE) for ink in ("#404040", "#c00000"))
    assert grey.colourfulness < 1 < red.colourfulness
    assert measure(np.full((50, 50, 3), 255, np.uint8), 64).lightness == pytest.approx(100, abs=0.1)
    assert measure(lines(30, ink="black", paper="white"), SIDE).contrast == pytest.approx(100, abs=1)
    assert measure(lines(30, ink="#777777", paper="#888888"), SIDE).contrast < 10


def test_detail_grows_with_the_fineness_of_what_is_drawn():
    assert measure(waves(4.5), SIDE).detail > 3 * measure(waves(40), SIDE).detail


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (3, 2)])
def test_any_size_can_be_measured(size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    found = measure(pixels, common_side(pixels, pixels))
    numbers = [getattr(found, name) for name in found.__slots__ if name != "palette"]
    assert all(number is None or np.isfinite(number) for number in numbers)


@pytest.mark.parametrize("how", ["mirrored", "turned", "larger", "jpeg"])
def test_what_is_no_matter_of_style_changes_little(how):
    pixels = lines(8, ink="#802020", paper="#e0d0a0")
    changed = {
        "mirrored": lambda: pixels[:, ::-1],
        "turned": lambda: np.rot90(pixels),
        "larger": lambda: np.asarray(Image.fromarray(pixels).resize((900, 900), Image.Resampling.BICUBIC)),
        "jpeg": lambda: as_jpeg(pixels, 92),
    }[how]()
    before, after = measure(pixels, SIDE), measure(changed, SIDE)
    for name in ("colourfulness", "lightness", "contrast", "line_weight", "texture_scale", "detail"):
        assert getattr(after, name) == pytest.approx(getattr(before, name) or nan, rel=0.1, abs=1), name


def test_margins_of_paper_are_cut_and_paper_inside_stays():
    pixels = np.full((50, 80, 3), 255, np.uint8)
    pixels[10, 20:60] = 0
    pixels[30, 25] = (255, 200, 255)
    assert trimmed(pixels).shape == (21, 40, 3)
    white = np.full((5, 6, 3), 252, np.uint8)
    assert trimmed(white) is white


def test_both_are_looked_at_with_the_smaller_ones_side_within_limits():
    def of(height: int, width: int) -> np.ndarray:
        return np.zeros((height, width, 3), np.uint8)

    assert common_side(of(100, 300), of(200, 250)) == 250
    assert common_side(of(2000, 1000), of(900, 3000)) == MOST_SIDE
    assert common_side(of(2, 3), of(900, 3000)) == LEAST_SIDE
