"""Words in the space of the pictures, against open_clip itself, with random weights."""

import json
import socket
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch

from stylesearch.encoders.openclip import OpenClipEncoder
from stylesearch.encoders.protocol import ReadingEncoder
from stylesearch.errors import InputError, StylesearchError

TEXT = {"vocab_size": 49408, "width": 32, "heads": 1, "layers": 1, "context_length": 16}
VISION = {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16}
MODELS = {
    "words-plain": {},
    "words-custom": {"custom_text": True},
    "words-quick": {"quick_gelu": True},
    "words-hub": {"text_cfg": {"hf_model_name": "toys/reader", "hf_tokenizer_name": "toys/reader"}},
}
WORDS = ["storm at sea", "a quiet street, etching", "storm"]


@pytest.fixture(scope="module", autouse=True)
def _models(tmp_path_factory) -> None:
    folder = tmp_path_factory.mktemp("models")
    for name, config in MODELS.items():
        whole = {"embed_dim": 24, "text_cfg": TEXT, "vision_cfg": VISION, **config}
        (folder / f"{name}.json").write_text(json.dumps(whole))
        open_clip.add_model_config(folder / f"{name}.json")


@pytest.fixture
def weights(tmp_path: Path):
    """Makes a checkpoint of a whole model; returns it with the model."""

    def make(name: str, *, keep=lambda key: True) -> tuple[Path, torch.nn.Module]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            model = open_clip.create_model(name).eval()
        path = tmp_path / f"{name}.pt"
        torch.save({key: value for key, value in model.state_dict().items() if keep(key)}, path)
        return path, model

    return make


@pytest.mark.parametrize("name", ["words-plain", "words-custom", "words-quick"])
def test_words_are_described_as_open_clip_does(name, weights, monkeypatch):
    path, model = weights(name)
    encoder = OpenClipEncoder(f"openclip:{name}", path, device="cpu")
    assert isinstance(encoder, ReadingEncoder)
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("nothing is to be fetched"))
    found = encoder.encode_words(WORDS)
    with torch.inference_mode():
        expected = model.encode_text(open_clip.get_tokenizer(name)(WORDS), normalize=True).numpy()
    assert found.shape == (3, 24)
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() < 1e-5
    assert np.abs(np.linalg.norm(found, axis=1) - 1).max() < 1e-5
    assert encoder.encode_words([]).shape == (0, 24)


@pytest.mark.parametrize(
    ("name", "keep", "said"),
    [
        ("words-plain", lambda key: key.startswith("visual."), "of the image side alone"),
        ("words-hub", lambda key: True, "fetched from the net"),
    ],
)
def test_what_cannot_read_says_so(name, keep, said, weights):
    path, _ = weights("words-plain", keep=keep)
    encoder = OpenClipEncoder(f"openclip:{name}", path, device="cpu")
    with pytest.raises(InputError) as caught:
        encoder.encode_words(WORDS)
    assert caught.value.code == "no_words"
    assert said in str(caught.value)


def test_a_text_side_that_does_not_fit_is_refused(weights):
    path, _ = weights("words-plain", keep=lambda key: key != "ln_final.weight")
    encoder = OpenClipEncoder("openclip:words-plain", path, device="cpu")
    with pytest.raises(StylesearchError) as caught:
        encoder.encode_words(WORDS)
    assert caught.value.code == "weights_mismatch"
    assert "ln_final.weight" in str(caught.value)
