import io
import json
import pickle
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylesearch.errors import InputError
from stylesearch.training.datasets import Decoding, FeatureSet
from stylesearch.training.files import picture_folder, picture_table
from stylesearch.training.labels import NO_CONTENT, Labels
from stylesearch.training.shards import picture_shards

DECODING = Decoding(shortest_side=32)


def named(data) -> dict[str, tuple[set[str], int]]:
    labels = data.labels
    return {
        data.name(sample): (
            {labels.tag_names[tag] for tag in labels.tags[sample]},
            int(labels.contents[sample]),
        )
        for sample in range(len(labels.tags))
    }


def png(colour: str, size: int = 40) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(file, "PNG")
    return file.getvalue()


def refusal(code: str):
    return pytest.raises(InputError, check=lambda error: error.code == code and error.hint)


def test_a_folder_is_styles_by_contents(drawings: Path) -> None:
    data = picture_folder(drawings, decoding=DECODING)
    assert str(data.labels) == "30 samples, 6 tags, 5 contents"
    found = named(data)
    assert found["ink/disc.png"][0] == {"ink"}
    assert found["ink/disc.png"][1] == found["rose/disc.png"][1] != found["ink/box.png"][1]
    pixels = data.load(list(found).index("poster/disc.png"))
    assert pixels.shape == (32, 32, 3)
    assert pixels[0, 0].tolist() == [0x20, 0x40, 0x9A]


