import io
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from stylesearch.encoders import decoding
from stylesearch.encoders.decoding import SHORTEST_SIDE, decode_box, decode_for
from stylesearch.errors import ImageError

LIMITS = {"max_bytes": 2**24, "max_pixels": 2**24}


@dataclass
class Needs:
    """An encoder, as far as decoding asks."""

    input_size: int = 224


def picture(size: tuple[int, int], file_format: str, **options: object) -> tuple[bytes, np.ndarray]:
    """A picture as a file, and its pixels as Pillow reads them."""
    few = Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 12, 3), dtype=np.uint8))
    buffer = io.BytesIO()
    few.resize(size[::-1], Image.Resampling.BICUBIC).save(buffer, file_format, **options)
    return buffer.getvalue(), np.asarray(Image.open(buffer).convert("RGB"))


@pytest.mark.parametrize(
    ("file_format", "options"),
    [
        ("PNG", {}),
        ("JPEG", {"quality": 85}),
        ("JPEG", {"quality": 90, "subsampling": 0}),
        ("WEBP", {}),
        ("TIFF", {}),
    ],
)
@pytest.mark.parametrize("size", [(700, 900), (40, 3000)])
def test_at_full_size_the_pixels_are_those_that_others_read(size, file_format, options):
    data, expected = picture(size, file_format, **options)
    assert np.array_equal(decode_for(Needs(), data, **LIMITS, full=True).pixels, expected)


def test_by_default_large_pictures_are_reduced():
    data, _ = picture((700, 900), "JPEG")
    assert min(decode_for(Needs(), data, **LIMITS).pixels.shape[:2]) == SHORTEST_SIDE
    assert min(decode_for(Needs(448), data, **LIMITS).pixels.shape[:2]) == 448


def test_what_is_enormous_is_reduced_even_at_full_size(monkeypatch):
    monkeypatch.setattr(decoding, "FULL_PIXELS", 500_000)
    data, _ = picture((1000, 2000), "PNG")
    found = decode_for(Needs(), data, **LIMITS, full=True)
    assert found.pixels.shape == (500, 1000, 3)
    assert (found.info.height, found.info.width) == (1000, 2000)


def test_a_drawing_is_drawn_at_one_size():
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4" cx="4" cy="4"/></svg>'
    assert decode_for(Needs(), svg, **LIMITS).pixels.shape == (SHORTEST_SIDE, SHORTEST_SIDE, 3)
    assert decode_for(Needs(), svg, **LIMITS, full=True).pixels.shape == (SHORTEST_SIDE, SHORTEST_SIDE, 3)
    assert decode_for(Needs(336), svg, **LIMITS, full=True).pixels.shape == (336, 336, 3)


@pytest.mark.parametrize("full", [False, True])
def test_limits_hold(full):
    data, _ = picture((100, 100), "PNG")
    with pytest.raises(ImageError) as caught:
        decode_for(Needs(), data, max_bytes=2**24, max_pixels=99, full=full)
    assert caught.value.code == "image_too_many_pixels"


def test_a_part_is_decoded_as_large_as_it_is_needed():
    data, pixels = picture((1000, 2000), "PNG")
    part = decode_box(Needs(), data, (100, 200, 400, 500), **LIMITS)
    assert min(part.shape[:2]) == pytest.approx(SHORTEST_SIDE, abs=1)
    assert part.shape[0] / part.shape[1] == pytest.approx(500 / 400, rel=0.02)
    # Of a part that is smaller than is needed, all pixels that there are.
    assert np.array_equal(decode_box(Needs(), data, (30, 40, 50, 60), **LIMITS), pixels[40:100, 30:80])
    whole = decode_box(Needs(), data, (0, 0, 2000, 1000), **LIMITS)
    assert np.array_equal(whole, decode_for(Needs(), data, **LIMITS).pixels)


def test_the_last_pixel_is_a_part_too():
    data, pixels = picture((1000, 2000), "PNG")
    assert np.array_equal(decode_box(Needs(), data, (1999, 999, 1, 1), **LIMITS), pixels[999:, 1999:])


def test_a_part_of_a_drawing_is_drawn_larger():
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect x="20" width="20" height="20"/></svg>'
    part = decode_box(Needs(), svg, (10, 5, 20, 10), **LIMITS)
    assert part.shape[:2] == pytest.approx((SHORTEST_SIDE, 2 * SHORTEST_SIDE), abs=2)
    assert (part[:, : SHORTEST_SIDE - 4] == 255).all()
    assert (part[:, SHORTEST_SIDE + 4 :] == 0).all()


def test_a_part_of_an_enormous_picture_is_decoded_within_bounds(monkeypatch):
    monkeypatch.setattr(decoding, "FULL_PIXELS", 500_000)
    data, _ = picture((1000, 2000), "PNG")
    assert decode_box(Needs(), data, (0, 0, 100, 100), **LIMITS).shape[:2] == pytest.approx((50, 50), abs=1)
