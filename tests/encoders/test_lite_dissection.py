import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from stylesearch.encoders.lite import DEPTHS_SEEN, WEIGHTS, LiteEncoder
from stylesearch.encoders.lite_dissection import DissectedByLite, ordinary_of, read_ordinary
from stylesearch.encoders.lite_network import (
    CORRELATED,
    DEPTHS,
    LiteNetwork,
    depth_of_statistics,
    map_statistics,
    statistics_length,
)
from stylesearch.encoders.protocol import ExplainingEncoder
from stylesearch.errors import InputError, StylesearchError


@pytest.fixture(scope="module")
def encoder() -> LiteEncoder:
    return LiteEncoder(device="cpu")


@pytest.fixture(scope="module")
def square() -> np.ndarray:
    few = np.random.default_rng(5).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    return np.kron(few, np.ones((14, 14, 1), np.uint8))


@pytest.fixture(scope="module")
def dissected(encoder, square) -> DissectedByLite:
    return encoder.dissect(square)


@pytest.fixture(scope="module")
def network(encoder) -> LiteNetwork:
    return encoder._build("cpu")


@pytest.fixture(scope="module")
def maps(network, square) -> list[torch.Tensor]:
    return network.maps(torch.from_numpy(square[None]))


def test_lite_can_explain_itself(encoder):
    assert isinstance(encoder, ExplainingEncoder)
    assert len(encoder.depths) == DEPTHS


def test_with_all_depths_it_is_the_descriptor(encoder, dissected, square):
    found = dissected.with_depths(np.ones((1, DEPTHS), bool))[0]
    np.testing.assert_allclose(found / np.linalg.norm(found), encoder.encode([square])[0], atol=1e-4)


def test_a_depth_that_is_absent_says_what_is_ordinary(dissected, network, square):
    kept = np.array([[True, False, True, True, False], [False] * DEPTHS])
    ordinary = read_ordinary(ordinary_of(WEIGHTS))
    statistics = network.statistics(torch.from_numpy(square[None]))[0].clone()
    absent = (depth_of_statistics() == 1) | (depth_of_statistics() == 4)
    statistics[absent] = ordinary[absent]
    expected = network.head.unscaled(torch.stack([statistics, ordinary]))
    np.testing.assert_allclose(dissected.with_depths(kept), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("grid", [2, 7])
def test_without_a_region_its_places_do_not_count(grid, dissected, network, maps):
    found = dissected.without_regions(grid)
    assert found.shape == (grid * grid, 256)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    for cell in (0, grid + 1, grid * grid - 1):
        row, column = divmod(cell, grid)
        statistics = []
        for depth, one in enumerate(maps):
            side = one.shape[2]
            assert side % grid == 0
            inside = torch.zeros(side, side, dtype=torch.bool)
            step = side // grid
            inside[row * step : (row + 1) * step, column * step : (column + 1) * step] = True
            left = one[:, :, ~inside][..., None]
            statistics.append(map_statistics(left, correlated=depth < CORRELATED))
        expected = network.head(torch.cat(statistics, dim=1))[0]
        np.testing.assert_allclose(found[cell], expected, atol=1e-4)


def test_what_lies_in_a_region_alone_changes_nothing_without_it(network, dissected, encoder, square):
    """A patch deep inside a quarter is gone with it, but for what places beside the quarter have seen of it."""
    patched = square.copy()
    patched[30:50, 30:50] = (255, 0, 0)
    other = encoder.dissect(patched)
    whole = np.ones((1, DEPTHS), bool)
    before, after = (one.with_depths(whole)[0] for one in (dissected, other))
    apart = 1 - before @ after / np.linalg.norm(before) / np.linalg.norm(after)
    without = 1 - np.sum(dissected.without_regions(2) * other.without_regions(2), axis=1)
    assert without[0] < apart / 20
    assert without[1:].min() > apart / 2


def test_the_reach_of_a_depth_is_as_far_as_its_places_see(network):
    pixels = torch.full((1, 224, 224, 3), 100.0, requires_grad=True)
    for depth, one in enumerate(network.maps(pixels)):
        middle = one.shape[2] // 2
        (slope,) = torch.autograd.grad(one[0, :, middle, middle].sum(), pixels, retain_graph=True)
        seen = torch.nonzero(slope.abs().sum(dim=(0, 2, 3))).flatten()
        wide = int(seen.max() - seen.min()) + 1
        assert wide == round(DEPTHS_SEEN[depth].reach / 100 * 224)


def test_what_is_ordinary_is_near_what_the_whitening_takes_away(network, square):
    ordinary = read_ordinary(ordinary_of(WEIGHTS))
    whitened = network.head.whitening(
        torch.stack([ordinary, network.statistics(torch.from_numpy(square[None]))[0]])
    )
    assert whitened[0].norm() < whitened[1].norm() / 2


def test_the_cuts_that_are_not_the_whole_square_are_refused():
    with pytest.raises(InputError, match="Only the policy squash can be explained, not tile") as caught:
        LiteEncoder(device="cpu", policy="tile").dissect(np.zeros((9, 90, 3), np.uint8))
    assert caught.value.code == "unknown_policy"


def test_what_is_not_pixels_is_refused(encoder):
    with pytest.raises(InputError, match="uint8"):
        encoder.dissect(np.zeros((5, 5, 3), np.float32))


@pytest.mark.parametrize(
    ("state", "code", "says"),
    [
        (None, "weights_missing", "cannot be read"),
        ({"statistics": torch.zeros(7)}, "weights_mismatch", "does not say what is ordinary"),
        ({"other": torch.zeros(statistics_length())}, "weights_mismatch", "does not say what is ordinary"),
        ({"statistics": torch.full((statistics_length(),), torch.nan)}, "weights_invalid", "NaN"),
    ],
)
def test_a_wrong_file_of_what_is_ordinary_is_refused(tmp_path, state, code, says):
    path = tmp_path / "wrong.safetensors"
    if state is not None:
        save_file(state, path)
    with pytest.raises(StylesearchError, match=says) as caught:
        read_ordinary(path)
    assert caught.value.code == code
