import numpy as np
import pytest
import torch

from stylesearch.encoders.backbone import MAP_CHANNELS, empty_backbone, load_backbone
from stylesearch.encoders.lite_network import (
    CORRELATED,
    DEPTHS,
    LiteHead,
    LiteNetwork,
    build_network,
    depth_of_statistics,
    map_statistics,
    statistics_length,
)
from stylesearch.errors import StylesearchError


@pytest.fixture(scope="module")
def network() -> LiteNetwork:
    """The real stem and stages, and a small head of chance weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        head = LiteHead(statistics_length(), kept=7, hidden=5, dim=6)
    return LiteNetwork(load_backbone(), head).eval()


@pytest.fixture
def state(network) -> dict[str, torch.Tensor]:
    return dict(network.state_dict())


PIXELS = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8))


def plain_statistics(maps: np.ndarray, *, correlated: bool) -> np.ndarray:
    """The same, sample by sample and pair by pair."""
    rows = []
    for one in maps.astype(np.float64):
        flat = one.reshape(len(one), -1)
        deviations = np.sqrt(flat.var(axis=1) + 1e-6)
        row = [*flat.mean(axis=1), *deviations]
        if correlated:
            for i in range(len(flat)):
                for j in range(i + 1, len(flat)):
                    together = np.mean((flat[i] - flat[i].mean()) * (flat[j] - flat[j].mean()))
                    row.append(together / (deviations[i] * deviations[j] + 1e-4))
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize("correlated", [False, True])
def test_statistics_are_those_of_a_plain_computation(correlated):
    maps = np.random.default_rng(0).normal(3, 2, (3, 6, 5, 7)).astype(np.float32)
    maps[:, 1] = 0.7 * maps[:, 0] + 0.3 * maps[:, 1]
    found = map_statistics(torch.from_numpy(maps), correlated=correlated).numpy()
    assert found.shape == (3, 12 + (15 if correlated else 0))
    np.testing.assert_allclose(found, plain_statistics(maps, correlated=correlated), atol=2e-5)


def test_where_things_are_does_not_matter():
    maps = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 4, 6, 6)).astype(np.float32))
    moved = maps.flatten(2)[:, :, torch.randperm(36, generator=torch.Generator().manual_seed(0))]
    there, here = (
        map_statistics(one, correlated=True) for one in (moved.reshape(maps.shape), maps.transpose(2, 3))
    )
    torch.testing.assert_close(there, here, rtol=0, atol=1e-5)


def test_a_channel_that_never_varies_goes_with_no_other():
    maps = torch.full((1, 3, 4, 4), 5.0)
    maps[0, 2] = torch.arange(16.0).reshape(4, 4)
    found = map_statistics(maps, correlated=True)[0]
    assert found[:3].tolist() == [5, 5, 7.5]
    assert found[3:5].max() < 0.01
    assert found[6:].tolist() == [0, 0, 0]


def test_a_picture_is_described_depth_by_depth(network):
    maps = [PIXELS.permute(0, 3, 1, 2).float().sub(127).div(128)]
    with torch.inference_mode():
        for part in list(load_backbone())[:DEPTHS]:
            maps.append(part(maps[-1]))
        found = network.statistics(PIXELS)
    expected = [
        plain_statistics(one.numpy(), correlated=depth < CORRELATED) for depth, one in enumerate(maps[1:])
    ]
    assert found.shape == (2, statistics_length())
    np.testing.assert_allclose(found.numpy(), np.concatenate(expected, axis=1), atol=1e-3)
    assert torch.bincount(depth_of_statistics()).tolist() == [rows.shape[1] for rows in expected]


def test_descriptors_are_unit_vectors_of_what_the_head_adds_up(network):
    with torch.inference_mode():
        whitened = network.head.whitening(network.statistics(PIXELS))
        bent = network.head.bent(torch.nn.functional.gelu(network.head.bend(whitened)))
        expected = network.head.straight(whitened) + bent
        found = network(PIXELS)
    torch.testing.assert_close(found, expected / expected.norm(dim=1, keepdim=True))
    torch.testing.assert_close(found.norm(dim=1), torch.ones(2))


def test_the_network_without_weights_has_the_same_tensors():
    full, empty = load_backbone().state_dict(), empty_backbone().state_dict()
    assert {name: tensor.shape for name, tensor in full.items()} == {
        name: tensor.shape for name, tensor in empty.items()
    }
    assert all(tensor.is_meta for tensor in empty.values())
    assert [part.shape[0] for part in (full["0.0.weight"], full["1.0.conv_pw.weight"])] == list(
        MAP_CHANNELS[:2]
    )


def test_the_heads_widths_are_the_weights_own(network, state):
    built = build_network(state, "the weights")
    assert (built.head.whitening.out_features, built.head.bend.out_features) == (7, 5)
    assert not any(parameter.requires_grad for parameter in built.parameters())
    with torch.inference_mode():
        assert torch.equal(built(PIXELS), network(PIXELS))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda state: state.pop("parts.2.1.conv_dw.weight"), r"lacks parts\.2\.1\.conv_dw\.weight"),
        (lambda state: state.pop("head.whitening.weight"), r"lacks head\.whitening\.weight"),
        (lambda state: state.pop("head.bent.bias"), r"lacks head\.bent\.bias"),
        (
            lambda state: state.update({"parts.5.0.conv_pw.weight": torch.ones(1)}),
            r"has parts\.5\.0\.conv_pw\.weight, which the model does not know",
        ),
        (
            lambda state: state.update({"head.bend.weight": torch.ones(5, 8)}),
            r"has head\.bend\.weight in the shape \[5, 8\], not \[5, 7\]",
        ),
        (
            lambda state: state.update({"head.whitening.weight": torch.ones(7)}),
            r"has head\.whitening\.weight in the shape \[7\], not \[1, \d+\]",
        ),
        (
            lambda state: state.update({"parts.0.0.weight": torch.ones(32, 1, 3, 3)}),
            r"has parts\.0\.0\.weight in the shape \[32, 1, 3, 3\], not \[32, 3, 3, 3\]",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(state, spoil, says):
    spoil(state)
    with pytest.raises(StylesearchError, match=f"The weights x {says}") as caught:
        build_network(state, "the weights x")
    assert caught.value.code == "weights_mismatch"
