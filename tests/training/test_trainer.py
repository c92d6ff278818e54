"""The loop itself; runs that are killed or starved of space are real processes (``small_run.py``)."""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from stylesearch.errors import InputError, StylesearchError
from stylesearch.training.config import TrainingConfig
from stylesearch.training.datasets import Decoding, FeatureSet
from stylesearch.training.distributed import Ranks
from stylesearch.training.files import picture_folder
from stylesearch.training.labels import Labels
from stylesearch.training.models import build_model, model_named
from stylesearch.training.runfolder import RunFolder, read_metrics
from stylesearch.training.trainable import ModelOptions
from stylesearch.training.trainer import train

PROGRAM = Path(__file__).with_name("small_run.py")
ALONE = Ranks(0, 1, torch.device("cpu"))
STEPS = 16

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def run(drawings: Path, small):
    """A function that trains the small network on the drawings, in this process."""
    data = picture_folder(drawings, decoding=Decoding(shortest_side=small.VIEWS.source_side))

    def run(out: Path, *, trainable=None, changed=None, **options):
        config = TrainingConfig(**(small.CONFIG | (changed or {})))
        options.setdefault("checkpoint_every", 4)
        return train(trainable or small.small_net(), data, config, RunFolder(out), ranks=ALONE, **options)

    return run


def curve(out: Path) -> list[dict]:
    """What a run wrote of its steps, but for its speed."""
    return [
        {name: value for name, value in record.items() if name != "images_per_second"}
        for record in read_metrics(out / "metrics.jsonl")
    ]


