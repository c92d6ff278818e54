from pathlib import Path

import numpy as np
import pytest
import torch

from stylesearch.encoders import backbone
from stylesearch.encoders.lite import PREPROCESSING
from stylesearch.encoders.preprocessing import LITE_DEVIATION, LITE_MEAN
from stylesearch.errors import StylesearchError


@pytest.fixture(scope="module")
def checkpoint() -> dict[str, torch.Tensor]:
    return torch.load(backbone.weights_path(), weights_only=True, map_location="cpu")


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    return backbone.load_network()


def test_the_key_map_covers_the_checkpoint_one_to_one(checkpoint, network):
    keys = backbone.key_map()
    assert set(keys) == set(checkpoint)
    assert set(keys.values()) == set(network.state_dict())


def test_a_missing_tensor_is_refused_by_name(checkpoint, network):
    state = {name: tensor for name, tensor in checkpoint.items() if name != "_blocks.3._expand_conv.weight"}
    with pytest.raises(StylesearchError, match=r"lacks _blocks\.3\._expand_conv\.weight") as caught:
        backbone.convert_state(state, network.state_dict())
    assert caught.value.code == "weights_mismatch"


def test_an_extra_tensor_is_refused_by_name(checkpoint, network):
    with pytest.raises(StylesearchError, match=r"has _blocks\.16\._bn0\.weight"):
        backbone.convert_state({**checkpoint, "_blocks.16._bn0.weight": torch.zeros(1)}, network.state_dict())


def test_a_misshapen_tensor_is_refused_by_name(checkpoint, network):
    with pytest.raises(StylesearchError, match=r"_bn0\.bias has the shape \[31\], not \[32\]"):
        backbone.convert_state({**checkpoint, "_bn0.bias": torch.zeros(31)}, network.state_dict())


def test_a_network_with_other_tensors_is_refused_by_name(checkpoint, network):
    expected = network.state_dict()
    with pytest.raises(StylesearchError, match=r"nothing for the network's extra\.weight"):
        backbone.convert_state(checkpoint, {**expected, "extra.weight": torch.zeros(1)})
    del expected["classifier.bias"]
    with pytest.raises(StylesearchError, match=r"no classifier\.bias"):
        backbone.convert_state(checkpoint, expected)


def test_a_changed_file_is_refused(tmp_path: Path):
    data = bytearray(backbone.weights_path().read_bytes())
    data[-1] ^= 1
    changed = tmp_path / "weights.pth"
    changed.write_bytes(data)
    with pytest.raises(StylesearchError, match=backbone.WEIGHTS_SHA256) as caught:
        backbone.load_backbone(changed)
    assert caught.value.code == "weights_mismatch"


def test_an_absent_file_is_named(tmp_path: Path):
    with pytest.raises(StylesearchError, match=r"none\.pth cannot be read") as caught:
        backbone.load_backbone(tmp_path / "none.pth")
    assert caught.value.code == "weights_missing"


def network_input(pixels: np.ndarray) -> torch.Tensor:
    squares = torch.from_numpy(PREPROCESSING.squares(pixels))
    return (squares.permute(0, 3, 1, 2).float() - LITE_MEAN) / LITE_DEVIATION


def test_fusing_changes_nothing_but_rounding(network):
    pixels = np.random.default_rng(0).integers(0, 256, (90, 130, 3), dtype=np.uint8)
    maps = network_input(pixels)
    with torch.inference_mode():
        expected = network.blocks(network.bn1(network.conv_stem(maps)))
        channels = []
        for part in backbone.load_backbone():
            maps = part(maps)
            channels.append(maps.shape[1])
    assert tuple(channels) == backbone.MAP_CHANNELS
    torch.testing.assert_close(maps, expected, rtol=1e-3, atol=1e-3)


def test_the_network_recognises_a_drawn_thing(network):
    # A traffic light needs weights, key map and scaling all to be right; its ImageNet class is 920.
    row, column = np.mgrid[0:224, 0:224]
    pixels = np.full((224, 224, 3), (120, 170, 220), dtype=np.uint8)
    pixels[20:204, 75:150] = 25
    for centre, colour in ((52, (235, 40, 30)), (112, (90, 75, 20)), (172, (20, 80, 45))):
        pixels[(row - centre) ** 2 + (column - 112) ** 2 < 22**2] = colour
    with torch.inference_mode():
        best = network(network_input(pixels)).topk(3).indices[0].tolist()
    assert 920 in best


def test_loading_leaves_the_random_generator_alone():
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    backbone.load_backbone()
    assert torch.equal(torch.rand(1), expected)
