import io

import numpy as np
from PIL import Image

from stylesearch.attribution.overlay import overlay, same_shape


def webp(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()


def test_what_is_alike_is_grey_and_what_is_not_has_a_colour():
    white = np.full((60, 80, 3), 255, dtype=np.uint8)
    one, other = white.copy(), white.copy()
    one[:, :20] = 0
    other[:, 60:] = 0
    one[:, 30:50] = other[:, 30:50] = 0
    result = np.asarray(
        Image.open(io.BytesIO(overlay(webp(one), webp(other[::2, ::2])))).convert("RGB")
    ).astype(int)
    assert result.shape == (60, 80, 3)
    only_one, only_other, both, neither = result[30, 8], result[30, 72], result[30, 40], result[30, 25]
    assert only_one[0] < 60 < 200 < only_one[1]
    assert only_other[1] < 60 < 200 < only_other[0]
    assert np.ptp(both) < 20
    assert np.ptp(neither) < 20


def test_proportions_are_compared():
    assert same_shape(800, 600, 400, 300)
    assert same_shape(800, 600, 403, 300)
    assert not same_shape(800, 600, 400, 400)
