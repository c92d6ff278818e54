"""Several ranks as one. Two torchruns of two processes each start Python and torch seven times, so this takes a while."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from stylesearch.errors import InputError
from stylesearch.training.config import TrainingConfig
from stylesearch.training.datasets import Decoding
from stylesearch.training.distributed import Ranks, joined_ranks
from stylesearch.training.files import picture_folder
from stylesearch.training.runfolder import RunFolder, read_metrics
from stylesearch.training.trainer import train

PROGRAM = Path(__file__).with_name("small_run.py")
LOOPBACK = {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def alone(drawings: Path, small, tmp_path: Path):
    """A function that trains in this process alone; returns the losses."""
    data = picture_folder(drawings, decoding=Decoding(shortest_side=small.VIEWS.source_side))

    def alone(out: Path) -> list[float]:
        ranks = Ranks(0, 1, torch.device("cpu"))
        train(small.small_net(), data, TrainingConfig(**small.CONFIG), RunFolder(out), ranks=ranks)
        return losses(out)

    return alone


def losses(out: Path) -> list[float]:
    return [record["loss"] for record in read_metrics(out / "metrics.jsonl")]


def furthest(one: list[float], other: list[float]) -> float:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def test_two_processes_under_torchrun_learn_the_same_as_one(
    drawings: Path, alone, figure, tmp_path: Path
) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command = [*torchrun, str(PROGRAM), str(drawings), str(tmp_path / "two")]
    done = subprocess.run(command, env=os.environ | LOOPBACK, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == [f"rank {rank} step 16 finished True" for rank in (0, 1)]
    expected = alone(tmp_path / "one")
    deviation = furthest(losses(tmp_path / "two"), expected)
    assert len(expected) == 16
    assert abs(expected[-1] - expected[0]) > 0.3  # there was something to learn
    assert deviation < 1e-4
    figure(f"loss curve of two processes: at most {deviation:.1e} from that of one")
    one, two = (RunFolder(tmp_path / name).load_checkpoint()["module"] for name in ("one", "two"))
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-4


def test_ranks_stop_together_when_one_is_told_to_and_one_process_can_go_on(
    drawings: Path, alone, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, str(PROGRAM), str(drawings), str(tmp_path / "two"), "--stop-rank", "1"]
    processes = [
        subprocess.Popen(
            command,
            env=os.environ
            | LOOPBACK
            | {
                "WORLD_SIZE": "2",
                "RANK": rank,
                "LOCAL_RANK": rank,
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": port,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]
    said = [process.communicate(timeout=120) for process in processes]
    assert [out for out, _ in said] == [f"rank {rank} step 5 finished False\n" for rank in (0, 1)], said
    gone_on = alone(tmp_path / "two")
    assert len(gone_on) == 16
    assert furthest(gone_on, alone(tmp_path / "one")) < 1e-4


def test_without_torchrun_there_is_one_rank() -> None:
    with joined_ranks("cpu") as ranks:
        assert (ranks.rank, ranks.count, ranks.first, ranks.device.type) == (0, 1, True, "cpu")
        local = torch.ones(2, 3, requires_grad=True)
        assert ranks.gather(local) is local
        ranks.wait()


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(InputError), joined_ranks("cuda:99"):
        pass


def test_a_batch_that_cannot_be_parted_evenly(drawings: Path, small, tmp_path: Path) -> None:
    data = picture_folder(drawings, decoding=Decoding())
    config = TrainingConfig(styles=3, contents=3)
    ranks = Ranks(0, 2, torch.device("cpu"))
    with pytest.raises(InputError) as caught:
        train(small.small_net(), data, config, RunFolder(tmp_path), ranks=ranks)
    assert caught.value.code == "batch_not_divisible"
