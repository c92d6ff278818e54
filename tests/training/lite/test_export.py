import json
import stat
import sys

import numpy as np
import pytest
import torch
from safetensors import safe_open

from stylesearch.encoders.backbone import load_backbone
from stylesearch.encoders.checkpoints import WeightsFile
from stylesearch.encoders.lite import DIM, LiteEncoder, graph_of
from stylesearch.encoders.lite_network import LiteHead, LiteNetwork, build_network, statistics_length
from stylesearch.errors import StylesearchError
from stylesearch.training.lite.export import export, require_exporter

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def network() -> LiteNetwork:
    """The real stem and stages, and a small head of chance weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        head = LiteHead(statistics_length(), kept=12, hidden=6, dim=DIM)
    return LiteNetwork(load_backbone(), head).eval()


def test_what_is_written_computes_what_the_network_does(network, tmp_path):
    path = tmp_path / "made/small.safetensors"
    before = WeightsFile(path)
    export(network, path, {"encoder": "lite", "pictures": 3})
    assert sorted(one.name for one in path.parent.iterdir()) == ["small.onnx", "small.safetensors"]
    assert all(stat.S_IMODE(one.stat().st_mode) & stat.S_IRUSR for one in path.parent.iterdir())
    with safe_open(path, framework="numpy") as file:
        assert {name: json.loads(value) for name, value in file.metadata().items()} == {
            "encoder": "lite",
            "pictures": 3,
        }
    assert before.sha256.encode() in graph_of(path).read_bytes()

    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, (40 + 30 * k, 90, 3), dtype=np.uint8) for k in range(5)]
    encoder = LiteEncoder(weights=path, device="cpu")
    squares = torch.from_numpy(np.concatenate([encoder.prepare(pixels) for pixels in pictures]))
    with torch.inference_mode():
        expected = network(squares)
        read = build_network(WeightsFile(path).read(), "the weights")(squares)
    assert torch.equal(read, expected)
    found = encoder.encode(pictures)
    assert (found * expected.numpy()).sum(axis=1).min() >= 0.9999

    # An older pair is replaced; a reader of the older one is not disturbed.
    kept = encoder.encode(pictures[:1])
    with torch.no_grad():
        network.head.bent.bias.add_(1)
    export(network, path, {"encoder": "lite"})
    other = LiteEncoder(weights=path, device="cpu")
    assert other.spec.digest != encoder.spec.digest
    assert not np.allclose(other.encode(pictures[:1]), kept)
    assert np.array_equal(encoder.encode(pictures[:1]), kept)
    assert sorted(one.name for one in path.parent.iterdir()) == ["small.onnx", "small.safetensors"]


@pytest.mark.parametrize("module", ["onnx", "onnxscript"])
def test_without_the_extra_it_is_said_what_is_missing(module, network, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    for attempt in (require_exporter, lambda: export(network, tmp_path / "a.safetensors", {})):
        with pytest.raises(StylesearchError, match=f"{module} is not installed") as caught:
            attempt()
        assert (caught.value.code, caught.value.hint) == (
            "exporter_missing",
            "Install stylesearch[train].",
        )
    assert list(tmp_path.iterdir()) == []