def test_what_a_folder_leaves_out(tmp_path: Path) -> None:
    for name in ("a/one.png", "a/.hidden.png", ".git/two.png", "a/notes.txt", "top.png", "b/deep/one.PNG"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(png("red"))
    data = picture_folder(tmp_path, decoding=DECODING)
    assert list(named(data)) == ["a/one.png", "b/deep/one.PNG"]
    assert data.labels.contents[0] != data.labels.contents[1]
    assert "(1 without a tag left out)" in data.source


def test_the_digest_is_of_names_and_labels_wherever_the_folder_lies(drawings: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for path in drawings.rglob("*.png"):
        target = copy / path.relative_to(drawings)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    before = picture_folder(copy, decoding=DECODING).digest
    assert before == picture_folder(drawings, decoding=DECODING).digest
    (copy / "ink/disc.png").rename(copy / "ink/ball.png")
    assert picture_folder(copy, decoding=DECODING).digest != before


def test_empty_folders_and_missing_ones(tmp_path: Path) -> None:
    with refusal("no_pictures"):
        picture_folder(tmp_path, decoding=DECODING)
    with refusal("folder_missing"):
        picture_folder(tmp_path / "no", decoding=DECODING)
    (tmp_path / "alone.png").write_bytes(png("red"))
    with refusal("tags_missing"):
        picture_folder(tmp_path, decoding=DECODING)


def test_a_table_in_both_forms_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("a.png", "sub/b.png", "c.png", "d.png"):
        (tmp_path / name).write_bytes(png("teal"))
    csv, jsonl = tmp_path / "table.csv", tmp_path / "table.jsonl"
    csv.write_text("path,tags,content\na.png,ink; paper,cat\nsub/b.png,ink,cat\nc.png,oil,\nd.png,,cat\n")
    rows = [
        {"path": "a.png", "tags": ["ink", "paper"], "content": "cat"},
        {"path": "sub/b.png", "tags": "ink", "content": "cat"},
        {"path": "c.png", "tags": ["oil"]},
        {"path": "d.png", "tags": []},
    ]
    jsonl.write_text("".join(f"{json.dumps(row)}\n" for row in rows) + "\n")
    first, second = picture_table(csv, decoding=DECODING), picture_table(jsonl, decoding=DECODING)
    assert named(first) == named(second)
    assert first.digest == second.digest
    assert named(first) == {
        "a.png": ({"ink", "paper"}, 0),
        "sub/b.png": ({"ink"}, 0),
        "c.png": ({"oil"}, NO_CONTENT),
    }
    assert first.load(1).shape == (32, 32, 3)


@pytest.mark.parametrize(
    ("name", "text", "code", "says"),
    [
        ("t.csv", "file,tags\na.png,x\n", "table", "no path on line 2"),
        ("t.csv", "path,tags\na.png,x\n,y\n", "table", "no path on line 3"),
        ("t.jsonl", '{"path": "a.png", "tags": ["x"]}\n[1]\n', "table", "no JSON object on line 2"),
        ("t.jsonl", '{"path": "a.png", "tags": 3}\n', "table", "neither text nor a list"),
        ("t.csv", "path,tags\na.png,\n", "tags_missing", "has a tag"),
        ("t.csv", "path,tags\n", "no_pictures", "holds no pictures"),
        ("t.csv", b"path,tags\na.png,\xff\n", "table", "not UTF-8"),
    ],
)
def test_bad_tables(tmp_path: Path, name: str, text: str | bytes, code: str, says: str) -> None:
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with refusal(code) as caught:
        picture_table(tmp_path / name, decoding=DECODING)
    assert says in caught.value.message


def test_a_missing_table(tmp_path: Path) -> None:
    with refusal("table"):
        picture_table(tmp_path / "no.csv", decoding=DECODING)


def test_features_keep_their_worlds_in_a_file(crossed_features, tmp_path: Path) -> None:
    labels = crossed_features.labels.in_worlds(["b"] * 30 + ["a"] * 50, {"a": 0.5, "b": 2.0})
    FeatureSet(crossed_features.features, labels).save(tmp_path / "worlds.npz")
    opened = FeatureSet.open(tmp_path / "worlds.npz")
    assert opened.labels.shares == (0.5, 2.0)
    assert np.array_equal(opened.labels.worlds, labels.worlds)
    assert opened.labels.digest == labels.digest
    crossed_features.save(tmp_path / "plain.npz")
    assert FeatureSet.open(tmp_path / "plain.npz").labels.worlds is None
    with refusal("features"):
        FeatureSet(crossed_features.features, replace(labels, worlds=labels.worlds[:9]))


def shard(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def test_shards_are_read_in_place(tmp_path: Path) -> None:
    one = shard(
        tmp_path / "a-000.tar",
        {
            "x/1.json": b'{"tags": ["ink", "paper"], "content": "cat"}',
            "x/1.png": png("#ff0000"),
            "x/2.png": png("#00ff00"),
            "x/2.txt": b"oil\ncanvas",
            "readme": b"none of ours",
            "x/4.cls": b"9",
        },
    )
    shard(tmp_path / "a-001.tar", {"1.cls": b"7\n", "1.seg.png": png("#ffffff"), "1.png": png("#0000ff")})
    data = picture_shards([tmp_path], decoding=DECODING)
    assert named(data) == {
        "a-000.tar/x/1": ({"ink", "paper"}, 0),
        "a-000.tar/x/2": ({"oil", "canvas"}, NO_CONTENT),
        "a-001.tar/1": ({"7"}, NO_CONTENT),
    }
    colours = [data.load(sample)[0, 0].tolist() for sample in range(3)]
    assert colours == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    assert len(picture_shards([one], decoding=DECODING).labels.tags) == 2


def test_bad_shards(tmp_path: Path) -> None:
    with refusal("no_pictures"):
        picture_shards([tmp_path], decoding=DECODING)
    with refusal("shard"):
        picture_shards([tmp_path / "no.tar"], decoding=DECODING)
    (tmp_path / "text.tar").write_text("no tar at all " * 100)
    with refusal("shard"):
        picture_shards([tmp_path / "text.tar"], decoding=DECODING)
    whole = shard(tmp_path / "cut.tar", {"1.png": png("red", 400), "1.cls": b"1", "2.png": png("red", 400)})
    whole.write_bytes(whole.read_bytes()[:700])
    with refusal("shard"):
        picture_shards([whole], decoding=DECODING)
    for labels in (b"[1]", b"{", b'{"tags": 4}', b"\xff"):
        with refusal("shard"):
            picture_shards([shard(tmp_path / "bad.tar", {"1.json": labels, "1.png": b""})], decoding=DECODING)
    with refusal("tags_missing"):
        picture_shards([shard(tmp_path / "bare.tar", {"1.png": png("red")})], decoding=DECODING)


def test_sets_can_be_sent_to_worker_processes(drawings: Path, tmp_path: Path) -> None:
    shards = picture_shards(
        [shard(tmp_path / "s.tar", {"1.png": png("red"), "1.cls": b"1"})], decoding=DECODING
    )
    for data in (picture_folder(drawings, decoding=DECODING), shards):
        sent = pickle.loads(pickle.dumps(data))
        assert sent.digest == data.digest
        assert np.array_equal(sent.load(0), data.load(0))


def test_features_come_back_as_they_were_saved(crossed_features: FeatureSet, tmp_path: Path) -> None:
    crossed_features.save(tmp_path / "f.npz")
    opened = FeatureSet.open(tmp_path / "f.npz")
    assert opened.digest == crossed_features.digest
    assert np.array_equal(opened.load(7), crossed_features.features[7])
    assert opened.labels.tag_names == crossed_features.labels.tag_names


@pytest.mark.parametrize(
    ("features", "says"),
    [
        (np.zeros((4, 3), np.float32), "not float32 [n, views, dim]"),
        (np.zeros((4, 1, 3)), "float64"),
        (np.zeros((4, 0, 3), np.float32), "[4, 0, 3]"),
        (np.zeros((5, 1, 3), np.float32), "not equally many"),
        (np.full((4, 1, 3), np.nan, np.float32), "not all finite"),
    ],
)
def test_bad_features(features: np.ndarray, says: str) -> None:
    with refusal("features") as caught:
        FeatureSet(features, Labels.of([["a"]] * 4, [None] * 4))
    assert says in caught.value.message


def test_files_that_hold_no_features(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no zip")
    np.savez(tmp_path / "other.npz", features=np.zeros((1, 1, 1), np.float32))
    np.savez(tmp_path / "pickled.npz", features=np.array([{}], object), tags=0, tag_names=0, contents=0)
    (tmp_path / "empty.npz").touch()
    np.savez(tmp_path / "cut.npz", features=np.zeros((99, 9, 9), np.float32))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "cut.npz").read_bytes()[:20_000])
    np.save(tmp_path / "single.npy", np.zeros(3))
    for name in ("text.npz", "other.npz", "pickled.npz", "empty.npz", "cut.npz", "single.npy", "no.npz"):
        with refusal("features"):
            FeatureSet.open(tmp_path / name)


def test_labels_are_numbered_by_name() -> None:
    labels = Labels.of([["b", "a"], ["c"], ["a", "a"]], ["x", None, ""])
    assert labels.tag_names == ("a", "b", "c")
    assert labels.tags == ((0, 1), (2,), (0,))
    assert labels.contents.tolist() == [0, NO_CONTENT, NO_CONTENT]
    assert [members.tolist() for members in labels.members] == [[0, 2], [0], [1]]
    assert labels.matrix([2, 0]).tolist() == [[True, False, False], [True, True, False]]
