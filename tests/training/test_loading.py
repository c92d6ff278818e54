import shutil
from pathlib import Path

import pytest
import torch

from stylesearch.errors import InputError
from stylesearch.training.augment import Augmentation
from stylesearch.training.datasets import Decoding
from stylesearch.training.files import picture_folder
from stylesearch.training.loading import load_batches
from stylesearch.training.samplers import ContentCrossedSampler, rank_batches

VIEWS = Augmentation(side=8)


@pytest.fixture
def copied(drawings: Path, tmp_path: Path) -> Path:
    shutil.copytree(drawings, tmp_path / "copied")
    return tmp_path / "copied"


def batches(folder: Path, *, start: int = 0, stop: int = 6, rank: int = 0, ranks: int = 1, workers: int = 0):
    data = picture_folder(folder, decoding=Decoding(shortest_side=16))
    sampler = ContentCrossedSampler(data.labels, styles=4, contents=3, seed=2)
    keys = rank_batches(sampler, start, stop, rank=rank, ranks=ranks)
    return data, list(load_batches(data, VIEWS, keys, seed=2, workers=workers))


def same(one, other) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one[:3], other[:3], strict=True))


def test_batches_are_two_views_of_each_sample(drawings: Path) -> None:
    _, (batch, *_) = batches(drawings)
    assert batch.first.shape == batch.second.shape == (12, 3, 8, 8)
    assert batch.first.dtype == torch.uint8
    assert not torch.equal(batch.first, batch.second)
    assert batch.unreadable == []


def test_neither_workers_nor_ranks_nor_where_a_run_begins_change_a_batch(drawings: Path) -> None:
    _, whole = batches(drawings)
    _, in_workers = batches(drawings, workers=2)
    assert len(whole) == len(in_workers) == 6
    assert all(map(same, whole, in_workers))
    _, late = batches(drawings, start=4)
    assert all(map(same, whole[4:], late))
    parts = [batches(drawings, rank=rank, ranks=3)[1] for rank in range(3)]
    for number, batch in enumerate(whole):
        joined = [torch.cat([part[number][field] for part in parts]) for field in range(3)]
        assert same(batch, joined)


def test_unreadable_pictures_are_told_once_and_others_of_their_style_stand_in(copied: Path) -> None:
    (copied / "ink/disc.png").write_bytes(b"no picture")
    whole = (copied / "rose/box.png").read_bytes()
    (copied / "rose/box.png").write_bytes(whole[: len(whole) // 2])
    (copied / "neon/arc.png").write_bytes(b"")
    data, found = batches(copied, stop=30)
    told = [sample.name for batch in found for sample in batch.unreadable]
    assert sorted(told) == ["ink/disc.png", "neon/arc.png", "rose/box.png"]
    reasons = {sample.name: sample.reason for batch in found for sample in batch.unreadable}
    assert "not an image" in reasons["ink/disc.png"]
    sampler = ContentCrossedSampler(data.labels, styles=4, contents=3, seed=2)
    bad = {data.names.index(name) for name in told}
    stood_in = 0
    for step, batch in enumerate(found):
        for wanted, shown in zip(sampler.batch(step).tolist(), batch.samples.tolist(), strict=True):
            assert shown not in bad
            assert data.labels.tags[shown] == data.labels.tags[wanted]
            stood_in += wanted in bad
            assert (wanted == shown) == (wanted not in bad)
    assert stood_in > 3


def test_a_file_that_has_gone_is_unreadable_too(copied: Path) -> None:
    data = picture_folder(copied, decoding=Decoding(shortest_side=16))
    (copied / "ink/disc.png").unlink()
    sampler = ContentCrossedSampler(data.labels, styles=6, contents=5, seed=0)
    (batch,) = load_batches(data, VIEWS, rank_batches(sampler, 0, 1), seed=0)
    assert [sample.name for sample in batch.unreadable] == ["ink/disc.png"]
    assert "No such file" in batch.unreadable[0].reason


@pytest.mark.parametrize("workers", [0, 1])
def test_a_style_of_which_nothing_can_be_read_ends_the_run_in_one_line(copied: Path, workers: int) -> None:
    for path in (copied / "ink").iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(InputError, match="None of the pictures of 'ink' can be read") as caught:
        batches(copied, stop=30, workers=workers)
    assert caught.value.code == "style_unreadable"
    assert "\n" not in str(caught.value)