def start(drawings: Path, out: Path, *options: str) -> subprocess.Popen:
    command = [sys.executable, str(PROGRAM), str(drawings), str(out), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_run_killed_and_gone_on_with_ends_bit_for_bit_like_one_that_was_not(
    drawings: Path, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    undisturbed, victim = start(drawings, whole), start(drawings, killed, "--hang-after", "10")
    assert victim.stdout.readline() == "10\n"
    victim.kill()
    victim.communicate()
    assert victim.returncode == -signal.SIGKILL
    assert [record["step"] for record in curve(killed)] == list(
        range(1, 11)
    )  # and the checkpoint is of step 8
    assert not (killed / "weights.safetensors").exists()
    out, err = start(drawings, killed).communicate(timeout=60)
    assert out == f"rank 0 step {STEPS} finished True\n", err
    undisturbed.communicate(timeout=60)
    assert (killed / "weights.safetensors").read_bytes() == (whole / "weights.safetensors").read_bytes()
    assert curve(killed) == curve(whole)
    one, other = (torch.load(out / "checkpoint.pt", weights_only=True) for out in (whole, killed))
    momenta = [state["optimizer"]["state"] for state in (one, other)]
    assert len(momenta[0]) == 6
    for number, buffers in momenta[0].items():
        assert torch.equal(buffers["momentum_buffer"], momenta[1][number]["momentum_buffer"])


def test_no_space_for_a_checkpoint_keeps_the_one_before(run, drawings: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(out, on_step=lambda done, total, loss: os.kill(os.getpid(), signal.SIGTERM) if done == 4 else None)
    before = (out / "checkpoint.pt").read_bytes()
    _, err = start(drawings, out, "--largest-file", "3000").communicate(timeout=60)
    assert err.startswith("disk_full: There is no room left"), err
    assert (out / "checkpoint.pt").read_bytes() == before
    assert [record["step"] for record in curve(out)] == list(range(1, 9))
    assert not list(out.glob(".*.part"))


def test_training_draws_styles_together(run, tmp_path: Path) -> None:
    losses = []
    outcome = run(
        tmp_path / "out",
        changed={"steps": 60},
        on_step=lambda done, total, loss: losses.append((done, total, loss)),
    )
    assert (outcome.step, outcome.finished) == (60, True)
    assert [done for done, _, _ in losses] == list(range(1, 61))
    assert np.mean([loss for *_, loss in losses[-10:]]) < 0.75 * np.mean([loss for *_, loss in losses[:5]])
    records = read_metrics(tmp_path / "out/metrics.jsonl")
    for record in records:
        assert record["loss"] == pytest.approx(record["mcl"] + 0.2 * record["ssl"], rel=1e-5)
        assert record["images_per_second"] > 0
    rates = [record["rates"] for record in records]
    assert rates[0] == {"backbone": 0.02 / 4, "head": 0.1 / 4}
    assert max(rate["head"] for rate in rates) == rates[3]["head"] == 0.1
    assert 0 < rates[-1]["head"] < 0.001


def test_the_weights_say_how_they_were_made(run, tmp_path: Path) -> None:
    run(tmp_path / "out", metadata={"command": "stylesearch train"})
    with safe_open(tmp_path / "out/weights.safetensors", "pt") as file:
        made = json.loads(file.metadata()["training"])
        names = set(file.keys())
    assert {"head.weight", "head.bias", "backbone.0.weight"} < names
    assert made["command"] == "stylesearch train"
    assert made["source"].startswith("the folder ")
    assert made["data"] == "30 samples, 6 tags, 5 contents"
    assert (made["seed"], made["steps"], made["view side"], made["model"]) == (5, STEPS, 16, "small")


def test_a_seed_decides_everything(run, small, tmp_path: Path) -> None:
    for name, changed in {"a": {}, "b": {}, "c": {"seed": 6}}.items():
        torch.manual_seed(len(name))  # whatever the caller drew before
        run(tmp_path / name, changed=changed)
    assert curve(tmp_path / "a") == curve(tmp_path / "b") != curve(tmp_path / "c")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_its_step_and_the_same_call_goes_on(
    run, tmp_path: Path, number: int
) -> None:
    before = signal.getsignal(number)

    def interrupt(done: int, total: int, loss: float) -> None:
        if done == 6:
            os.kill(os.getpid(), number)

    stopped = run(tmp_path / "stopped", on_step=interrupt, checkpoint_every=100)
    assert (stopped.step, stopped.finished) == (7, False)
    assert signal.getsignal(number) is before
    assert run(tmp_path / "stopped").finished
    run(tmp_path / "whole")
    assert curve(tmp_path / "stopped") == curve(tmp_path / "whole")
    weights = [load_file(tmp_path / name / "weights.safetensors") for name in ("stopped", "whole")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[1])


def test_outside_the_main_thread_signals_are_left_alone(run, tmp_path: Path) -> None:
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(run(tmp_path / "out", changed={"steps": 2})))
    thread.start()
    thread.join()
    assert outcomes[0].finished


def test_another_config_is_not_gone_on_with_unless_begun_anew(run, small, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(out, changed={"steps": 4})
    kept = (out / "checkpoint.pt").read_bytes()
    with pytest.raises(InputError) as caught:
        run(out, changed={"steps": 5, "head_lr": 0.2})
    assert caught.value.code == "other_config"
    assert "steps 4, not 5; head_lr 0.1, not 0.2" in caught.value.message
    with pytest.raises(InputError, match="view side 16, not 20"):
        run(out, changed={"steps": 4}, trainable=small.small_net(views=small.Augmentation(side=20)))
    assert (out / "checkpoint.pt").read_bytes() == kept
    assert run(out, changed={"steps": 5, "head_lr": 0.2}, fresh=True).step == 5
    assert [record["step"] for record in curve(out)] == [1, 2, 3, 4, 5]


def test_other_data_are_not_gone_on_with(small, drawings: Path, tmp_path: Path) -> None:
    data = picture_folder(drawings, decoding=Decoding(shortest_side=32))
    config = TrainingConfig(**small.CONFIG | {"steps": 2})
    folder = RunFolder(tmp_path / "out")
    train(small.small_net(), data, config, folder, ranks=ALONE)
    object.__setattr__(data, "names", [f"new/{name}" for name in data.names])
    with pytest.raises(InputError, match="data sha256"):
        train(small.small_net(), data, config, folder, ranks=ALONE)


def test_a_finished_run_is_left_as_it_is(run, tmp_path: Path) -> None:
    run(tmp_path / "out")
    before = curve(tmp_path / "out"), (tmp_path / "out/weights.safetensors").read_bytes()
    outcome = run(tmp_path / "out")
    assert (outcome.step, outcome.finished) == (STEPS, True)
    assert (curve(tmp_path / "out"), (tmp_path / "out/weights.safetensors").read_bytes()) == before


def test_damaged_checkpoints_are_refused(run, tmp_path: Path) -> None:
    run(tmp_path / "out")
    path = tmp_path / "out/checkpoint.pt"
    whole = path.read_bytes()
    for data in (b"", b"no checkpoint", whole[: len(whole) // 2]):
        path.write_bytes(data)
        with pytest.raises(InputError) as caught:
            run(tmp_path / "out")
        assert caught.value.code == "checkpoint_unreadable"
    for other in ([1], {"model_state_dict": {}}):
        torch.save(other, path)
        with pytest.raises(InputError, match="cannot be read"):
            run(tmp_path / "out")


def test_a_folder_is_held_by_one_run_at_a_time(run, tmp_path: Path) -> None:
    with RunFolder(tmp_path / "out").held(), pytest.raises(InputError) as caught:
        run(tmp_path / "out")
    assert caught.value.code == "run_busy"
    assert run(tmp_path / "out").finished


def test_a_place_that_cannot_be_written_to(run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StylesearchError) as caught:
        run(tmp_path / "file")
    assert caught.value.code == "not_writable"


def features(values: np.ndarray) -> FeatureSet:
    labels = Labels.of(
        [[f"s{n % 4}"] for n in range(len(values))], [f"c{n // 4}" for n in range(len(values))]
    )
    return FeatureSet(values.astype(np.float32), labels)


def test_a_loss_that_is_no_longer_finite_names_the_step_and_keeps_the_checkpoint(tmp_path: Path) -> None:
    data = features(np.random.default_rng(0).normal(size=(32, 2, 6)))
    config = TrainingConfig(steps=50, styles=4, contents=4, head_lr=0.01, warmup=0)
    folder = RunFolder(tmp_path / "out")
    trainable = build_model(model_named("head"), data, ModelOptions(dim=4, hidden=0), seed=0)

    def spoil(done: int, total: int, loss: float) -> None:
        if done == 7:
            with torch.no_grad():
                trainable.module.layers[0].weight[0, 0] = float("nan")

    with pytest.raises(StylesearchError, match="The loss is no longer finite at step 8") as caught:
        train(trainable, data, config, folder, ranks=ALONE, checkpoint_every=5, on_step=spoil)
    assert caught.value.code == "loss_not_finite"
    saved = folder.load_checkpoint()
    assert saved["step"] == 5
    assert all(torch.isfinite(tensor).all() for tensor in saved["module"].values())
    assert [record["step"] for record in read_metrics(folder.metrics)][-1] == 7


def test_held_out_figures_go_to_the_metrics_and_change_nothing(run, tmp_path: Path) -> None:
    modes = []

    def evaluate(module) -> dict[str, float]:
        modes.append((module.training, torch.is_grad_enabled()))
        torch.rand(100)
        return {"recall": len(modes) / 10}

    run(tmp_path / "measured", evaluate=evaluate, evaluate_every=6)
    run(tmp_path / "plain")
    measured = curve(tmp_path / "measured")
    assert [(r["step"], r["evaluation"]["recall"]) for r in measured if "evaluation" in r] == [
        (6, 0.1),
        (12, 0.2),
        (STEPS, 0.3),
    ]
    assert modes == [(False, False)] * 3
    assert [r for r in measured if "loss" in r] == curve(tmp_path / "plain")


def test_batch_normalisation_keeps_its_statistics(run, small, tmp_path: Path) -> None:
    trainable = small.small_net()
    before = {name: tensor.clone() for name, tensor in trainable.module.state_dict().items()}
    run(tmp_path / "out", trainable=trainable)
    after = trainable.module.state_dict()
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        assert torch.equal(after[f"backbone.1.{name}"], before[f"backbone.1.{name}"])
    assert not torch.equal(after["backbone.1.weight"], before["backbone.1.weight"])
    assert trainable.module.training


def test_a_rate_of_0_keeps_the_backbone(run, small, tmp_path: Path) -> None:
    trainable = small.small_net()
    before = {name: tensor.clone() for name, tensor in trainable.module.state_dict().items()}
    run(tmp_path / "out", trainable=trainable, changed={"backbone_lr": 0.0})
    for name, tensor in trainable.module.state_dict().items():
        assert torch.equal(tensor, before[name]) == name.startswith("backbone")
    with pytest.raises(InputError) as caught:
        run(tmp_path / "none", changed={"backbone_lr": 0.0, "head_lr": 0.0})
    assert caught.value.code == "nothing_to_train"


def test_decay_spares_norms_and_biases(small) -> None:
    from stylesearch.training.optimisers import build_optimizer

    for kind in ("sgd", "adamw"):
        trainable = small.small_net()
        optimizer = build_optimizer(trainable, TrainingConfig(optimizer=kind, weight_decay=0.5))
        names = {parameter: name for name, parameter in trainable.module.named_parameters()}
        found = {
            (group["part"], group["weight_decay"]): {names[p] for p in group["params"]}
            for group in optimizer.param_groups
        }
        assert found == {
            ("head", 0.5): {"head.weight"},
            ("head", 0.0): {"head.bias"},
            ("backbone", 0.5): {"backbone.0.weight"},
            ("backbone", 0.0): {"backbone.0.bias", "backbone.1.weight", "backbone.1.bias"},
        }


def test_other_optimiser_and_half_precision_run_and_resume(run, tmp_path: Path) -> None:
    changed = {"optimizer": "adamw", "precision": "bf16", "head_lr": 0.01, "backbone_lr": 0.001}

    def interrupt(done: int, total: int, loss: float) -> None:
        if done == 8:
            os.kill(os.getpid(), signal.SIGTERM)

    run(tmp_path / "stopped", changed=changed, on_step=interrupt)
    run(tmp_path / "stopped", changed=changed)
    run(tmp_path / "whole", changed=changed)
    assert curve(tmp_path / "stopped") == curve(tmp_path / "whole")
    full = run(tmp_path / "full", changed=changed | {"precision": "fp32"})
    assert full.finished
    assert curve(tmp_path / "full") != curve(tmp_path / "whole")
    with pytest.raises(InputError) as caught:
        run(tmp_path / "fp16", changed=changed | {"precision": "fp16"})
    assert caught.value.code == "precision"


@pytest.mark.parametrize(
    "changed",
    [
        {"steps": 0},
        {"worlds": 0},
        {"temperature": 0.0},
        {"head_lr": -1.0},
        {"head_lr": float("nan")},
        {"seed": -1},
    ],
)
def test_a_config_that_makes_no_sense(changed) -> None:
    with pytest.raises(InputError) as caught:
        TrainingConfig(**changed)
    assert caught.value.code == "training_config"


def test_a_batch_is_made_of_worlds_styles_and_contents() -> None:
    assert TrainingConfig(worlds=3, styles=4, contents=5).batch == 60


def test_a_run_in_worlds_goes_on_to_the_same_end(crossed_features, tmp_path: Path) -> None:
    halves = ["first" if sample < 40 else "second" for sample in range(80)]
    labels = crossed_features.labels.in_worlds(halves, {"first": 1.0, "second": 2.0})
    data = replace(crossed_features, labels=labels)
    config = TrainingConfig(steps=12, worlds=2, styles=3, contents=4, head_lr=0.1, warmup=2)

    def interrupt(done: int, total: int, loss: float) -> None:
        if done == 7:
            os.kill(os.getpid(), signal.SIGINT)

    def go(out: str, **options):
        model = build_model(model_named("head"), data, ModelOptions(dim=8), seed=0)
        return train(model, data, config, RunFolder(tmp_path / out), ranks=ALONE, **options)

    assert go("stopped", on_step=interrupt).step == 8
    assert go("stopped").finished
    assert go("whole").finished
    assert curve(tmp_path / "stopped") == curve(tmp_path / "whole")
    stopped, whole = (load_file(tmp_path / out / "weights.safetensors") for out in ("stopped", "whole"))
    assert all(torch.equal(stopped[name], whole[name]) for name in whole)
