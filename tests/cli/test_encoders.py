"""``stylesearch encoders``: add, list, show, remove; and a catalogue that is described with an added encoder."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from sqlalchemy import text

from stylesearch.catalog.database import open_database
from stylesearch.cli import encoders as command
from stylesearch.encoders import hub
from stylesearch.encoders.checkpoints import file_sha256
from stylesearch.encoders.lite import WEIGHTS
from stylesearch.encoders.registry import get_encoder
from stylesearch.settings import Settings

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data folder of its own, and no service within reach."""
    monkeypatch.setenv("STYLESEARCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STYLESEARCH_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    return tmp_path / "home"


@pytest.fixture
def add(run_command: Callable) -> Callable:
    """Run ``encoders add`` without the benchmark."""
    return lambda *arguments: run_command("encoders", "add", *arguments, "--no-benchmark")


@pytest.fixture
def listed(run_command: Callable) -> Callable[[], dict]:
    """The encoders that ``encoders list`` lists, by slug."""

    def by_slug() -> dict:
        outcome = run_command("encoders", "list", "--json")
        assert outcome.code == 0, outcome
        return {row["slug"]: row for row in json.loads(outcome.out)}

    return by_slug


def assert_one_error(outcome, *, says: str, code: int = 1) -> None:
    assert outcome.code == code, outcome
    *before, line = outcome.err.splitlines()
    assert line.startswith("error: "), outcome.err
    assert says in line, outcome.err
    assert len(before) <= 1, outcome.err  # which file is being read
    assert outcome.out == ""


def test_nothing_is_added_at_first(home, listed) -> None:
    rows = listed()
    assert set(rows) == {"lite"}
    assert rows["lite"]["source"] == "built in"
    assert not home.exists()


def test_a_checkpoint_is_recognised_kept_and_used(
    home, add, listed, run_command, small_csd, small_weights, tmp_path
):
    outcome = add(small_weights, "--license", "CC-BY-4.0")
    assert outcome.code == 0, outcome
    sha256 = file_sha256(small_weights)
    for said in (small_csd, "all fit", "48 numbers", "crop-224-clip-v1", "CC-BY-4.0", sha256):
        assert said in outcome.out
    row = listed()[small_csd]
    assert (row["family"], row["dim"], row["weights_sha256"]) == (small_csd, 48, sha256)
    assert row["source"] == "small.pth"

    picture = tmp_path / "a.png"
    Image.new("RGB", (9, 9), "teal").save(picture)
    for name, options in (("added", []), ("direct", ["--weights", small_weights])):
        arguments = ["--encoder", small_csd, "--out", tmp_path / f"{name}.npz", *options]
        assert run_command("encode", picture, *arguments).code == 0
    small_weights.unlink()
    with np.load(tmp_path / "added.npz") as added, np.load(tmp_path / "direct.npz") as direct:
        assert np.array_equal(added["descriptors"], direct["descriptors"])
        assert added["encoder_digest"] == row["digest"]


def test_options_are_kept(home, add, listed, small_csd, small_weights) -> None:
    options = ["--as", f"{small_csd}-448", "--slug", "mine", "--policy", "tile"]
    assert add(small_weights, *options).code == 0
    row = listed()["mine"]
    assert (row["family"], row["policy"]) == (f"{small_csd}-448", "tile")
    assert (row["preprocessing"], row["license"]) == ("tile-448-clip-v1", "LicenseRef-unknown")
    assert get_encoder("mine", folder=home / "encoders").spec.digest == row["digest"]


def test_safetensors_and_open_clip_too(
    home, add, listed, random_csd, small_csd, small_model, tmp_path
) -> None:
    import open_clip

    save_file(random_csd(small_csd), tmp_path / "csd.safetensors")
    assert add(tmp_path / "csd.safetensors").code == 0
    torch.save(open_clip.create_model(small_model).state_dict(), tmp_path / "clip.pt")
    assert add(tmp_path / "clip.pt", "--as", f"openclip:{small_model}").code == 0
    assert set(listed()) == {"lite", small_csd, f"openclip-{small_model}"}


def test_it_is_measured_on_drawn_pictures(home, run_command, monkeypatch, small_weights) -> None:
    monkeypatch.setattr(command, "BENCHMARK_SECONDS", 0.01)
    outcome = run_command("encoders", "add", small_weights)
    assert outcome.code == 0, outcome
    rates = re.findall(r"([\d.]+) with (\d+)", outcome.out)
    assert [int(size) for _, size in rates] == [1, 4, 8]
    assert all(float(rate) > 0 for rate, _ in rates)


def test_showing_checks_the_weights_again(home, add, run_command, small_csd, small_weights) -> None:
    add(small_weights)
    shown = run_command("encoders", "show", small_csd)
    assert shown.code == 0
    assert "LicenseRef-unknown" in shown.out
    values = json.loads(run_command("encoders", "show", small_csd, "--json").out)
    assert values["weights_bytes"] == small_weights.stat().st_size
    with Path(values["weights"]).open("ab") as file:
        file.write(b"x")
    assert_one_error(run_command("encoders", "show", small_csd), says="not the ones expected")
    assert run_command("encoders", "show", "lite").code == 0


def test_removing(home, add, listed, run_command, small_csd, small_weights) -> None:
    add(small_weights)
    outcome = run_command("encoders", "remove", small_csd)
    assert outcome.code == 0
    assert f"removed {small_csd}" in outcome.out
    assert set(listed()) == {"lite"}
    assert_one_error(run_command("encoders", "remove", small_csd), says="Added: none")
    assert_one_error(run_command("encoders", "remove", "lite"), says="No encoder 'lite' was added")


def test_a_slug_that_is_taken(home, add, small_csd, small_weights) -> None:
    add(small_weights)
    assert add(small_weights).code == 0  # the same again
    outcome = add(small_weights, "--policy", "pad")
    assert outcome.code == 1
    assert f"remove it with 'stylesearch encoders remove {small_csd}'" in outcome.err


@pytest.mark.parametrize(("slug", "says"), [("lite", "is built in"), ("A b", "cannot be an encoder's slug")])
def test_a_slug_that_cannot_be(slug, says, home, add, listed, small_weights) -> None:
    assert_one_error(add(small_weights, "--slug", slug), says=says)
    assert set(listed()) == {"lite"}


def test_from_a_hub_with_the_licence_it_states(
    home, add, listed, monkeypatch, small_csd, small_weights
) -> None:
    fetched = []
    found = hub.Fetched(small_weights, "lab/model/csd.pth", "CC-BY-4.0")
    monkeypatch.setattr(hub, "fetch", lambda *asked: fetched.append(asked) or found)
    assert_one_error(add("lab/model"), says="There is no file lab/model")
    assert fetched == []
    assert add("lab/model", "--online", "--file", "csd.pth").code == 0
    assert fetched == [("lab/model", "csd.pth")]
    row = listed()[small_csd]
    assert (row["source"], row["license"]) == ("lab/model/csd.pth", "CC-BY-4.0")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["none.pth"], 1, "There is no file none.pth. Check the path."),
        (["lab/model"], 1, "add --online"),
        (["{weights}", "--file", "x"], 2, "--file names a file of a hub's repository"),
        (["{weights}", "--license", "my own"], 1, "'my own' is no SPDX id"),
        (["{weights}", "--as", "openclip:ViT-B-99"], 1, "Nearest: ViT-B-"),
        (["{weights}", "--as", "csd-vit-b-16"], 1, "does not fit"),
        (["{weights}", "--as", "csd-vit-l-14-337"], 1, "not a whole number of patches"),
        (["{weights}", "--as", "heavy"], 1, "There is no encoder 'heavy'"),
        (["{weights}", "--policy", "fold"], 2, "'fold' is not one of"),
        (["{folder}"], 1, "Is a directory"),
        ([str(WEIGHTS)], 1, "are for the encoder lite, which is built in"),
        (["{weights}", "--as", "lite"], 1, "are for the encoder lite, which is built in"),
    ],
)
def test_bad_arguments(arguments, code, says, home, add, listed, small_weights, tmp_path: Path) -> None:
    given = [one.format(weights=small_weights, folder=tmp_path) for one in arguments]
    outcome = add(*given)
    if says == "does not fit":
        assert outcome.code == 1
        assert re.search(r"lacks backbone.* \(\d+ more do not fit either\)", outcome.err), outcome.err
    else:
        assert_one_error(outcome, says=says, code=code)
    assert set(listed()) == {"lite"}


