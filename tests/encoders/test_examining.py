from pathlib import Path

import pytest
import torch

from stylesearch.encoders.checkpoints import WeightsFile
from stylesearch.encoders.examining import examine
from stylesearch.encoders.lite import WEIGHTS
from stylesearch.errors import InputError, StylesearchError


def test_a_csd_checkpoint_is_recognised(small_csd, small_weights):
    found = examine(WeightsFile(small_weights))
    state = torch.load(small_weights, weights_only=True)["model_state_dict"]
    assert (found.family, found.dim, found.preprocessing.name) == (small_csd, 48, "crop-224-clip-v1")
    assert found.tensors == len(state)
    assert found.parameters == sum(tensor.numel() for tensor in state.values())
    assert found.kinds == ("float32",)


def test_the_family_and_the_policy_may_be_said(small_csd, small_weights):
    found = examine(WeightsFile(small_weights), family=f"{small_csd}-448", policy="pad")
    assert (found.family, found.preprocessing.name) == (f"{small_csd}-448", "pad-448-clip-v1")


def test_an_open_clip_checkpoint_wants_its_model_named(small_model, tmp_path: Path):
    import open_clip

    state = open_clip.create_model(small_model).state_dict()
    torch.save({"state_dict": {name: tensor.half() for name, tensor in state.items()}}, tmp_path / "clip.pt")
    weights = WeightsFile(tmp_path / "clip.pt")
    with pytest.raises(
        InputError, match=r"looks like a CLIP model\. Say .* --as openclip:ViT-B-32"
    ) as caught:
        examine(weights)
    assert caught.value.code == "checkpoint_unknown"
    found = examine(weights, family=f"openclip:{small_model}")
    assert (found.dim, found.preprocessing.name, found.kinds) == (48, "crop-224-clip-v1", ("float16",))


@pytest.mark.parametrize("family", [None, "lite"])
def test_weights_of_lite_are_told_how_to_be_used(family):
    with pytest.raises(InputError, match="are for the encoder lite, which is built in") as caught:
        examine(WeightsFile(WEIGHTS), family=family)
    assert caught.value.code == "checkpoint_unknown"
    assert "--encoder lite --weights FILE" in caught.value.hint


def test_what_is_in_no_known_layout_is_refused(tmp_path: Path):
    torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "other.pt")
    with pytest.raises(InputError, match="first tensor is called weight"):
        examine(WeightsFile(tmp_path / "other.pt"))


@pytest.mark.parametrize("family", ["csd-vit-h-14", "openclip:nothing-of-the-kind"])
def test_an_unknown_family_is_refused(family, small_weights):
    with pytest.raises(InputError) as caught:
        examine(WeightsFile(small_weights), family=family)
    assert caught.value.code == "unknown_encoder"


def test_an_incomplete_csd_checkpoint_is_refused_by_name(small_csd, random_csd, tmp_path: Path):
    state = random_csd(small_csd)
    del state["backbone.ln_pre.weight"]
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(StylesearchError, match=r"lacks backbone\.ln_pre\.weight"):
        examine(WeightsFile(tmp_path / "a.pth"))
