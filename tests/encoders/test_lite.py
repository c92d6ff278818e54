import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from stylesearch.encoders import backbone, lite
from stylesearch.encoders.checkpoints import WeightsFile
from stylesearch.encoders.decoding import decode_for
from stylesearch.encoders.lite import WEIGHTS, LiteEncoder, graph_of
from stylesearch.encoders.lite_network import LiteNetwork, build_network
from stylesearch.encoders.protocol import Encoder, PreparingEncoder
from stylesearch.errors import InputError, StylesearchError


def _pictures(count: int = 7) -> list[np.ndarray]:
    random = np.random.default_rng(3)
    coarse = [random.integers(0, 256, (6, 5, 3), dtype=np.uint8) for _ in range(count)]
    return [np.repeat(np.repeat(cells, 10 + k, axis=0), 12, axis=1) for k, cells in enumerate(coarse)]


@pytest.fixture(scope="module")
def encoder() -> LiteEncoder:
    return LiteEncoder(device="cpu")


@pytest.fixture(scope="module")
def network() -> LiteNetwork:
    return build_network(WeightsFile(WEIGHTS).read(), "the weights")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Weights with their graph, in a folder of their own."""
    for path in (WEIGHTS, graph_of(WEIGHTS)):
        shutil.copyfile(path, tmp_path / path.name)
    return tmp_path / WEIGHTS.name


def refused(weights: Path, code: str, says: str) -> None:
    with pytest.raises(StylesearchError, match=says) as caught:
        LiteEncoder(weights=weights, device="cpu").encode(_pictures(1))
    assert caught.value.code == code
    assert caught.value.hint


# What it gives


def test_it_is_an_encoder(encoder):
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder, PreparingEncoder)
    assert encoder.input_size == 224
    assert not encoder.full_size


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


def test_pictures_of_every_mode_are_described(encoder, tmp_path):
    ramp = np.tile(np.linspace(0, 255, 90, dtype=np.uint8), (60, 1))
    grey = Image.fromarray(ramp)
    pictures = {
        "grey.png": grey,
        "colour.png": grey.convert("RGB"),
        "sixteen.png": Image.fromarray(ramp.astype(np.uint16) * 257),
        "alpha.png": grey.convert("LA"),
        "palette.png": grey.quantize(200),
        "cmyk.jpg": Image.merge("CMYK", [Image.new("L", grey.size)] * 3 + [grey.point(lambda v: 255 - v)]),
    }
    found = {}
    for name, picture in pictures.items():
        picture.save(tmp_path / name)
        data = (tmp_path / name).read_bytes()
        pixels = decode_for(encoder, data, max_bytes=2**24, max_pixels=2**24).pixels
        found[name] = encoder.encode([pixels])[0]
        assert abs(np.linalg.norm(found[name]) - 1) < 1e-5, name
    for name in ("colour.png", "sixteen.png", "alpha.png", "palette.png"):
        assert found[name] @ found["grey.png"] > 0.99, name


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


def test_torch_computes_the_same_from_the_same_weights(encoder, network):
    random = np.random.default_rng(0)
    pictures = [
        *_pictures(),
        random.integers(0, 256, (224, 224, 3), dtype=np.uint8),
        np.full((9, 9, 3), 255, np.uint8),
    ]
    squares = torch.from_numpy(np.concatenate([encoder.prepare(pixels) for pixels in pictures]))
    with torch.inference_mode():
        expected = network(squares).numpy()
    found = encoder.encode(pictures)
    assert (found * expected).sum(axis=1).min() >= 0.9999
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_where_there_is_no_session_the_network_describes(encoder, network):
    other = LiteEncoder(device="cpu")
    other._network, other._device = network, "cpu"  # as on a device of its own
    np.testing.assert_allclose(other.encode(_pictures()), encoder.encode(_pictures()), atol=1e-3)


# Which it is


def test_the_identity_is_stable_and_knows_its_weights(encoder, tmp_path):
    spec = encoder.spec
    assert (spec.slug, spec.dim, spec.license) == ("lite", 256, "Apache-2.0")
    assert spec.preprocessing == "squash-224-lite-v1"
    assert re.fullmatch("[0-9a-f]{64}", spec.weights_sha256)
    assert LiteEncoder(device="auto").spec.digest == spec.digest

    other, tensors = tmp_path / "other.safetensors", load_file(WEIGHTS)
    save_file({**tensors, "head.bent.bias": tensors["head.bent.bias"] + 1}, other)
    assert LiteEncoder(weights=other).spec.digest != spec.digest


@pytest.mark.parametrize("policy", ["crop", "pad", "tile"])
def test_other_policies_are_other_encoders(encoder, policy):
    other = LiteEncoder(policy=policy, device="cpu")
    assert other.spec.preprocessing == f"{policy}-224-lite-v1"
    assert other.spec.digest != encoder.spec.digest
    long = np.repeat(_pictures(1)[0], 4, axis=1)
    square = long[: len(long), : len(long)]
    assert other.encode([long])[0] @ encoder.encode([long])[0] < 0.9999
    assert other.encode([square])[0] @ encoder.encode([square])[0] > 0.9999


def test_an_unknown_policy_lists_the_known_ones():
    with pytest.raises(InputError, match="crop, squash, pad, tile") as caught:
        LiteEncoder(policy="fold")
    assert caught.value.code == "unknown_policy"


def test_no_network_library_is_loaded_on_a_processor():
    code = (
        "import sys, numpy as np; from stylesearch.encoders.lite import LiteEncoder; "
        "LiteEncoder(device='cpu').encode([np.zeros((9, 9, 3), np.uint8)]); "
        "assert not {'timm', 'open_clip', 'onnx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# What it is made of


def test_the_shipped_weights_are_the_imagenet_network_and_a_head(network):
    with safe_open(WEIGHTS, framework="numpy") as file:
        facts = {name: json.loads(value) for name, value in file.metadata().items()}
    assert facts["encoder"] == "lite"
    assert facts["backbone_sha256"] == backbone.WEIGHTS_SHA256
    assert "test pictures" in facts["left_out"]
    assert network.head.straight.out_features == lite.DIM
    loaded = backbone.load_backbone()[: len(network.parts)].state_dict()
    for name, tensor in network.parts.state_dict().items():
        torch.testing.assert_close(tensor, loaded[name], rtol=1e-4, atol=1e-5)
    assert WEIGHTS.stat().st_size <= 24 * 1024**2


def test_the_graph_refers_to_the_weights_and_holds_none():
    graph, tensors = onnx.load(graph_of(WEIGHTS), load_external_data=False), load_file(WEIGHTS)
    data, outside = WEIGHTS.read_bytes(), set()
    for tensor in graph.graph.initializer:
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            assert tensor.name not in tensors
            assert int(np.prod(tensor.dims)) <= 4096, tensor.name  # indices and shapes, not weights
            continue
        place = {entry.key: entry.value for entry in tensor.external_data}
        start = int(place["offset"])
        assert place["location"] == WEIGHTS.name
        assert tuple(tensor.dims) == tuple(tensors[tensor.name].shape)
        assert data[start : start + int(place["length"])] == tensors[tensor.name].numpy().tobytes()
        outside.add(tensor.name)
    assert outside == set(tensors)
    assert all(not node.doc_string and not node.metadata_props for node in graph.graph.node)


def test_weights_and_graph_may_lie_anywhere_under_any_name(encoder, copy):
    graph_of(copy).rename(copy.with_name("mine.onnx"))
    copy = copy.rename(copy.with_name("mine.safetensors"))
    other = LiteEncoder(weights=copy, device="cpu")
    assert other.spec == encoder.spec
    assert np.array_equal(other.encode(_pictures()), encoder.encode(_pictures()))


# What cannot be used


def test_missing_files_are_named(copy, tmp_path):
    refused(tmp_path / "none.safetensors", "weights_missing", r"none\.safetensors cannot be read")
    graph_of(copy).unlink()
    refused(copy, "weights_missing", r"The graph .*lite\.onnx, which belongs beside the weights")
    graph_of(copy).mkdir()
    refused(copy, "weights_missing", "Is a directory")
    with pytest.raises(StylesearchError, match=r"none\.safetensors"):
        _ = LiteEncoder(weights=tmp_path / "none.safetensors").spec


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: b"no graph",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[100:],
        lambda whole: whole.replace(b"Gemm", b"Gemn"),
    ],
    ids=["empty", "text", "cut off", "beheaded", "of unknown parts"],
)
def test_a_damaged_graph_is_refused(copy, damage, capfd):
    graph_of(copy).write_bytes(damage(graph_of(copy).read_bytes()))
    refused(copy, "weights_mismatch", r"The graph .*lite\.onnx (was not made for|cannot be run: )")
    assert capfd.readouterr() == ("", "")


def test_a_graph_is_run_with_its_own_weights_only(copy):
    tensors = load_file(copy)
    save_file({**tensors, "head.bent.bias": tensors["head.bent.bias"] + 1}, copy)
    refused(
        copy, "weights_mismatch", r"The graph .*lite\.onnx was not made for the weights .*lite\.safetensors"
    )


def test_damaged_weights_are_refused(copy):
    whole = copy.read_bytes()
    copy.write_bytes(whole[:-1000])
    refused(copy, "weights_mismatch", "was not made for the weights")
    copy.write_bytes(whole[:100])
    refused(copy, "weights_mismatch", "was not made for the weights")
    flipped = bytearray(whole)
    flipped[-1] ^= 1
    copy.write_bytes(flipped)
    refused(copy, "weights_mismatch", "was not made for the weights")


def test_weights_that_change_after_their_digest_was_taken_are_refused(copy):
    encoder = LiteEncoder(weights=copy, device="cpu")
    assert encoder.spec.weights_sha256 == WeightsFile(WEIGHTS).sha256
    data = bytearray(copy.read_bytes())
    data[-1] ^= 1
    copy.write_bytes(data)
    with pytest.raises(StylesearchError, match=r"lite\.safetensors changed while") as caught:
        encoder.encode(_pictures(1))
    assert caught.value.code == "weights_mismatch"


def test_what_becomes_of_the_file_does_not_matter_once_it_is_loaded(encoder, copy):
    other = LiteEncoder(weights=copy, device="cpu")
    other.load()
    with copy.open("r+b") as file:
        file.write(bytes(copy.stat().st_size))
    assert np.array_equal(other.encode(_pictures()), encoder.encode(_pictures()))


def test_weights_of_another_kind_are_refused(copy, tmp_path):
    other = tmp_path / "csd.safetensors"
    save_file({"backbone.proj": torch.ones(3)}, other)
    refused(other, "weights_missing", r"The graph .*csd\.onnx")
    shutil.copyfile(graph_of(copy), graph_of(other))
    shutil.copyfile(other, copy)
    refused(copy, "weights_mismatch", "was not made for the weights")


def test_a_graph_that_is_no_file_of_ours_is_refused(copy):
    from onnx import TensorProto, helper

    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1])
    twice = helper.make_tensor_value_info("twice", TensorProto.FLOAT, [1])
    graph = helper.make_graph(
        [helper.make_node("Add", ["pixels", "pixels"], ["twice"])], "g", [pixels], [twice]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    graph_of(copy).write_bytes(model.SerializeToString())
    refused(copy, "weights_mismatch", "was not made for the weights")


def _name(copy: Path) -> None:
    """Have the graph say that it was made for the weights beside it."""
    graph = onnx.load(graph_of(copy), load_external_data=False)
    (entry,) = graph.metadata_props
    entry.value = WeightsFile(copy).sha256
    graph_of(copy).write_bytes(graph.SerializeToString())


def test_weights_that_are_cut_off_under_a_graph_of_theirs_are_refused(copy, capfd):
    copy.write_bytes(copy.read_bytes()[:-100_000])
    _name(copy)
    refused(copy, "weights_mismatch", "The graph .* cannot be run: ")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"head.bent.bias": None}, r"head\.bent\.bias"),
        ({"head.more": torch.ones(3)}, r"head\.more"),
        ({"head.bent.bias": torch.ones(9)}, r"cannot be run"),
    ],
)
def test_weights_that_do_not_fit_their_graph_are_refused(copy, change, says, capfd):
    tensors = {**load_file(copy), **change}
    save_file({name: tensor for name, tensor in tensors.items() if tensor is not None}, copy)
    _name(copy)
    refused(copy, "weights_mismatch", says)
    assert capfd.readouterr() == ("", "")


def test_weights_that_are_not_finite_give_no_descriptor(copy):
    tensors = load_file(copy)
    tensors["head.straight.weight"].fill_(torch.nan)
    save_file(tensors, copy)
    _name(copy)
    refused(copy, "descriptor_invalid", "is not finite for image 0")
    with pytest.raises(StylesearchError, match=r"NaN or infinity in head\.straight\.weight") as caught:
        WeightsFile(copy).read()
    assert caught.value.code == "weights_invalid"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_graph_that_may_not_be_read_is_named(copy):
    graph_of(copy).chmod(0)
    refused(copy, "weights_missing", "Permission denied")


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(InputError, match="cuda:99"):
        LiteEncoder(device="cuda:99").encode(_pictures(1))
