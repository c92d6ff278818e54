"""CSD as something to train. The network is the real one, at a small size; building it takes most of the time."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from stylesearch.encoders.checkpoints import read_state
from stylesearch.encoders.csd import CSDEncoder, build_module
from stylesearch.errors import InputError, StylesearchError
from stylesearch.training.augment import Augmentation
from stylesearch.training.config import TrainingConfig
from stylesearch.training.csd import from_clip
from stylesearch.training.datasets import Decoding
from stylesearch.training.distributed import Ranks
from stylesearch.training.files import picture_folder
from stylesearch.training.models import build_model, model_named
from stylesearch.training.runfolder import RunFolder
from stylesearch.training.trainable import ModelOptions, Trainable
from stylesearch.training.trainer import train

pytestmark = pytest.mark.usefixtures("one_thread")

VIEWS = Augmentation(side=112, square=True)


def built(init: Path | None = None) -> Trainable:
    return build_model(model_named("csd-vit-b-16"), None, ModelOptions(views=VIEWS, init=init), seed=3)


@pytest.fixture(scope="module")
def trained(drawings: Path, tmp_path_factory) -> Iterator[tuple[Trainable, Path]]:
    """The network after one step of its head, and the weights file it was exported to."""
    data = picture_folder(drawings, decoding=Decoding(shortest_side=VIEWS.source_side))
    config = TrainingConfig(steps=1, styles=2, contents=2, head_lr=1.0, backbone_lr=0.0, warmup=0)
    folder = RunFolder(tmp_path_factory.mktemp("csd") / "out")
    trainable = built()
    train(trainable, data, config, folder, ranks=Ranks(0, 1, torch.device("cpu")))
    yield trainable, folder.weights
    shutil.rmtree(folder.path)  # hundreds of megabytes


def test_the_export_is_what_the_encoder_reads_and_describes_alike(trained) -> None:
    trainable, weights = trained
    pictures = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), np.uint8)
    encoder = CSDEncoder("csd-vit-b-16-112", weights, device="cpu", precision="fp32")
    with torch.inference_mode():
        described = trainable.module.eval()(torch.from_numpy(pictures).permute(0, 3, 1, 2)).numpy()
    assert np.abs(encoder.encode(list(pictures)) - described).max() < 1e-5


def test_the_objective_moves_the_style_head_and_not_the_content_head(trained) -> None:
    trainable, weights = trained
    assert trainable.name == "csd-vit-b-16-112"
    fixed = [name for name, parameter in trainable.module.named_parameters() if not parameter.requires_grad]
    assert "network.last_layer_content" in fixed
    state = read_state(weights)
    before = built().weights()
    assert not torch.equal(state["last_layer_style"], before["last_layer_style"])
    assert torch.equal(state["last_layer_content"], before["last_layer_content"])


def test_a_start_from_weights_is_strict_and_leaves_the_file_alone(trained, tmp_path: Path) -> None:
    _, weights = trained
    file = weights.read_bytes()
    again = built(init=weights)
    assert again.settings["init sha256"]
    state = read_state(weights)
    assert all(torch.equal(tensor, state[name]) for name, tensor in again.weights().items())
    with torch.no_grad():
        for parameter in again.module.parameters():
            parameter.zero_()
    assert weights.read_bytes() == file
    lacking = tmp_path / "lacking.pt"
    torch.save({name: tensor for name, tensor in state.items() if name != "backbone.ln_post.bias"}, lacking)
    with pytest.raises(StylesearchError, match=r"lacks backbone\.ln_post\.bias"):
        built(init=lacking)
    lacking.unlink()


def test_a_clip_checkpoint_gives_the_tower_and_both_heads() -> None:
    with torch.device("meta"):
        expected = build_module("vit-b-16").state_dict()
    clip = {
        name.replace("backbone.", "visual."): tensor
        for name, tensor in expected.items()
        if name.startswith("backbone.")
    }
    clip |= {
        "visual.proj": torch.ones(768, 512),
        "logit_scale": torch.ones(()),
        "token_embedding.weight": torch.ones(2, 2),
    }
    state = from_clip(clip)
    assert set(state) == set(expected)
    assert torch.equal(state["last_layer_style"], clip["visual.proj"])
    assert torch.equal(state["last_layer_content"], clip["visual.proj"])
    assert from_clip(expected) is expected


@pytest.mark.parametrize("side", [64, 120])
def test_sizes_that_cannot_be(side: int) -> None:
    with pytest.raises(InputError):
        build_model(
            model_named("csd-vit-b-16"),
            None,
            ModelOptions(views=Augmentation(side=side, square=True)),
            seed=0,
        )
