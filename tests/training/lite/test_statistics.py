import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from stylesearch.encoders.backbone import load_backbone
from stylesearch.encoders.lite import PREPROCESSING
from stylesearch.encoders.lite_network import LiteNetwork, statistics_length
from stylesearch.errors import InputError
from stylesearch.training.lite import statistics
from stylesearch.training.lite.statistics import describe_worlds
from stylesearch.training.lite.worlds import Listed, ListedWorld, WrittenWorld

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def worlds(drawings, font) -> list[ListedWorld | WrittenWorld]:
    return [
        ListedWorld("icons", "icons", tuple(Listed(path, "Adwaita", path.stem) for path in drawings[:3])),
        WrittenWorld("written-1", 1, (font,)),
        ListedWorld("artists", "artists", (Listed(drawings[3], "artist A", None),)),
    ]


def test_worlds_are_described_once_and_alike_in_any_number_of_processes(worlds, tmp_path):
    said: list[tuple[int, int, str]] = []

    def say(*state):
        said.append(state)

    one = list(describe_worlds(worlds, tmp_path / "one", processes=1, progress=say))
    assert [world for world, _ in one] == worlds
    assert said[0] == (0, 3, "")
    assert [(done, total) for done, total, _ in said[1:]] == [(1, 3), (2, 3), (3, 3)]
    assert {name for *_, name in said[1:]} == {world.name for world in worlds}

    icons, written, artists = (described for _, described in one)
    assert icons.statistics.shape == (3, 2, statistics_length())
    assert icons.statistics.dtype == np.float16
    assert icons.styles.tolist() == ["Adwaita"] * 3
    assert icons.contents.tolist() == ["mail", "disk", "home"]
    assert len(written.styles) == len(written.statistics) > 10
    assert artists.contents.tolist() == [""]

    # The first view is the whole picture as the encoder sees it, the second another one.
    network = LiteNetwork(load_backbone(), torch.nn.Identity()).eval()
    squares = np.concatenate([PREPROCESSING.squares(picture.pixels) for picture in worlds[0].draw()])
    with torch.inference_mode():
        expected = network.statistics(torch.from_numpy(squares)).numpy()
    np.testing.assert_allclose(icons.statistics[:, 0], expected, rtol=2e-3, atol=2e-3)
    assert not np.allclose(icons.statistics[:, 1], icons.statistics[:, 0], atol=0.05)

    two = list(describe_worlds(worlds, tmp_path / "two", processes=2))
    for (_, first), (_, second) in zip(one, two, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))

    # What is there is only read; what was changed, or got lost, is worked out again.
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "one").iterdir()}
    assert len(files) == 3
    changed = [replace(worlds[2], pictures=worlds[2].pictures * 2)]
    said.clear()
    again = list(describe_worlds([*worlds[:2], *changed], tmp_path / "one", processes=1, progress=say))
    assert said == [(2, 3, ""), (3, 3, "artists")]
    assert again[2][1].styles.tolist() == ["artist A"] * 2
    assert all(path.stat().st_mtime_ns == before for path, before in files.items())
    assert len(list((tmp_path / "one").iterdir())) == 4


def keep(folder: Path, world, statistics_: np.ndarray, styles: list[str]) -> None:
    """Keep something of a world, as if it had been worked out."""
    path = folder / f"{world.name}-{statistics._digest(world)}.npz"
    np.savez(path, statistics=statistics_, styles=np.array(styles, str), contents=np.array(styles, str))


def test_a_world_in_which_nothing_can_be_decoded_is_named(worlds, tmp_path):
    keep(tmp_path, worlds[0], np.empty((0, 2, 0), np.float16), [])
    with pytest.raises(InputError, match="Nothing of the world icons can be decoded") as caught:
        list(describe_worlds(worlds[:1], tmp_path))
    assert caught.value.code == "world_empty"


def test_what_is_kept_is_of_one_version(worlds, tmp_path, monkeypatch):
    for number, world in enumerate(worlds):
        keep(tmp_path, world, np.full((1, 2, 3), number, np.float16), ["s"])
    read = list(describe_worlds(worlds, tmp_path))
    assert [described.statistics[0, 0, 0] for _, described in read] == [0, 1, 2]
    digests = {statistics._digest(world) for world in worlds}
    monkeypatch.setattr(statistics, "VERSION", "other")
    assert digests.isdisjoint(statistics._digest(world) for world in worlds)


def test_nothing_half_written_is_left_or_taken_for_whole(worlds, tmp_path):
    class Cut:
        name, kind = "cut", "icons"

        def draw(self):
            yield from worlds[0].draw()
            raise RuntimeError("the disk is gone")

    statistics._start()
    try:
        with pytest.raises(RuntimeError, match="the disk is gone"):
            statistics._describe_and_keep((Cut(), tmp_path / "cut.npz"))
        assert statistics._describe_and_keep((worlds[2], tmp_path / "kept.npz")) == "artists"
        (tmp_path / "broken.svg").write_text("<svg")
        broken = ListedWorld("none", "icons", (Listed(tmp_path / "broken.svg", "one", None),))
        assert [len(part) for part in statistics._described(broken)] == [0, 0, 0]
    finally:
        statistics._network = None
        os.environ.pop("VIPS_CONCURRENCY", None)
    assert [one.name for one in tmp_path.glob("*.npz*")] == ["kept.npz"]
    assert not list(tmp_path.glob(".*"))
