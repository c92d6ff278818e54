import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from stylesearch.encoders.lite import STATISTICS, WHITENING_PATH, LiteEncoder, Whitening
from stylesearch.encoders.protocol import Encoder
from stylesearch.errors import InputError, StylesearchError


def _pictures(count=7):
    random = np.random.default_rng(3)
    coarse = [random.integers(0, 256, (6, 5, 3), dtype=np.uint8) for _ in range(count)]
    return [np.repeat(np.repeat(cells, 10 + k, axis=0), 12, axis=1) for k, cells in enumerate(coarse)]


@pytest.fixture(scope="module")
def encoder() -> LiteEncoder:
    return LiteEncoder(device="cpu")


def test_it_is_an_encoder(encoder):
    assert isinstance(encoder, Encoder)
    assert encoder.input_size == 224


def test_descriptors_are_unit_vectors_that_differ(encoder):
    descriptors = encoder.encode(_pictures())
    assert descriptors.shape == (7, encoder.spec.dim)
    assert descriptors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(descriptors, axis=1), 1, atol=1e-5)
    alike = descriptors @ descriptors.T
    assert alike[~np.eye(7, dtype=bool)].max() < 0.999


@pytest.mark.parametrize("value", [0, 127, 255])
@pytest.mark.parametrize("size", [(1, 1), (20, 30_000), (30_000, 20), (224, 224)])
def test_constant_pictures_have_finite_unit_descriptors(encoder, size, value):
    descriptor = encoder.encode([np.full((*size, 3), value, dtype=np.uint8)])[0]
    assert np.isfinite(descriptor).all()
    assert abs(np.linalg.norm(descriptor) - 1) < 1e-5


def test_a_descriptor_does_not_depend_on_its_neighbours(encoder):
    pictures = _pictures(33)
    together = encoder.encode(pictures)
    alone = np.concatenate([encoder.encode([picture]) for picture in pictures])
    backwards = encoder.encode(pictures[::-1])[::-1]
    np.testing.assert_allclose(alone, together, atol=1e-5)
    np.testing.assert_allclose(backwards, together, atol=1e-5)


def test_two_loads_agree_exactly(encoder):
    pictures = _pictures()
    assert np.array_equal(LiteEncoder(device="cpu").encode(pictures), encoder.encode(pictures))


def test_threads_load_it_once_and_agree():
    encoder = LiteEncoder(device="cpu")
    pictures = _pictures(2)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: encoder.encode(pictures), range(8)))
    for result in results:
        np.testing.assert_allclose(result, results[0], atol=1e-5)


def test_an_empty_batch_is_empty(encoder):
    assert encoder.encode([]).shape == (0, encoder.spec.dim)


def test_what_is_not_pixels_is_refused(encoder):
    with pytest.raises(InputError, match="uint8"):
        encoder.encode([np.zeros((5, 5, 3), dtype=np.float32)])


def test_the_identity_is_stable_and_knows_its_weights(encoder, tmp_path: Path):
    spec = encoder.spec
    assert (spec.slug, spec.dim, spec.license) == ("lite", 256, "Apache-2.0")
    assert re.fullmatch("[0-9a-f]{64}", spec.weights_sha256)
    assert LiteEncoder(device="auto").spec.digest == spec.digest

    other = tmp_path / "other.safetensors"
    tensors = load_file(WHITENING_PATH)
    save_file({**tensors, "mean": tensors["mean"] + 1}, other)
    assert LiteEncoder(whitening_path=other).spec.digest != spec.digest


def test_the_shipped_whitening_says_what_it_was_fitted_on():
    from safetensors import safe_open

    with safe_open(WHITENING_PATH, framework="numpy") as file:
        fitted_on = file.metadata()["fitted_on"]
    assert "breeze" in fitted_on
    for kept_for_testing in ("Tango", "oxygen", "Numix", "Mint-Y", "Obsidian", "Nuovo"):
        assert kept_for_testing not in fitted_on.split(": ")[1].split(", ")
    assert WHITENING_PATH.stat().st_size <= 4 * 1024**2


@pytest.mark.parametrize(
    "tensors",
    [
        {"mean": np.zeros(STATISTICS, np.float32)},
        {"mean": np.zeros(3, np.float32), "projection": np.zeros((3, 2), np.float32)},
        {
            "mean": np.full(STATISTICS, np.nan, np.float32),
            "projection": np.zeros((STATISTICS, 2), np.float32),
        },
    ],
)
def test_a_wrong_whitening_is_refused(tmp_path: Path, tensors):
    path = tmp_path / "wrong.safetensors"
    save_file(tensors, path)
    with pytest.raises(StylesearchError) as caught:
        Whitening.read(path)
    assert caught.value.code == "weights_mismatch"


def test_a_damaged_whitening_is_refused(tmp_path: Path):
    path = tmp_path / "cut.safetensors"
    path.write_bytes(WHITENING_PATH.read_bytes()[:1000])
    with pytest.raises(StylesearchError, match=r"cut\.safetensors cannot be read"):
        Whitening.read(path)


def test_a_descriptor_that_is_not_finite_is_refused(tmp_path: Path):
    path = tmp_path / "null.safetensors"
    save_file(
        {"mean": np.zeros(STATISTICS, np.float32), "projection": np.zeros((STATISTICS, 2), np.float32)}, path
    )
    with pytest.raises(StylesearchError) as caught:
        LiteEncoder(device="cpu", whitening_path=path).encode(_pictures(1))
    assert caught.value.code == "descriptor_invalid"
