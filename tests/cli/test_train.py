"""The command, on small data: what it writes, what it says, what it refuses, and how it runs under torchrun."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open

from stylesearch.training.datasets import FeatureSet
from stylesearch.training.labels import Labels

SMALL = (
    "--steps",
    "12",
    "--batch",
    "12",
    "--styles-per-batch",
    "4",
    "--dim",
    "8",
    "--hidden",
    "16",
    "--device",
    "cpu",
)


@pytest.fixture
def features(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    cells = [(style, content) for style in range(6) for content in range(5)]
    values = random.normal(size=(len(cells), 2, 10)).astype(np.float32)
    FeatureSet(values, Labels.of([[f"s{s}"] for s, _ in cells], [f"c{c}" for _, c in cells])).save(
        tmp_path / "features.npz"
    )
    return tmp_path / "features.npz"


def curve(out: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (out / "metrics.jsonl").read_text().splitlines()]


def made(out: Path) -> dict:
    with safe_open(out / "weights.safetensors", "pt") as file:
        return json.loads(file.metadata()["training"])


def pictures(folder: Path, styles: int = 3, contents: int = 3) -> Path:
    for style in range(styles):
        (folder / f"s{style}").mkdir(parents=True)
        for content in range(contents):
            colour = (80 * style, 60 * content, 100)
            Image.new("RGB", (32, 32), colour).save(folder / f"s{style}" / f"c{content}.png")
    return folder


def assert_one_line(outcome, *, code: int, says: str) -> None:
    assert outcome.code == code, outcome
    lines = [line for line in outcome.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, outcome.err
    assert says in lines[0], outcome.err
    assert "Traceback" not in outcome.err


def test_a_head_from_features_to_weights_and_curves(features: Path, run_command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ("train", "--model", "head", "--features", features, "--out", out, *SMALL)
    done = run_command(*command)
    assert done.code == 0, done.err
    assert f"weights: {out}/weights.safetensors" in done.out
    assert "30 samples, 6 tags, 5 contents; 12 batches of 4 styles with 3 pictures each, on cpu" in done.err
    assert {path.name for path in out.iterdir()} == {
        *("weights.safetensors", "metrics.jsonl", "checkpoint.pt", "curves.png", "curves.svg", ".lock")
    }
    assert len(curve(out)) == 12
    words = shlex.split(made(out)["command"])
    assert words[:4] == ["stylesearch", "train", "--model", "head"]
    # The command in the weights file makes the same weights again.
    again = [str(tmp_path / "again") if word == str(out) else word for word in words[1:]]
    assert run_command(*again).code == 0
    assert curve(tmp_path / "again") == curve(out)
    assert run_command(*command).code == 0
    assert_one_line(
        run_command(*command, "--lambda", "0.5"), code=1, says="begun with ssl_weight 0.2, not 0.5"
    )
    assert run_command(*command, "--lambda", "0.5", "--fresh").code == 0
    assert made(out)["ssl_weight"] == 0.5


def test_the_same_command_under_torchrun(features: Path, run_command, tmp_path: Path) -> None:
    command = ["train", "--model", "head", "--features", str(features), *SMALL, "--out"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*torchrun, "-m", "stylesearch", *command, str(tmp_path / "two")],
        env=os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "on cpu in 2 processes" in done.stderr
    assert done.stdout.count("weights: ") == 1
    assert run_command(*command, tmp_path / "one").code == 0
    assert np.abs(np.subtract(curve(tmp_path / "two"), curve(tmp_path / "one"))).max() < 1e-4


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "Give one of --folder, --table, --collection, --curated, --shards, --features"),
        (("--folder", "x", "--table", "y.csv"), "Give one of"),
        (("--folder", "x"), "trained on --features"),
        (
            ("--features", "f.npz", "--batch", "10", "--styles-per-batch", "4"),
            "A batch of 10 is not made of 4 styles",
        ),
        (("--features", "f.npz", "--batch", "6", "--contents-per-batch", "6"), "at least 2 of both"),
        (("--features", "f.npz", "--steps", "0"), "0 is not in the range"),
    ],
)
def test_calls_that_make_no_sense(options, says: str, run_command, tmp_path: Path) -> None:
    outcome = run_command("train", "--model", "head", "--out", tmp_path / "out", *options)
    assert_one_line(outcome, code=2, says=says)
    assert not (tmp_path / "out").exists()


def test_data_that_cannot_be_trained_on(run_command, tmp_path: Path) -> None:
    def refused(folder: Path, says: str) -> None:
        # None of these gets as far as building the network.
        outcome = run_command(
            "train", "--model", "csd-vit-b-16", "--out", tmp_path / "out", "--folder", folder
        )
        assert_one_line(outcome, code=1, says=says)

    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "holds no pictures")
    refused(tmp_path / "no", "There is no folder")
    Image.new("RGB", (8, 8)).save(tmp_path / "empty/alone.png")
    refused(tmp_path / "empty", "has a tag")
    assert not (tmp_path / "out").exists()


def test_features_that_cannot_be_trained_on(features: Path, run_command, tmp_path: Path) -> None:
    def refused(says: str, *options: object, path: Path = features) -> None:
        command = ("train", "--model", "head", "--out", tmp_path / "out", "--features", path, *options)
        assert_one_line(run_command(*command), code=1, says=says)

    refused("cannot be drawn from 30 pictures", "--batch", "64")
    refused("There is no device cuda:99", *SMALL, "--device", "cuda:99")
    refused("fp16 cannot be trained in on cpu", *SMALL, "--precision", "fp16")
    refused("no.npz holds no features", path=tmp_path / "no.npz")
    alone = FeatureSet(np.zeros((9, 1, 4), np.float32), Labels.of([["s"]] * 9, [None] * 9))
    alone.save(tmp_path / "alone.npz")
    refused("there must be at least 2 to tell apart", path=tmp_path / "alone.npz")
    (tmp_path / "weights.pt").write_text("no weights")
    refused("is neither a PyTorch nor a safetensors file", *SMALL, "--init", tmp_path / "weights.pt")


def test_a_collection_that_is_not_there(environment, run_command, tmp_path: Path) -> None:
    outcome = run_command(
        "train", "--model", "csd-vit-b-16", "--out", tmp_path / "out", "--collection", "nowhere"
    )
    assert_one_line(outcome, code=1, says="There is no collection 'nowhere'")


def test_help_says_how_to_run_it_on_several_devices(run_command) -> None:
    outcome = run_command("train", "--help")
    assert outcome.code == 0
    assert "torchrun --nproc-per-node 2 -m stylesearch train" in outcome.out


def test_help_needs_no_torch() -> None:
    code = "import sys; sys.argv[1:] = ['train', '--help']; from stylesearch.cli.main import main\n"
    code += "try: main()\nexcept SystemExit: print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
