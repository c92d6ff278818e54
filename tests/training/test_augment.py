import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylesearch.training.augment import Augmentation, StoredViews, generators

RED_RAMP = np.linspace(0, 255, 96).astype(np.uint8)


def ramp_picture() -> np.ndarray:
    """Red rises to the right, green falls as red rises, blue is one value."""
    pixels = np.empty((96, 96, 3), np.uint8)
    pixels[..., 0], pixels[..., 1], pixels[..., 2] = RED_RAMP, 255 - RED_RAMP, 77
    return pixels


def view(pixels: np.ndarray, augmentation: Augmentation, seed: int = 0) -> np.ndarray:
    return augmentation.view(pixels, np.random.default_rng(seed))


def test_whole_pictures_are_only_flipped_and_turned() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    whole = Augmentation(side=32, smallest=1.0, stretch=1.0)
    expected = sorted(map(tuple, pixels.reshape(-1, 3).tolist()))
    seen = set()
    for seed in range(60):
        found = view(pixels, whole, seed)
        assert sorted(map(tuple, found.reshape(3, -1).T.tolist())) == expected
        seen.add(found.tobytes())
    # The eight ways to lay a square down.
    turned = [np.rot90(laid, k) for laid in (pixels, pixels[:, ::-1]) for k in range(4)]
    assert seen == {np.ascontiguousarray(laid.transpose(2, 0, 1)).tobytes() for laid in turned}


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_colours_stay_what_they_are(seed) -> None:
    found = view(ramp_picture(), Augmentation(side=48), seed).astype(int)
    assert (found[2] == 77).all()
    assert np.abs(found[0] + found[1] - 255).max() <= 1


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_mean_and_spread_of_colours_stay_what_they_are_within_interpolation(seed) -> None:
    # Tiles of eight colours: any cut holds about the same of each.
    palette = np.random.default_rng(7).integers(0, 256, (8, 3), np.uint8)
    tiles = np.indices((256, 256)) // 8
    pixels = palette[(tiles[0] + 3 * tiles[1]) % 8]
    found = view(pixels, Augmentation(side=192, smallest=0.5), seed).reshape(3, -1)
    assert np.abs(found.mean(axis=1) - pixels.reshape(-1, 3).mean(axis=0)).max() < 1
    assert np.abs(found.std(axis=1) / pixels.reshape(-1, 3).std(axis=0) - 1).max() < 0.06


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_edges_stay_sharp(seed) -> None:
    augmentation = Augmentation(side=64)
    pixels = np.zeros((augmentation.source_side, augmentation.source_side, 3), np.uint8)
    pixels[:, augmentation.source_side // 2 :] = 255
    between = ((view(pixels, augmentation, seed) > 30) & (view(pixels, augmentation, seed) < 225)).mean()
    assert between <= 2 / 64  # at most the two pixels on either side of the edge


def test_a_cut_keeps_at_least_the_smallest_share() -> None:
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.indices((100, 100))
    shares = []
    for seed in range(300):
        found = view(pixels, Augmentation(side=100, smallest=0.25, turn=0.0), seed).astype(int)
        shares.append((np.ptp(found[0]) + 1) * (np.ptp(found[1]) + 1) / 100**2)
    assert 0.23 < min(shares) < 0.3
    assert max(shares) > 0.9


def test_square_cuts_of_a_frieze_show_a_stretch_of_it_and_others_squash_it() -> None:
    pixels = np.zeros((40, 200, 3), np.uint8)
    pixels[..., 0] = np.arange(200)
    widths = {
        square: [
            int(np.ptp(view(pixels, Augmentation(side=40, square=square, turn=0.0), seed)[0]))
            for seed in range(200)
        ]
        for square in (True, False)
    }
    assert max(widths[True]) <= 41
    assert max(widths[False]) > 190


def test_views_depend_on_seed_step_sample_and_view_alone() -> None:
    draws = {
        name: [generator.random() for generator in generators(*key)]
        for name, key in {"a": (1, 2, 3), "seed": (9, 2, 3), "step": (1, 9, 3), "sample": (1, 2, 9)}.items()
    }
    assert len({value for pair in draws.values() for value in pair}) == 8
    assert [generator.random() for generator in generators(1, 2, 3)] == draws["a"]
    augmentation = Augmentation(side=16)
    first = augmentation(ramp_picture(), generators(1, 2, 3))
    again = augmentation(ramp_picture(), generators(1, 2, 3))
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert not np.array_equal(*first)


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (3000, 20), (7, 5)])
@pytest.mark.parametrize("square", [True, False])
def test_pictures_of_any_shape(shape, square) -> None:
    pixels = np.full((*shape, 3), (200, 30, 60), np.uint8)
    for seed in range(20):
        found = view(pixels, Augmentation(side=24, square=square), seed)
        assert found.shape == (3, 24, 24)
        assert found.flags.c_contiguous
        assert (found.reshape(3, -1) == np.array([[200], [30], [60]])).all()


def test_all_settings_are_told() -> None:
    assert Augmentation(side=32).settings == dataclasses.asdict(Augmentation(side=32))


def test_stored_views_are_two_different_ones_and_each_is_shown() -> None:
    stored = np.arange(4, dtype=np.float32)[:, None]
    pairs = {
        tuple(float(row[0]) for row in StoredViews()(stored, generators(0, step, 5))) for step in range(300)
    }
    assert pairs == {(a, b) for a in range(4) for b in range(4) if a != b}
    alone = StoredViews()(stored[:1], generators(0, 0, 0))
    assert [float(row[0]) for row in alone] == [0.0, 0.0]
