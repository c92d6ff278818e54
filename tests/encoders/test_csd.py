"""CSD against a straight implementation of its own: the vision transformer, CLIP and CSD papers, in plain functions."""

import argparse
import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.nn import functional
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Normalize, Resize, ToTensor

from stylesearch.encoders import csd, tower
from stylesearch.encoders.checkpoints import WeightsFile, read_state
from stylesearch.encoders.csd import CSDEncoder, Variant, build_module, load_module, recognise, variant_of
from stylesearch.encoders.csd_network import interpolate_positions
from stylesearch.encoders.protocol import Encoder, PreparingEncoder
from stylesearch.errors import InputError, StylesearchError

PARITY = 0.9999
LARGE = {"csd-vit-l-14": (14, 1024, 24, 768), "csd-vit-b-16": (16, 768, 12, 512)}
GIB = 1024**3

reference_transform = Compose(
    [
        Resize(224, InterpolationMode.BICUBIC),
        CenterCrop(224),
        ToTensor(),
        Normalize((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    ]
)


def plain_features(state: dict, images: torch.Tensor) -> torch.Tensor:
    """The class token after the last layer, ``[n, width]``."""
    weight = state["backbone.conv1.weight"]
    width, patch = weight.shape[0], weight.shape[-1]
    patches = functional.unfold(images, patch, stride=patch)
    tokens = (weight.reshape(width, -1) @ patches).transpose(1, 2)
    first = state["backbone.class_embedding"].expand(len(images), 1, width)
    tokens = torch.cat([first, tokens], dim=1) + state["backbone.positional_embedding"]
    tokens = plain_norm(state, "backbone.ln_pre", tokens)
    layer = 0
    while f"backbone.transformer.resblocks.{layer}.ln_1.weight" in state:
        name = f"backbone.transformer.resblocks.{layer}"
        tokens = tokens + plain_attention(state, f"{name}.attn", plain_norm(state, f"{name}.ln_1", tokens))
        inner = plain_linear(state, f"{name}.mlp.c_fc", plain_norm(state, f"{name}.ln_2", tokens))
        tokens = tokens + plain_linear(state, f"{name}.mlp.c_proj", inner / (1 + torch.exp(-1.702 * inner)))
        layer += 1
    return plain_norm(state, "backbone.ln_post", tokens[:, 0])


def plain_norm(state: dict, name: str, x: torch.Tensor) -> torch.Tensor:
    centred = x - x.mean(-1, keepdim=True)
    spread = centred.square().mean(-1, keepdim=True)
    return centred / (spread + 1e-5).sqrt() * state[f"{name}.weight"] + state[f"{name}.bias"]


def plain_linear(state: dict, name: str, x: torch.Tensor) -> torch.Tensor:
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def plain_attention(state: dict, name: str, x: torch.Tensor) -> torch.Tensor:
    count, length, width = x.shape
    together = x @ state[f"{name}.in_proj_weight"].T + state[f"{name}.in_proj_bias"]
    query, key, value = (
        part.reshape(count, length, width // 64, 64).transpose(1, 2) for part in together.split(width, dim=-1)
    )
    share = (query @ key.transpose(-1, -2) / 8).softmax(-1)
    return plain_linear(
        state, f"{name}.out_proj", (share @ value).transpose(1, 2).reshape(count, length, width)
    )


def plain_style(state: dict, images: torch.Tensor) -> np.ndarray:
    """Style descriptors, in the precision of the weights."""
    with torch.no_grad():
        style = plain_features(state, images) @ state["last_layer_style"]
    return (style / style.square().sum(-1, keepdim=True).sqrt()).numpy()


def doubled(state: dict) -> dict:
    return {name: tensor.double() for name, tensor in state.items()}


def pictures(count: int = 5) -> list[np.ndarray]:
    """Patches of colour, no two alike in shape."""
    made = []
    for number in range(count):
        dice = np.random.default_rng(number)
        few = Image.fromarray(dice.integers(0, 256, (3 + 2 * number, 9 - number, 3), dtype=np.uint8))
        size = (150 + 90 * number, 500 - 70 * number)
        made.append(
            np.asarray(few.resize(size, Image.Resampling.BICUBIC if number % 2 else Image.Resampling.NEAREST))
        )
    return made


def cosines(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    return (ours.astype(np.float64) * theirs).sum(1)


@pytest.fixture
def state(small_csd: str, random_csd) -> dict:
    return random_csd(small_csd)


@pytest.fixture
def encoder(small_csd: str, small_weights: Path) -> CSDEncoder:
    return CSDEncoder(small_csd, small_weights, device="cpu")


# The same as the original


def test_descriptors_are_those_of_a_straight_implementation(encoder, state, figure):
    shown = pictures()
    batch = torch.stack([reference_transform(Image.fromarray(pixels)) for pixels in shown]).double()
    expected = plain_style(doubled(state), batch)
    found = encoder.encode(shown)
    least = cosines(found, expected).min()
    assert least >= PARITY
    assert (expected @ expected.T).min() < 0.99  # the pictures differ, so equality says something
    figure(f"CSD, two layers: least cosine to the straight implementation {least:.7f}")


@pytest.mark.slow
@pytest.mark.parametrize("slug", LARGE)
def test_the_published_sizes_too(slug, random_csd, run_command, tmp_path: Path, figure):
    # Through the command, from files, with what a training script wraps its weights in.
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    state = random_csd(slug)
    wrapped = {"model_state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}
    torch.save({**wrapped, "args": argparse.Namespace(arch="vit"), "iter": np.int64(3)}, tmp_path / "csd.pth")
    files = []
    for number, pixels in enumerate(pictures(3)):
        files.append(tmp_path / f"{number}.{'jpg' if number % 2 else 'png'}")
        Image.fromarray(pixels).save(files[-1])
    out = tmp_path / "out.npz"
    options = ["--encoder", slug, "--weights", tmp_path / "csd.pth", "--device", "cpu", "--out", out]
    assert run_command("encode", *files, *options).code == 0
    batch = torch.stack([reference_transform(Image.open(file).convert("RGB")) for file in files])
    with np.load(out) as written:
        assert written["paths"].tolist() == [str(file) for file in files]
        assert written["descriptors"].dtype == np.float32
        assert written["descriptors"].shape == (3, LARGE[slug][3])
        least = cosines(written["descriptors"], plain_style(state, batch)).min()
    assert least >= PARITY
    used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / GIB
    figure(f"{slug}: least cosine to the straight implementation {least:.7f}; {used:.1f} GiB of memory more")


@pytest.mark.parametrize("slug", LARGE)
def test_the_network_has_the_published_names_and_shapes(slug):
    patch, width, layers, dim = LARGE[slug]
    expected = {
        "backbone.class_embedding": (width,),
        "backbone.positional_embedding": (1 + (224 // patch) ** 2, width),
        "backbone.conv1.weight": (width, 3, patch, patch),
        "last_layer_style": (width, dim),
        "last_layer_content": (width, dim),
    }
    norms = ["backbone.ln_pre", "backbone.ln_post"]
    for layer in range(layers):
        name = f"backbone.transformer.resblocks.{layer}"
        norms += [f"{name}.ln_1", f"{name}.ln_2"]
        shapes = {
            "attn.out_proj": (width, width),
            "mlp.c_fc": (4 * width, width),
            "mlp.c_proj": (width, 4 * width),
        }
        for part, shape in shapes.items():
            expected |= {f"{name}.{part}.weight": shape, f"{name}.{part}.bias": shape[:1]}
        expected |= {
            f"{name}.attn.in_proj_weight": (3 * width, width),
            f"{name}.attn.in_proj_bias": (3 * width,),
        }
    for name in norms:
        expected |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    with torch.device("meta"):
        found = {name: tuple(tensor.shape) for name, tensor in build_module(slug).state_dict().items()}
    assert found == expected
    assert recognise(
        {name: torch.empty(shape, device="meta") for name, shape in expected.items()}
    ) == variant_of(slug)


def test_forward_gives_features_content_and_style(small_csd, state):
    module = load_module(state, Variant(small_csd.removeprefix("csd-")), "it").eval()
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        features, content, style = module(images)
        torch.testing.assert_close(features, plain_features(state, images), atol=1e-4, rtol=1e-4)
    for found, head in ((content, "last_layer_content"), (style, "last_layer_style")):
        torch.testing.assert_close(found, functional.normalize(features @ state[head], dim=1))
    assert not torch.allclose(content, style)


# Checkpoints


def test_both_formats_give_the_same_descriptors(encoder, small_csd, state, tmp_path: Path):
    save_file(state, tmp_path / "a.safetensors")
    other = CSDEncoder(small_csd, tmp_path / "a.safetensors", device="cpu")
    assert np.array_equal(other.encode(pictures(2)), encoder.encode(pictures(2)))
    assert other.spec.weights_sha256 != encoder.spec.weights_sha256


def test_the_content_head_of_two_layers_is_taken(small_csd, state, tmp_path: Path):
    # The training script makes one with --content_proj_head custom; style is the same either way.
    width, dim = state.pop("last_layer_content").shape
    head = {
        "projection.weight": (dim, width),
        "projection.bias": (dim,),
        "fc.weight": (dim, dim),
        "fc.bias": (dim,),
    }
    head |= {"layer_norm.weight": (dim,), "layer_norm.bias": (dim,)}
    custom = {f"last_layer_content.{name}": torch.randn(shape) for name, shape in head.items()}
    torch.save({**state, **custom}, tmp_path / "custom.pth")
    found = CSDEncoder(small_csd, tmp_path / "custom.pth", device="cpu").encode(pictures(2))
    batch = torch.stack([reference_transform(Image.fromarray(pixels)) for pixels in pictures(2)])
    assert cosines(found, plain_style(state, batch)).min() >= PARITY
    del custom["last_layer_content.fc.bias"]
    torch.save({**state, **custom}, tmp_path / "custom.pth")
    with pytest.raises(StylesearchError, match=r"lacks last_layer_content\.fc\.bias"):
        CSDEncoder(small_csd, tmp_path / "custom.pth").encode(pictures(1))


BROKEN = {
    "missing": (
        lambda state: {k: v for k, v in state.items() if k != "backbone.transformer.resblocks.1.ln_2.bias"},
        r"lacks backbone\.transformer\.resblocks\.1\.ln_2\.bias\.",
    ),
    "no style": (
        lambda state: {k: v for k, v in state.items() if k != "last_layer_style"},
        "lacks last_layer_style",
    ),
    "extra": (
        lambda state: {**state, "backbone.proj": torch.ones(2)},
        r"has backbone\.proj, which the model does not",
    ),
    "misshapen": (
        lambda state: {**state, "last_layer_style": torch.ones(48, 128)},
        r"has last_layer_style in the shape \[48, 128\], not \[128, 48\]",
    ),
    "other grid": (
        lambda state: {**state, "backbone.positional_embedding": torch.ones(65, 128)},
        r"positional_embedding in the shape \[65, 128\], not \[50, 128\]",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_checkpoint_that_does_not_fit_is_refused_by_name(kind, small_csd, state, tmp_path: Path):
    spoil, said = BROKEN[kind]
    wrapped = {f"module.{name}": tensor for name, tensor in spoil(state).items()}
    torch.save({"model_state_dict": wrapped}, tmp_path / "broken.pth")
    with pytest.raises(StylesearchError, match=said) as caught:
        CSDEncoder(small_csd, tmp_path / "broken.pth", device="cpu").encode(pictures(1))
    assert caught.value.code == "weights_mismatch"
    assert "broken.pth" in caught.value.message


def test_weights_that_give_no_descriptor_are_found_out(small_csd, state, tmp_path: Path):
    torch.save({**state, "last_layer_style": torch.zeros(128, 48)}, tmp_path / "zero.pth")
    with pytest.raises(StylesearchError, match="not finite") as caught:
        CSDEncoder(small_csd, tmp_path / "zero.pth", device="cpu").encode(pictures(1))
    assert caught.value.code == "descriptor_invalid"


def test_a_checkpoint_is_recognised_by_its_keys(state):
    small = Variant("vit-s-32")
    assert recognise(state) == small
    assert recognise({name: tensor for name, tensor in state.items() if name != "last_layer_style"}) == small
    assert recognise({name: tensor for name, tensor in state.items() if "embedding" not in name}) == small
    larger = {**state, "backbone.positional_embedding": torch.ones(1 + 14 * 14, 128)}
    assert recognise(larger) == Variant("vit-s-32", 448)
    assert recognise({name: tensor for name, tensor in state.items() if name.startswith("backbone.")}) is None
    assert (
        recognise({"backbone.class_embedding": torch.ones(7), "last_layer_style": torch.ones(7, 2)}) is None
    )


# Sizes


def test_positions_are_interpolated_bilinearly_and_the_class_token_is_kept():
    # A ramp in both directions stays one: at half the distance, values lie half-way; beyond the outer centres, flat.
    side, width = 16, 2
    row, column = np.mgrid[0:side, 0:side].astype(np.float32)
    grid = np.stack([row, 3 * column], axis=-1).reshape(-1, width)
    token = np.float32([[77, -5]])
    state = {
        "backbone.positional_embedding": torch.from_numpy(np.concatenate([token, grid])),
        "other": torch.ones(1),
    }
    found = interpolate_positions(state, 24)
    assert found["other"] is state["other"]
    stretched = found["backbone.positional_embedding"]
    assert stretched.shape == (1 + 24 * 24, width)
    assert np.array_equal(stretched[:1], token)
    expected = np.clip((np.arange(24) + 0.5) * 16 / 24 - 0.5, 0, 15)
    squares = stretched[1:].reshape(24, 24, width).numpy()
    np.testing.assert_allclose(squares[..., 0], np.repeat(expected[:, None], 24, axis=1), atol=1e-5)
    np.testing.assert_allclose(squares[..., 1], np.repeat(3 * expected[None], 24, axis=0), atol=1e-5)
    theirs = functional.interpolate(
        torch.from_numpy(grid).reshape(1, side, side, width).permute(0, 3, 1, 2), (24, 24), mode="bilinear"
    )
    assert torch.equal(stretched[1:].T.reshape(1, width, 24, 24), theirs)


@pytest.mark.parametrize("rows", [1, 2, 50, 256])
def test_positions_that_are_no_square_or_fit_already_are_left(rows):
    state = {"backbone.positional_embedding": torch.ones(rows, 3)}
    found = interpolate_positions(state, 7 if rows == 50 else 1)
    assert found["backbone.positional_embedding"] is state["backbone.positional_embedding"]
    assert interpolate_positions({}, 3) == {}


def test_another_size_takes_larger_squares(small_csd, small_weights, state):
    larger = CSDEncoder(f"{small_csd}-448", small_weights, device="cpu")
    assert (larger.spec.slug, larger.spec.preprocessing, larger.input_size) == (
        "csd-vit-s-32-448", "crop-448-clip-v1", 448,
    )  # fmt: skip
    shown = pictures(3)
    transform = Compose(
        [Resize(448, InterpolationMode.BICUBIC), CenterCrop(448), *reference_transform.transforms[2:]]
    )
    batch = torch.stack([transform(Image.fromarray(pixels)) for pixels in shown])
    expected = plain_style(interpolate_positions(state, 14), batch)
    assert cosines(larger.encode(shown), expected).min() >= PARITY


def test_slugs():
    assert csd.slugs() == ["csd-vit-l-14", "csd-vit-b-16"]
    assert variant_of("csd-vit-l-14") == Variant("vit-l-14", 224)
    assert variant_of("csd-vit-l-14-336") == Variant("vit-l-14", 336)
    assert variant_of("csd-vit-l-14-336").grid == 24
    assert variant_of("csd-vit-b-16-384").slug == "csd-vit-b-16-384"
    assert variant_of("csd-vit-h-14") is variant_of("lite") is variant_of("csd-") is None


@pytest.mark.parametrize("slug", ["csd-vit-l-14-225", "csd-vit-b-16-9984"])
def test_a_size_that_cannot_be_is_refused(slug):
    with pytest.raises(InputError, match="whole number of patches") as caught:
        variant_of(slug)
    assert caught.value.code == "unknown_encoder"


def test_unknown_names_list_the_known_ones(tmp_path: Path):
    with pytest.raises(InputError, match="vit-l-14, vit-b-16"):
        build_module("vit-h-14")
    with pytest.raises(InputError, match="csd-vit-l-14, csd-vit-b-16"):
        CSDEncoder("csd-vit-h-14", tmp_path)
    with pytest.raises(InputError, match="crop, squash, pad, tile"):
        CSDEncoder("csd-vit-l-14", tmp_path, policy="fold")


# As every encoder


def test_it_is_an_encoder(encoder, small_csd, small_weights):
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder, PreparingEncoder)
    spec = encoder.spec
    assert (spec.slug, spec.dim, spec.preprocessing, spec.license) == (
        small_csd, 48, "crop-224-clip-v1", "LicenseRef-unknown",
    )  # fmt: skip
    assert spec.weights_sha256 == WeightsFile(small_weights).sha256


def test_descriptors_are_unit_vectors_that_do_not_depend_on_their_neighbours(encoder):
    shown = [pixels for _ in range(3) for pixels in pictures()]
    together = encoder.encode(shown)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    alone = np.concatenate([encoder.encode([pixels]) for pixels in shown])
    np.testing.assert_allclose(alone, together, atol=1e-5)
    prepared = encoder.encode_prepared([encoder.prepare(pixels) for pixels in shown])
    assert np.array_equal(prepared, together)
    assert encoder.encode([]).shape == (0, 48)


@pytest.mark.parametrize("policy", ["squash", "pad", "tile"])
def test_other_policies_are_other_encoders(policy, small_csd, small_weights, encoder):
    other = CSDEncoder(small_csd, small_weights, policy=policy, device="cpu")
    assert other.spec.preprocessing == f"{policy}-224-clip-v1"
    assert other.spec.digest != encoder.spec.digest
    wide = pictures(1)[0]
    assert wide.shape[0] > 2 * wide.shape[1]
    assert (other.encode([wide]) @ encoder.encode([wide]).T).item() < 0.9999
    for size in [(1, 1), (30_000, 20), (20, 30_000)]:
        found = other.encode([np.full((*size, 3), 120, dtype=np.uint8)])
        assert abs(np.linalg.norm(found) - 1) < 1e-5


def test_tiles_are_averaged(small_csd, small_weights, encoder):
    tiled = CSDEncoder(small_csd, small_weights, policy="tile", device="cpu")
    shown = pictures(3)
    for pixels, descriptor in zip(shown, tiled.encode(shown), strict=True):
        mean = encoder.encode(list(tiled.prepare(pixels))).mean(axis=0)
        np.testing.assert_allclose(descriptor, mean / np.linalg.norm(mean), atol=1e-5)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_is_near_and_comes_back_whole(precision, small_csd, small_weights, encoder):
    halved = CSDEncoder(small_csd, small_weights, device="cpu", precision=precision)
    found, exact = halved.encode(pictures()), encoder.encode(pictures())
    assert found.dtype == np.float32
    assert cosines(found, exact).min() > 0.999
    assert np.abs(found - exact).max() > 1e-5  # it is not simply ignored
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert halved.spec == encoder.spec


def test_a_batch_too_large_for_the_device_is_split(encoder, monkeypatch):
    monkeypatch.setattr(tower, "PROCESSOR_SQUARES", 100)
    expected = encoder.encode(pictures())
    described = encoder.describe
    sizes = []

    def describe(network, images):
        if len(images) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        sizes.append(len(images))
        return described(network, images)

    monkeypatch.setattr(encoder, "describe", describe)
    np.testing.assert_allclose(encoder.encode(pictures()), expected, atol=1e-5)
    assert sum(sizes) == 5


def test_threads_load_it_once_and_agree(small_csd, small_weights, monkeypatch):
    encoder = CSDEncoder(small_csd, small_weights, device="cpu")
    read = []
    monkeypatch.setattr(WeightsFile, "read", lambda self: read.append(self) or read_state(self.path))
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: encoder.encode(pictures(2)), range(8)))
    assert len(read) == 1
    for result in results:
        np.testing.assert_allclose(result, results[0], atol=1e-5)


def test_loading_leaves_the_random_generator_alone(encoder):
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    encoder.load()
    assert torch.equal(torch.rand(1), expected)


def test_what_is_not_pixels_is_refused(encoder):
    with pytest.raises(InputError, match="uint8"):
        encoder.encode([np.zeros((5, 5, 3), dtype=np.float32)])


def test_an_absent_file_or_device_is_named(small_csd, small_weights, tmp_path: Path):
    absent = CSDEncoder(small_csd, tmp_path / "none.pth")
    for use in (lambda: absent.spec, lambda: absent.encode(pictures(1))):
        with pytest.raises(StylesearchError, match=r"none\.pth cannot be read"):
            use()
    with pytest.raises(InputError, match="cuda:99"):
        CSDEncoder(small_csd, small_weights, device="cuda:99").encode(pictures(1))
