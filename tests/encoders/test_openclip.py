"""open_clip's models against open_clip itself, with random weights."""

import json
import socket
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from huggingface_hub import constants
from open_clip import pretrained
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors.torch import save_file

from stylesearch.encoders.checkpoints import file_sha256
from stylesearch.encoders.openclip import Model, OpenClipEncoder
from stylesearch.errors import InputError, ServiceError, StylesearchError

TEXT = {"vocab_size": 64, "width": 64, "heads": 1, "layers": 1, "context_length": 8}
MODELS = {
    "small-vit": {"vision_cfg": {"image_size": 64, "layers": 2, "width": 128, "patch_size": 16}},
    "small-resnet": {"vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 32, "head_width": 32}},
    "small-timm": {
        "vision_cfg": {"timm_model_name": "test_vit", "timm_pool": "", "timm_proj": "linear", "image_size": 160},
        "custom_text": True,
    },
    "small-coca": {
        "vision_cfg": {
            "image_size": 64, "layers": 1, "width": 64, "patch_size": 16, "attentional_pool": True,
            "attn_pooler_heads": 4, "attn_pooler_queries": 3, "output_tokens": True,
        },
        "text_cfg": {**TEXT, "embed_cls": True, "output_tokens": True},
        "multimodal_cfg": {**TEXT, "mlp_ratio": 2, "attn_pooler_heads": 4},
        "custom_text": True,
    },
}  # fmt: skip
TAG = {
    "url": "",
    "hf_hub": "toys/small/",
    "mean": (0.5, 0.5, 0.5),
    "std": (0.4, 0.5, 0.6),
    "interpolation": "bilinear",
    "resize_mode": "squash",
    "quick_gelu": True,
}


@pytest.fixture(scope="module", autouse=True)
def _models(tmp_path_factory) -> None:
    folder = tmp_path_factory.mktemp("models")
    for name, config in MODELS.items():
        (folder / f"{name}.json").write_text(json.dumps({"embed_dim": 48, "text_cfg": TEXT, **config}))
        open_clip.add_model_config(folder / f"{name}.json")


@pytest.fixture
def tagged(monkeypatch, tmp_path: Path) -> Path:
    """Publishes weights of ``small-vit`` under the tag ``toy``; returns the hub's cache, which is empty."""
    monkeypatch.setitem(pretrained._PRETRAINED, "small-vit", {"toy": TAG})
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def cut_off(monkeypatch) -> list[object]:
    """No connection can be made; returns what was tried."""
    tried: list[object] = []

    def refuse(self, address):
        tried.append(address)
        raise OSError("no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: refuse(None, args))
    return tried


def theirs(name: str, **options: object) -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = open_clip.create_model(name, **options).eval()
        for name_of, tensor in model.state_dict().items():
            if name_of == "text_decoder.text_projection":
                tensor.zero_()  # open_clip leaves it as the memory happened to be, which may be no number
            if tensor.is_floating_point() and not name_of.endswith("running_var"):
                tensor.add_(0.05 * torch.randn_like(tensor))
    return model


def pictures() -> list[np.ndarray]:
    dice = np.random.default_rng(0)
    few = [Image.fromarray(dice.integers(0, 256, (5, 6, 3), dtype=np.uint8)) for _ in range(4)]
    sizes = [(64, 64), (200, 90), (70, 300), (30, 40)]
    return [
        np.asarray(one.resize(size, Image.Resampling.BICUBIC)) for one, size in zip(few, sizes, strict=True)
    ]


def encoded(model: torch.nn.Module, preprocess) -> np.ndarray:
    batch = torch.stack([preprocess(Image.fromarray(pixels)) for pixels in pictures()])
    with torch.no_grad():
        return model.encode_image(batch, normalize=True).numpy()


def own_way(model: torch.nn.Module):
    return image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)


@pytest.mark.parametrize("name", MODELS)
def test_descriptors_are_those_of_open_clip(name, tmp_path: Path):
    model = theirs(name)
    torch.save(model.state_dict(), tmp_path / "whole.pt")
    encoder = OpenClipEncoder(f"openclip:{name}", tmp_path / "whole.pt", device="cpu")
    found, expected = encoder.encode(pictures()), encoded(model, own_way(model))
    assert found.dtype == np.float32
    assert found.shape == (4, 48)
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert (expected @ expected.T).min() < 0.9999
    assert encoder.spec.slug == f"openclip:{name}"
    assert encoder.spec.dim == 48
    assert encoder.spec.license == "LicenseRef-unknown"


@pytest.mark.parametrize(
    ("suffix", "wrap"),
    [
        ("pt", lambda model: {"epoch": 3, "name": "run", "state_dict": {f"module.{k}": v for k, v in model.state_dict().items()}}),
        ("pt", lambda model: model.state_dict()),
        ("pt", lambda model: model.visual.state_dict()),
        ("safetensors", lambda model: model.state_dict()),
        ("safetensors", lambda model: model.visual.state_dict()),
    ],
)  # fmt: skip
def test_checkpoints_of_the_whole_and_of_the_tower_are_taken(suffix, wrap, tmp_path: Path):
    model, path = theirs("small-vit"), tmp_path / f"a.{suffix}"
    (save_file if suffix == "safetensors" else torch.save)(wrap(model), path)
    found = OpenClipEncoder("openclip:small-vit", path, device="cpu").encode(pictures())
    np.testing.assert_allclose(found, encoded(model, own_way(model)), atol=2e-5)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda state: state.pop("ln_post.bias"), r"lacks {}ln_post\.bias"),
        (lambda state: state.update(more=torch.ones(1)), r"has {}more, which the model does not know"),
        (
            lambda state: state.update(proj=torch.ones(3, 4)),
            r"has {}proj in the shape \[3, 4\], not \[128, 48\]",
        ),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_by_name(spoil, said, whole, tmp_path: Path):
    model = theirs("small-vit")
    tower = dict(model.visual.state_dict())
    spoil(tower)
    text = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("visual.")}
    state = {**{f"visual.{name}": tensor for name, tensor in tower.items()}, **text} if whole else tower
    torch.save(state, tmp_path / "a.pt")
    with pytest.raises(StylesearchError, match=said.format("visual\\." if whole else "")) as caught:
        OpenClipEncoder("openclip:small-vit", tmp_path / "a.pt", device="cpu").encode(pictures())
    assert caught.value.code == "weights_mismatch"


