import warnings

import numpy as np
import pytest
from PIL import Image

from stylesearch.attribution.comparison import compare
from stylesearch.attribution.explanation import DepthShare, Explanation
from stylesearch.attribution.explanation_picture import ALIKE, APART, draw_explanation, heated
from stylesearch.attribution.regions import GRID
from stylesearch.attribution.traits import measure
from stylesearch.encoders.protocol import Depth, EncoderSpec


def picture(size: tuple[int, int] = (60, 90), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def explanation() -> Explanation:
    traits = measure(picture(), 64), measure(picture(seed=1), 64)
    regions = np.linspace(-0.02, 0.04, GRID * GRID).reshape(GRID, GRID)
    return Explanation(
        encoder=EncoderSpec("some-encoder", 4, "0" * 64, "none-v1", "CC0-1.0"),
        score=0.61,
        depths=(
            DepthShare(Depth("finest marks", 1.0), -0.2),
            DepthShare(Depth("larger forms", 60.0), 0.71),
        ),
        ordinary=0.1,
        regions=(regions, -regions),
        masked=True,
        traits=traits,
        findings=compare(*traits),
    )


def bare(explanation: Explanation, **values: object) -> Explanation:
    from dataclasses import replace

    return replace(explanation, **values)


def amounts(image: Image.Image, colour: str) -> int:
    return int((np.asarray(image) == list(bytes.fromhex(colour[1:]))).all(axis=2).sum())


def test_it_shows_both_pictures_and_bars_of_both_colours(explanation):
    red, green = (np.full((80, 80, 3), colour, np.uint8) for colour in ((250, 10, 20), (10, 250, 20)))
    sheet = draw_explanation(explanation, (red, green), ("a.png", "b.png"))
    assert sheet.mode == "RGB"
    assert amounts(sheet, "#fa0a14") > 100_000
    assert amounts(sheet, "#0afa14") > 100_000
    # The bars are as long as what they stand for: the larger is three and a half times the other.
    assert 2 < amounts(sheet, ALIKE) / amounts(sheet, APART) < 5


def test_it_is_the_same_each_time(explanation):
    one, other = (draw_explanation(explanation, (picture(), picture(seed=1)), ("a", "b")) for _ in range(2))
    np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_heat_is_blue_where_it_makes_alike_and_vermilion_where_not():
    regions = np.zeros((GRID, GRID))
    regions[0, 0], regions[6, 6] = 0.05, -0.025
    heat = np.asarray(heated(np.full((70, 70, 3), 255, np.uint8), regions, 0.05)).astype(int)
    side = len(heat) // GRID
    alike, apart, none = heat[4, 4], heat[-4, -4], heat[side * 3 + 5, side * 3 + 5]
    assert alike[2] > alike[0] + 100
    assert apart[0] > apart[2] + 50
    assert none.tolist() == [255, 255, 255]
    assert np.abs(alike - 255).sum() > np.abs(apart - 255).sum()


def test_the_strongest_regions_bear_their_sign():
    white, marked = np.full((70, 70, 3), 255, np.uint8), np.zeros((GRID, GRID))
    marked[3, 3] = 0.05
    weak = 0.5 * marked
    strong_cell, weak_cell = (
        np.asarray(heated(white, one, 0.05))[150:194, 150:194].reshape(-1, 3) for one in (marked, weak)
    )
    assert len(np.unique(strong_cell, axis=0)) > 2
    assert len(np.unique(weak_cell, axis=0)) <= 2


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (30, 2000)])
def test_any_size_can_be_drawn(explanation, size):
    assert draw_explanation(explanation, (picture(size), picture()), ("a", "b")).width > 1000


def test_an_encoder_without_depths_has_no_bars(explanation):
    less = draw_explanation(bare(explanation, depths=(), ordinary=0.0), (picture(), picture()), ("a", "b"))
    more = draw_explanation(explanation, (picture(), picture()), ("a", "b"))
    assert amounts(less, ALIKE) < amounts(more, ALIKE)


def test_where_no_region_counts_nothing_is_coloured(explanation):
    none = bare(explanation, regions=(np.zeros((GRID, GRID)),) * 2)
    assert draw_explanation(none, (picture(), picture()), ("a", "b")).width > 1000


@pytest.mark.parametrize("name", ["x" * 5000, "$\\frac{1}{0}$.png", "画\u202e\x1b[31m\n.png", "", "ü–ж.png"])
def test_odd_names_do_no_harm(explanation, name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert draw_explanation(explanation, (picture(), picture()), (name, name)).width > 1000
