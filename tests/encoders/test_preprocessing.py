import numpy as np
import pytest

from stylesearch.encoders.preprocessing import SIDE, squash, squash_batch
from stylesearch.errors import InputError


@pytest.mark.parametrize("size", [(1, 1), (224, 224), (20, 30_000), (317, 91)])
def test_any_size_becomes_a_square(size):
    assert squash(np.full((*size, 3), 200, dtype=np.uint8)).shape == (SIDE, SIDE, 3)


def test_fine_stripes_are_averaged_not_sampled():
    stripes = np.zeros((16, 2240, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    squashed = squash(stripes).astype(int)
    assert np.abs(squashed - 127).max() <= 5


def test_scale_is_that_of_training():
    pixels = np.zeros((2, 2, 3), dtype=np.uint8)
    assert squash_batch([pixels]).min() == squash_batch([pixels]).max() == np.float32(-127 / 128)
    assert squash_batch([pixels + 255]).max() == 1.0


def test_colours_keep_their_channel():
    red = np.zeros((5, 7, 3), dtype=np.uint8)
    red[..., 0] = 255
    batch = squash_batch([red])
    assert batch.shape == (1, 3, SIDE, SIDE)
    assert (batch[0, 0] == 1.0).all()
    assert (batch[0, 1:] < 0).all()


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_what_is_not_pixels_is_refused(pixels):
    with pytest.raises(InputError) as caught:
        squash(pixels)
    assert caught.value.code == "pixels"