class Payload:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


BROKEN = {
    "missing": (lambda state, tmp: state.pop("module.backbone.conv1.weight"), "lacks backbone.conv1.weight"),
    "extra": (
        lambda state, tmp: state.update({"module.more": torch.ones(1)}),
        "has more, which the model does not",
    ),
    "misshapen": (
        lambda state, tmp: state.update({"module.last_layer_content": torch.ones(128, 47)}),
        "last_layer_content in the shape [128, 47], not [128, 48]",
    ),
    "nan": (
        lambda state, tmp: state["module.last_layer_style"].fill_(torch.nan),
        "NaN or infinity in last_layer_style",
    ),
    "code": (
        lambda state, tmp: state.update({"module.evil": Payload(tmp / "made")}),
        "nothing of it was run",
    ),
    "no tensor": (lambda state, tmp: state.update({"module.word": "word"}), "word that is no tensor"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_bad_weights_are_not_added(kind, home, add, listed, small_weights, tmp_path: Path) -> None:
    whole = torch.load(small_weights, weights_only=True)
    spoil, says = BROKEN[kind]
    spoil(whole["model_state_dict"], tmp_path)
    torch.save(whole, small_weights)
    assert_one_error(add(small_weights), says=says)
    assert set(listed()) == {"lite"}
    assert not (tmp_path / "made").exists()
    assert not (home / "encoders").exists()


# In a catalogue


def test_a_catalogue_may_be_described_with_an_added_encoder(
    environment: Settings, add, run_command, monkeypatch, small_csd, small_weights, drawn_folder: Path
) -> None:
    monkeypatch.setenv("STYLESEARCH_DEVICE", "cpu")
    assert add(small_weights, "--slug", "mine").code == 0
    monkeypatch.setenv("STYLESEARCH_ENCODER", "mine")
    assert run_command("ingest", "folder", drawn_folder, "-c", "drawn", "--inline").code == 0
    with open_database(environment).session() as session:
        row = session.execute(text("SELECT slug, dim, weights_sha256, preprocessing FROM encoder")).one()
        assert tuple(row) == ("mine", 48, file_sha256(small_weights), "crop-224-clip-v1")
        assert session.scalar(text("SELECT count(*) FROM descriptor")) == 30
    picture = min(drawn_folder.rglob("*.svg"))
    found = json.loads(run_command("search", picture, "-k", "3", "--json").out)
    assert found["encoder"]["slug"] == "mine"
    assert len(found["results"]) == 3
    assert "mine (48 numbers" in run_command("doctor", "--json").out
    # The same slug with other weights is another encoder, and says so before anything is written.
    assert run_command("encoders", "remove", "mine").code == 0
    other = torch.load(small_weights, weights_only=True)
    other["model_state_dict"]["module.last_layer_style"] *= 2
    torch.save(other, small_weights)
    assert add(small_weights, "--slug", "mine").code == 0
    assert "is not the one that described this gallery" in run_command("search", picture).err


def test_an_encoder_that_gives_no_descriptors_stores_none(
    environment: Settings, add, run_command, monkeypatch, random_csd, small_csd, tmp_path: Path
) -> None:
    torch.save({**random_csd(small_csd), "last_layer_style": torch.zeros(128, 48)}, tmp_path / "zero.pth")
    assert add(tmp_path / "zero.pth", "--slug", "zero").code == 0
    monkeypatch.setenv("STYLESEARCH_ENCODER", "zero")
    monkeypatch.setenv("STYLESEARCH_DEVICE", "cpu")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for colour in ("red", "blue"):
        Image.new("RGB", (9, 9), colour).save(pictures / f"{colour}.png")
    outcome = run_command("ingest", "folder", pictures, "-c", "x", "--inline")
    assert "descriptor_invalid: 2" in outcome.out
    with open_database(environment).session() as session:
        assert session.scalar(text("SELECT count(*) FROM descriptor")) == 0
        assert session.scalar(text("SELECT count(*) FROM work")) == 0


@pytest.mark.parametrize(
    ("family", "slug"),
    [
        ("openclip:ViT-B-32", "openclip-vit-b-32"),
        ("openclip:ViT-B-16-SigLIP-i18n-256/webli", "openclip-vit-b-16-siglip-i18n-256-webli"),
        ("openclip:RN50x4/openai", "openclip-rn50x4-openai"),
        ("csd-vit-l-14-336", "csd-vit-l-14-336"),
    ],
)
def test_default_slugs(family, slug) -> None:
    assert command.default_slug(family) == slug