def test_what_belongs_to_neither_side_is_refused_by_name(tmp_path: Path):
    torch.save({**theirs("small-vit").state_dict(), "stranger": torch.ones(1)}, tmp_path / "a.pt")
    with pytest.raises(StylesearchError, match="has stranger, which"):
        OpenClipEncoder("openclip:small-vit", tmp_path / "a.pt").encode(pictures())


# Preprocessing


def test_the_tags_way_of_scaling_is_followed_and_its_activation(tagged, tmp_path: Path):
    # The model's name says GELU, the tag says that its weights were trained with QuickGELU.
    model = theirs("small-vit", force_quick_gelu=True)
    torch.save(model.state_dict(), tmp_path / "a.pt")
    encoder = OpenClipEncoder("openclip:small-vit/toy", tmp_path / "a.pt", device="cpu")
    way = {name: TAG[name] for name in ("mean", "std", "interpolation", "resize_mode")}
    expected = encoded(model, image_transform_v2(PreprocessCfg(size=64, **way), is_train=False))
    np.testing.assert_allclose(encoder.encode(pictures()), expected, atol=2e-5)
    assert encoder.spec.preprocessing.startswith("squash-64-")
    plain = OpenClipEncoder("openclip:small-vit", tmp_path / "a.pt", device="cpu")
    assert plain.spec.preprocessing == "crop-64-clip-v1"
    assert np.abs(plain.encode(pictures()) - expected).max() > 1e-3


