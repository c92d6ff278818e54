"""Regions of pictures, with encoders whose descriptors can be told by hand."""

import numpy as np
import pytest

from stylesearch.attribution.regions import GRID, describe_occluded, regions_of
from stylesearch.encoders.protocol import EncoderSpec
from stylesearch.errors import StylesearchError


class MeanColour:
    """Describes a picture by its mean colour; keeps how many pictures it was given at a time."""

    spec = EncoderSpec("mean-colour", 3, "0" * 64, "none-v1", "CC0-1.0")
    input_size = 1

    def __init__(self) -> None:
        self.batches: list[int] = []

    def encode(self, images):
        self.batches.append(len(images))
        means = np.stack([image.mean(axis=(0, 1)) for image in images])
        with np.errstate(invalid="ignore"):
            return (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)


class Prepares(MeanColour):
    """The same, in two steps."""

    full_size = True

    def prepare(self, pixels):
        return pixels.mean(axis=(0, 1))[None, None, None].round().astype(np.uint8)

    def encode_prepared(self, prepared):
        return self.encode([one[0] for one in prepared])


def patched(row: int, column: int) -> np.ndarray:
    pixels = np.full((70, 140, 3), (200, 0, 0), np.uint8)
    pixels[10 * row : 10 * row + 10, 20 * column : 20 * column + 20] = (0, 0, 200)
    return pixels


@pytest.mark.parametrize("kind", [MeanColour, Prepares])
def test_the_region_that_sets_them_apart_is_found(kind):
    encoder, pixels = kind(), patched(2, 5)
    red = np.array([1.0, 0.0, 0.0])
    score = float(encoder.encode([pixels])[0].astype(float) @ red)
    found = regions_of(describe_occluded(encoder, pixels), other=red, score=score)
    assert found.shape == (GRID, GRID)
    assert np.unravel_index(found.argmin(), found.shape) == (2, 5)
    assert found[2, 5] < 0
    others = np.delete(found.flatten(), 2 * GRID + 5)
    assert others.min() > found[2, 5] / 2
    assert max(encoder.batches) <= 8


def test_without_what_makes_them_alike_the_score_falls():
    encoder, pixels = MeanColour(), patched(6, 0)
    blue = np.array([0.0, 0.0, 1.0])
    score = float(encoder.encode([pixels])[0].astype(float) @ blue)
    found = regions_of(describe_occluded(encoder, pixels), other=blue, score=score)
    assert np.unravel_index(found.argmax(), found.shape) == (6, 0)
    assert found[6, 0] > 0


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (7, 7)])
def test_small_and_long_pictures_have_all_regions(size):
    pixels = np.random.default_rng(0).integers(1, 256, (*size, 3), dtype=np.uint8)
    assert describe_occluded(MeanColour(), pixels).shape == (GRID * GRID, 3)


def test_the_picture_is_not_touched():
    pixels = patched(1, 1)
    describe_occluded(MeanColour(), pixels)
    np.testing.assert_array_equal(pixels, patched(1, 1))


def test_a_descriptor_that_cannot_be_is_refused():
    with pytest.raises(StylesearchError) as caught:
        describe_occluded(MeanColour(), np.zeros((9, 9, 3), np.uint8))
    assert caught.value.code == "descriptor_invalid"
