import hashlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from stylesearch.images.decode import Pixels
from stylesearch.images.hashes import hash_bands, hash_distance, near_bands, perceptual_hash, sha256

BIGINT = st.integers(-(2**63), 2**63 - 1)


def blobs(seed: int) -> Pixels:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((450, 300), Image.Resampling.BICUBIC))


def test_sha256_is_the_digest() -> None:
    assert sha256(b"abc") == hashlib.sha256(b"abc").digest()
    assert len(sha256(b"")) == 32


@pytest.mark.parametrize("seed", range(5))
def test_a_smaller_compressed_copy_is_near_and_another_picture_is_far(seed: int) -> None:
    pixels = blobs(seed)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((200, 133)).save(buffer, "JPEG", quality=60)
    copy = np.asarray(Image.open(buffer))
    assert hash_distance(perceptual_hash(pixels), perceptual_hash(copy)) <= 6
    assert hash_distance(perceptual_hash(pixels), perceptual_hash(blobs(seed + 100))) >= 16


def test_the_hash_fits_a_bigint_with_either_sign() -> None:
    hashes = [perceptual_hash(pixels) for seed in range(10) for pixels in (blobs(seed), 255 - blobs(seed))]
    assert all(-(2**63) <= value < 2**63 for value in hashes)
    assert min(hashes) < 0
    # A picture's first coefficient is its brightness: only a black one has none above the median.
    assert perceptual_hash(np.zeros((40, 40, 3), np.uint8)) >= 0


def test_one_pixel_can_be_hashed() -> None:
    assert isinstance(perceptual_hash(np.full((1, 1, 3), 200, np.uint8)), int)


@given(BIGINT, BIGINT)
def test_distance_counts_bits(a: int, b: int) -> None:
    bits_a, bits_b = (np.frombuffer(value.to_bytes(8, signed=True), np.uint8) for value in (a, b))
    expected = int(np.unpackbits(bits_a ^ bits_b).sum())
    assert hash_distance(a, b) == hash_distance(b, a) == expected
    assert hash_distance(a, a) == 0


def test_the_farthest_is_64() -> None:
    assert hash_distance(0, -1) == 64


@given(BIGINT)
def test_bands_hold_the_whole_hash(value: int) -> None:
    bands = hash_bands(value)
    assert [band >> 16 for band in bands] == [0, 1, 2, 3]
    whole = sum((band & 0xFFFF) << (48 - 16 * place) for place, band in enumerate(bands))
    assert whole == value & (2**64 - 1)


@given(BIGINT, st.lists(st.integers(0, 63), max_size=7, unique=True))
def test_hashes_that_differ_in_six_bits_meet_in_a_band(value: int, flipped: list[int]) -> None:
    other = value & (2**64 - 1)
    for bit in flipped:
        other ^= 1 << bit
    other -= (other >> 63) << 64
    meet = set(near_bands(value)) & set(hash_bands(other))
    assert meet or len(flipped) == 7
    assert len(near_bands(value)) == 4 * 17
