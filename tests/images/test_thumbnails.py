import io

import numpy as np
import pytest
from PIL import Image

from stylesearch.images.thumbnails import thumbnail


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ((600, 900), 400, (400, 267)),
        ((900, 600), 400, (267, 400)),
        ((900, 600), 90, (60, 90)),
        ((20, 30), 400, (30, 20)),
        ((1, 1), 400, (1, 1)),
        ((1, 2048), 400, (400, 1)),
    ],
)
def test_a_thumbnail_fits_the_square(shape: tuple[int, int], size: int, expected: tuple[int, int]) -> None:
    pixels = np.full((*shape, 3), (200, 30, 60), np.uint8)
    with Image.open(io.BytesIO(thumbnail(pixels, size=size))) as image:
        assert image.format == "WEBP"
        assert image.size == expected
        assert np.abs(np.asarray(image.convert("RGB")).astype(int) - (200, 30, 60)).max() <= 6


def test_the_picture_stays_the_right_way_round() -> None:
    pixels = np.zeros((400, 400, 3), np.uint8)
    pixels[:200, :200] = 255
    with Image.open(io.BytesIO(thumbnail(pixels, size=100))) as image:
        small = np.asarray(image.convert("L"))
    assert small[10, 10] > 240
    assert max(small[10, 90], small[90, 10], small[90, 90]) < 15


def test_rows_that_are_not_contiguous_are_taken() -> None:
    pixels = np.zeros((100, 100, 3), np.uint8)[:, ::-1]
    assert thumbnail(pixels, size=50)
