"""From packages to weights, by the command, with few worlds and few steps."""

import json
import os
import re
import shutil
import signal
import stat
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from stylesearch.encoders.backbone import WEIGHTS_SHA256
from stylesearch.encoders.lite import LiteEncoder
from stylesearch.training.lite import head, plan, recipe
from stylesearch.training.lite.recipe import make_lite

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def small(monkeypatch) -> None:
    """Make the plan and the training small; all else is as it is."""
    monkeypatch.setattr(plan, "RESTYLED", {"drawn": {"kept": 1}})
    monkeypatch.setattr(plan, "WRITTEN", 0)
    monkeypatch.setattr(plan, "_CANDIDATES", 3)
    monkeypatch.setattr(
        recipe, "CONFIG", replace(recipe.CONFIG, steps=4, worlds=2, styles=2, contents=2, warmup=1)
    )


@pytest.mark.usefixtures("small")
def test_weights_are_made_and_a_run_that_is_stopped_goes_on(packages, tmp_path, run_command, monkeypatch):
    work, out = tmp_path / "work", tmp_path / "made/lite.safetensors"
    said: list[tuple[str, str, int, int]] = []

    def stop_while_training(what, unit, done, total, note):
        said.append((what, unit, done, total))
        if what == "Training" and done == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        make_lite(packages, work, out, progress=stop_while_training)
    assert said[0] == ("Describing", "worlds", 0, 5)  # no package had to be fetched
    assert said[-1] == ("Training", "steps", 2, 4)
    assert not out.exists()
    kept = {path: path.stat().st_mtime_ns for path in (work / "statistics").iterdir()}
    assert len(kept) == 5

    outcome = run_command("train-lite", "--packages", packages, "--work", work, "--out", out)
    assert outcome.code == 0, outcome.err
    assert f"{out}: learnt from " in outcome.out
    assert "styles and 5 worlds" in outcome.out
    assert "left out 0 files and 1 near copies of test pictures (faba 1)" in outcome.out
    assert {path: path.stat().st_mtime_ns for path in (work / "statistics").iterdir()} == kept
    steps = [json.loads(line)["step"] for line in (work / "run/metrics.jsonl").read_text().splitlines()]
    assert steps == [1, 2, 3, 4]

    written = sorted(path.name for path in out.parent.iterdir())
    assert written == ["lite.onnx", "lite.ordinary.safetensors", "lite.safetensors"]
    assert len({stat.S_IMODE(path.stat().st_mode) for path in out.parent.iterdir()}) == 1
    with safe_open(out, framework="numpy") as file:
        facts = {name: json.loads(value) for name, value in file.metadata().items()}
    assert facts["encoder"] == "lite"
    assert facts["backbone_sha256"] == WEIGHTS_SHA256
    assert facts["worlds"] == 5
    assert facts["pictures"] > 60
    pixels = np.random.default_rng(0).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    descriptor = LiteEncoder(weights=out, device="cpu").encode([pixels])
    assert descriptor.shape == (1, 256)

    # With another whitening it is another run, which is not gone on with by mistake.
    monkeypatch.setattr(head, "CONTENT_WEIGHT", 3.0)
    outcome = run_command("train-lite", "--packages", packages, "--work", work, "--out", out)
    assert_one_line(outcome, "begun with model content weight 10.0, not 3.0.*--fresh")
    outcome = run_command("train-lite", "--packages", packages, "--work", work, "--out", out, "--fresh")
    assert outcome.code == 0, outcome.err


@pytest.mark.parametrize(
    ("out", "says"),
    [
        ("lite.onnx", "is where the graph would go"),
        ("file/lite.safetensors", "Not a directory|File exists"),
    ],
)
def test_an_out_that_cannot_be_written_is_said_before_the_work(out, says, tmp_path, run_command):
    (tmp_path / "file").write_text("no folder")
    outcome = run_command("train-lite", "--packages", tmp_path, "--work", tmp_path, "--out", tmp_path / out)
    assert_one_line(outcome, says)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_without_the_extra_it_is_said_before_the_work(tmp_path, run_command, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    out = tmp_path / "lite.safetensors"
    outcome = run_command("train-lite", "--packages", tmp_path, "--work", tmp_path, "--out", out)
    assert_one_line(outcome, r"onnxscript is not installed.*Install stylesearch\[train\]")
    assert list(tmp_path.iterdir()) == []


def test_packages_that_hold_nothing_are_said(packages, tmp_path, run_command):
    for name in packages.iterdir():
        (tmp_path / "packages" / name.name).mkdir(parents=True)
    shutil.copytree(packages / "fonts-lobster", tmp_path / "packages/fonts-lobster", dirs_exist_ok=True)
    out: Path = tmp_path / "lite.safetensors"
    outcome = run_command(
        "train-lite", "--packages", tmp_path / "packages", "--work", tmp_path / "work", "--out", out
    )
    assert_one_line(outcome, "holds no two icon themes")
    assert not out.exists()


def assert_one_line(outcome, says: str) -> None:
    assert outcome.code == 1, outcome
    assert outcome.err.startswith("error: "), outcome.err
    assert outcome.err.count("\n") == 1, outcome.err
    assert re.search(says, outcome.err), outcome.err
