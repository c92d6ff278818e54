import numpy as np
import pytest

from stylesearch.search.layout import lay_out, main_directions


def groups(number: int, each: int, *, dim: int = 24, seed: int = 0) -> np.ndarray:
    dice = np.random.default_rng(seed)
    centres = np.repeat(dice.normal(size=(number, dim)), each, axis=0)
    vectors = centres + 0.1 * dice.normal(size=centres.shape)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_what_is_near_comes_to_lie_near():
    places = lay_out(groups(4, 25))
    assert places.shape == (100, 2)
    assert places.min() >= 0
    assert places.max() <= 1
    labels = np.repeat(np.arange(4), 25)
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    nearest = np.argsort(distances, axis=1)[:, 1:6]
    assert (labels[nearest] == labels[:, None]).mean() > 0.98


def test_the_same_vectors_give_the_same_map():
    vectors = groups(3, 10)
    assert np.array_equal(lay_out(vectors), lay_out(vectors))


@pytest.mark.parametrize("number", [0, 1, 2, 3, 11, 12, 13])
def test_few_works_are_laid_out_too(number):
    places = lay_out(groups(max(1, number), 1)[:number])
    assert places.shape == (number, 2)
    assert np.isfinite(places).all()


def test_works_that_are_all_alike_lie_in_one_place_or_beside_each_other():
    alike = np.tile(groups(1, 1), (20, 1))
    assert np.isfinite(lay_out(alike)).all()


def test_main_directions_are_the_widest_first_and_always_point_the_same_way():
    vectors = groups(5, 30, dim=60)
    found = main_directions(vectors, 8)
    assert found.shape == (150, 8)
    spread = found.std(axis=0)
    assert (np.diff(spread) <= 1e-6).all()
    assert np.allclose(found, main_directions(vectors.copy(), 8))