@pytest.mark.parametrize(
    ("slug", "preprocessing"),
    [
        ("openclip:ViT-B-32", "crop-224-clip-v1"),
        ("openclip:ViT-L-14-336-quickgelu/openai", "crop-336-clip-v1"),
        ("openclip:ViT-B-16-SigLIP-256/webli", "squash-256-half-v1"),
    ],
)
def test_published_models_say_how_they_are_scaled(slug, preprocessing):
    assert Model.find(slug).preprocessing.name == preprocessing


def test_every_open_clip_model_and_tag_can_be_named():
    for name, tag in open_clip.list_pretrained():
        model = Model.find(f"openclip:{name}/{tag}")
        assert model.preprocessing.size >= 112, (name, tag)
        assert model.dim >= 256, (name, tag)


def test_another_policy_keeps_the_scale(tagged, tmp_path: Path):
    torch.save(theirs("small-vit").state_dict(), tmp_path / "a.pt")
    own = OpenClipEncoder("openclip:small-vit/toy", tmp_path / "a.pt")
    tiled = OpenClipEncoder("openclip:small-vit/toy", tmp_path / "a.pt", policy="tile", device="cpu")
    assert tiled.spec.preprocessing == own.spec.preprocessing.replace("squash", "tile")
    assert np.isfinite(tiled.encode(pictures())).all()


# Names and weights


@pytest.mark.parametrize(
    ("slug", "said"),
    [
        ("openclip:ViT-B32", "Nearest: ViT-B-32"),
        ("openclip:vit-l14", "ViT-L-14"),
        ("openclip:ViT-B-32/laion2b", "laion2b_"),
        ("openclip:small-vit/none", "open_clip has no weights 'none' for small-vit"),
        ("openclip:", "open_clip has no model ''"),
    ],
)
def test_unknown_names_give_the_nearest(slug, said):
    with pytest.raises(InputError) as caught:
        OpenClipEncoder(slug)
    assert said in str(caught.value)
    assert caught.value.code == "unknown_encoder"


def test_neither_weights_nor_a_tag_says_what_to_give():
    with pytest.raises(InputError, match="Give a file with --weights, or one of open_clip's") as caught:
        OpenClipEncoder("openclip:small-vit")
    assert caught.value.code == "weights_missing"


def test_nothing_is_downloaded_unasked(tagged, cut_off):
    encoder = OpenClipEncoder("openclip:small-vit/toy", device="cpu")
    for use in (lambda: encoder.spec, lambda: encoder.encode(pictures())):
        with pytest.raises(
            InputError, match=r"nothing is downloaded unasked\. Allow it with --online"
        ) as caught:
            use()
        assert caught.value.code == "weights_missing"
    assert cut_off == []


def test_a_download_that_fails_is_said(tagged, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)  # the hub's client would try again for a minute
    encoder = OpenClipEncoder("openclip:small-vit/toy", online=True)
    with pytest.raises(ServiceError, match="could not be downloaded") as caught:
        encoder.encode(pictures())
    assert caught.value.code == "download_failed"


@pytest.mark.parametrize("file", ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"])
def test_what_is_in_the_hubs_cache_is_used_without_the_net(file, tagged, cut_off):
    model = theirs("small-vit", force_quick_gelu=True)
    kept = tagged / "models--toys--small"
    path = kept / "snapshots" / "abc" / file
    path.parent.mkdir(parents=True)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("abc")
    (save_file if file.endswith("safetensors") else torch.save)(model.state_dict(), path)
    encoder = OpenClipEncoder("openclip:small-vit/toy", device="cpu")
    assert encoder.spec.weights_sha256 == file_sha256(path)
    assert encoder.encode(pictures()).shape == (4, 48)
    assert cut_off == []


def test_building_a_tower_leaves_the_random_generator_alone():
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    Model.find("openclip:small-vit").tower()
    assert torch.equal(torch.rand(1), expected)
