"""Small networks with random weights."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stylesearch.encoders import csd

SMALL_MODEL = "stylesearch-small"
SMALL_SLUG = "csd-vit-s-32"


@pytest.fixture(scope="session")
def small_model(tmp_path_factory) -> str:
    """Name of an open_clip model of two layers, known to this process."""
    import open_clip

    sizes = {"vocab_size": 64, "width": 64, "heads": 1, "layers": 1, "context_length": 8}
    vision = {"image_size": 224, "layers": 2, "width": 128, "patch_size": 32}
    path = tmp_path_factory.mktemp("models") / f"{SMALL_MODEL}.json"
    path.write_text(
        json.dumps({"embed_dim": 48, "quick_gelu": True, "vision_cfg": vision, "text_cfg": sizes})
    )
    open_clip.add_model_config(path)
    return SMALL_MODEL


@pytest.fixture
def small_csd(small_model: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Slug of a CSD of two layers: all of it is as in the large ones, and quick."""
    small = csd.Architecture(small_model, width=128, patch=32, dim=48)
    monkeypatch.setitem(csd.ARCHITECTURES, SMALL_SLUG.removeprefix("csd-"), small)
    return SMALL_SLUG


@pytest.fixture
def random_csd() -> Callable[..., dict]:
    """Makes random weights of a CSD in the published layout, all of them away from their tidy first values."""
    import torch

    def make(slug: str, seed: int = 0) -> dict:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            state = csd.build_module(slug).state_dict()
            return {name: tensor + 0.02 * torch.randn_like(tensor) for name, tensor in state.items()}

    return make


@pytest.fixture
def small_weights(small_csd: str, random_csd: Callable[..., dict], tmp_path: Path) -> Path:
    """Random weights of the small CSD, as a training script saves them."""
    import torch

    path = tmp_path / "small.pth"
    state = {f"module.{name}": tensor for name, tensor in random_csd(small_csd).items()}
    torch.save({"model_state_dict": state, "iter": 7}, path)
    return path


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Compute on one thread: for small networks, in tests that run in as many processes as there are cores."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
