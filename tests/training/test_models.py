from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from stylesearch.errors import InputError, StylesearchError
from stylesearch.training.config import TrainingConfig
from stylesearch.training.datasets import Decoding, FeatureSet
from stylesearch.training.distributed import Ranks
from stylesearch.training.files import picture_folder
from stylesearch.training.models import build_model, model_named
from stylesearch.training.runfolder import RunFolder
from stylesearch.training.trainable import ModelOptions, Trainable
from stylesearch.training.trainer import train

HEAD = model_named("head")

pytestmark = pytest.mark.usefixtures("one_thread")


def head(data: FeatureSet, *, seed: int = 0, **options) -> Trainable:
    return build_model(HEAD, data, ModelOptions(**({"dim": 16, "hidden": 32} | options)), seed=seed)


@pytest.mark.parametrize("hidden", [0, 32])
def test_a_head_standardises_and_gives_unit_descriptors(crossed_features: FeatureSet, hidden: int) -> None:
    built = head(crossed_features, hidden=hidden)
    flat = crossed_features.features.reshape(-1, 24)
    assert np.allclose(built.module.mean, flat.mean(axis=0), atol=1e-5)
    assert np.allclose(built.module.deviation, flat.std(axis=0), atol=1e-4)
    described = built.module(torch.from_numpy(flat))
    assert described.shape == (240, 16)
    assert torch.allclose(described.norm(dim=1), torch.ones(240), atol=1e-5)
    assert len([name for name in built.weights() if name.endswith("weight")]) == (2 if hidden else 1)


def test_features_that_never_change_break_nothing(crossed_features: FeatureSet) -> None:
    still = FeatureSet(np.full((80, 1, 5), 3.0, np.float32), crossed_features.labels)
    assert torch.isfinite(head(still).module(torch.full((2, 5), 3.0))).all()


def test_the_seed_decides_random_weights_and_the_callers_generator_is_left_alone(crossed_features) -> None:
    torch.manual_seed(9)
    expected = torch.rand(3)
    torch.manual_seed(9)
    one, other, third = (head(crossed_features, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    weights = [built.weights()["layers.0.weight"] for built in (one, other, third)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_head_may_start_from_an_earlier_one_that_fits(crossed_features: FeatureSet, tmp_path: Path) -> None:
    path = tmp_path / "head.safetensors"
    save_file(dict(head(crossed_features, seed=7).weights()), path)
    assert torch.equal(
        head(crossed_features, init=path).weights()["layers.2.weight"],
        head(crossed_features, seed=7).weights()["layers.2.weight"],
    )
    with pytest.raises(StylesearchError, match=r"has layers\.0\.bias in the shape \[32\], not \[31\]"):
        head(crossed_features, init=path, hidden=31)


def test_training_a_head_turns_style_up_and_content_down(
    crossed_features: FeatureSet, figure, tmp_path: Path
) -> None:
    labels = crossed_features.labels
    styles = np.array([tags[0] for tags in labels.tags])
    whole = torch.from_numpy(crossed_features.features[:, 0])

    def found_by_style(vectors: torch.Tensor) -> float:
        unit = torch.nn.functional.normalize(vectors.detach(), dim=1).numpy()
        alike = unit @ unit.T
        np.fill_diagonal(alike, -2)
        return float((styles[alike.argmax(axis=1)] == styles).mean())

    built = head(crossed_features)
    config = TrainingConfig(steps=80, styles=8, contents=4, head_lr=0.1, warmup=10)
    train(
        built, crossed_features, config, RunFolder(tmp_path / "out"), ranks=Ranks(0, 1, torch.device("cpu"))
    )
    raw, trained = (
        found_by_style((whole - built.module.mean) / built.module.deviation),
        found_by_style(built.module(whole)),
    )
    figure(f"nearest picture is of the same style: {raw:.0%} by features, {trained:.0%} by the trained head")
    assert raw < 0.5
    assert trained > 0.9


def test_a_head_wants_features(drawings: Path) -> None:
    with pytest.raises(InputError) as caught:
        head(picture_folder(drawings, decoding=Decoding()))
    assert caught.value.code == "features_wanted"


def test_an_unknown_model() -> None:
    with pytest.raises(InputError, match="csd-vit-l-14") as caught:
        model_named("resnet")
    assert caught.value.code == "unknown_model"


def test_the_command_offers_all_models() -> None:
    from stylesearch.cli import train as command
    from stylesearch.cli import training_data
    from stylesearch.training.archive import TAG_KINDS
    from stylesearch.training.models import MODELS

    assert tuple(MODELS) == command.MODELS
    assert TAG_KINDS == training_data.TAG_KINDS
