import numpy as np
import pytest

from stylesearch.attribution.planes import blurred, highest, lab, lowest


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (53.2, 80.1, 67.2)),
        ((0, 0, 255), (32.3, 79.2, -107.9)),
        ((119, 119, 119), (50.0, 0, 0)),
    ],
)
def test_colours_are_where_cielab_has_them(colour, expected):
    found = lab(np.full((2, 3, 3), colour, np.uint8))
    assert found.shape == (2, 3, 3)
    np.testing.assert_allclose(found[0, 0], expected, atol=0.7)


@pytest.mark.parametrize("shape", [(9, 14), (1, 1), (1, 30), (30, 1)])
@pytest.mark.parametrize("window", [1, 2, 3, 5, 8, 31])
def test_extremes_are_those_of_each_window(shape, window):
    plane = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    reach = window // 2
    expected = np.array(
        [
            [
                plane[
                    max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1
                ].max()
                for column in range(shape[1])
            ]
            for row in range(shape[0])
        ]
    )
    np.testing.assert_array_equal(highest(plane, window), expected)
    np.testing.assert_array_equal(lowest(-plane, window), -expected)


def test_a_blur_keeps_the_mean_and_its_bands_apart():
    plane = np.zeros((41, 41, 2), np.float32)
    plane[20, 20, 0] = 1
    found = blurred(plane, 2)
    assert found.shape == plane.shape
    assert found[..., 0].sum() == pytest.approx(1, abs=0.01)
    assert found[20, 20, 0] == pytest.approx(1 / (2 * np.pi * 4), rel=0.1)
    assert not found[..., 1].any()


def test_a_blur_goes_on_alike_beyond_the_edges():
    np.testing.assert_allclose(blurred(np.full((5, 7), 3, np.float32), 4), 3, rtol=1e-5)
