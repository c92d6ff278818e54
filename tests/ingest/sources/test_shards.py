import hashlib
import io
import json
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import webdataset

from stylesearch.catalog.records import Credit, WorkRecord
from stylesearch.errors import InputError
from stylesearch.ingest.fetching.files import locator
from stylesearch.ingest.fetching.shards import read_member
from stylesearch.ingest.sources import shards
from stylesearch.ingest.sources.shards import ShardsSource, from_options
from stylesearch.settings import Settings


@pytest.fixture
def take(harvest):
    return lambda path, cursor=None, **options: harvest(ShardsSource(path, **options), cursor)


def sample(key: str, image: bytes, **metadata: object) -> dict[str, object]:
    """A sample as img2dataset writes it."""
    said = {
        "caption": f"caption of {key}", "url": f"https://e.org/{key}.jpg", "key": key, "status": "success",
        "error_message": None, "width": 40, "height": 30, "original_width": 400, "original_height": 300, "exif": "{}",
        "sha256": hashlib.sha256(b"the original").hexdigest(), **metadata,
    }  # fmt: skip
    return {"__key__": key, "jpg": image, "json": json.dumps(said).encode(), "txt": f"caption of {key}"}


def write(path: Path, *samples: dict[str, object]) -> Path:
    with webdataset.TarWriter(str(path)) as writer:
        for one in samples:
            writer.write(one)
    return path


@pytest.fixture
def folder(tmp_path, make_picture) -> Path:
    """Two shards as img2dataset leaves them, with what else it leaves beside them."""
    path = tmp_path / "data"
    path.mkdir()
    for number in range(2):
        keys = [f"{number:05}{one:04}" for one in range(3)]
        name = f"{number:05}"
        write(
            path / f"{name}.tar",
            *(sample(key, make_picture((number * 90, int(key[-1]) * 90, 0))) for key in keys),
        )
        pq.write_table(pa.table({"key": keys}), path / f"{name}.parquet")
        (path / f"{name}_stats.json").write_text("{}")
    return path


IDS = [f"{shard}/{shard}{one:04}" for shard in ("00000", "00001") for one in range(3)]


def test_samples_of_the_webdataset_library(folder, take, make_picture):
    result = take(folder)
    assert result.ids == IDS
    assert result.codes == {}
    image = make_picture((0, 0, 0))
    first = result.found[0]
    assert first.sha256 == hashlib.sha256(image).digest()
    assert read_member(first.locator, max_bytes=10**6) == image
    assert first.record == WorkRecord(
        description="caption of 000000000", source_url="https://e.org/000000000.jpg"
    )


def test_each_locator_leads_to_its_own_image(folder, take):
    found = take(folder).found
    assert [hashlib.sha256(read_member(one.locator, max_bytes=10**6)).digest() for one in found] == [
        one.sha256 for one in found
    ]


def test_a_single_shard(folder, take):
    assert take(folder / "00001.tar").ids == IDS[3:]


def test_more_metadata_and_other_formats(tmp_path, take, make_picture):
    path = write(
        tmp_path / "a.tar",
        {
            "__key__": "one",
            "png": make_picture(kind="PNG"),
            "json": json.dumps(
                {"title": "Barn", "artist": "after Ann", "license": "CC0-1.0", "shelf": 3}
            ).encode(),
        },
        {"__key__": "deep/two", "webp": make_picture(kind="WEBP"), "txt": "<b>A</b> caption"},
        {"__key__": "three", "seg.png": make_picture(kind="PNG"), "jpg": make_picture("blue"), "cls": "7"},
    )
    result = take(path)
    assert result.ids == ["a/one", "a/deep/two", "a/three"]
    assert [one.record for one in result.found] == [
        WorkRecord(
            title="Barn",
            credits=(Credit("Ann", qualifier="after"),),
            work_rights="CC0-1.0",
            extra={"credited_as": "after Ann", "shelf": 3},
        ),
        WorkRecord(description="A caption"),
        WorkRecord(),
    ]
    assert read_member(result.found[2].locator, max_bytes=10**6) == make_picture("blue")


def test_samples_that_cannot_be_taken_are_errors_by_themselves(tmp_path, take, make_picture):
    image = make_picture()
    path = write(
        tmp_path / "a.tar",
        {"__key__": "good", "jpg": image},
        {"__key__": "text", "txt": "no image"},
        {"__key__": "json", "jpg": image, "json": b"{no json"},
        {"__key__": "large", "jpg": image + bytes(5000)},
        {"__key__": "good", "jpg": image},
        {"__key__": "last", "jpg": image},
    )
    result = take(path, max_bytes=len(image) + 100)
    twice = next(one for one in result.ids if one.startswith("a/good ("))
    assert result.ids == ["a/good", "a/text", "a/json", "a/large", twice, "a/last"]
    assert result.codes == {
        "a/text": "sample_without_image",
        "a/json": "sidecar_unreadable",
        "a/large": "image_too_many_bytes",
        twice: "sample_twice",
    }


def test_a_shard_that_is_cut_off_gives_what_it_has_and_says_so(folder, take):
    shard = folder / "00000.tar"
    data = shard.read_bytes()
    with tarfile.open(shard) as tar:
        second = tar.getmember("000000001.jpg")
    shard.write_bytes(data[: second.offset_data + 10])
    result = take(folder)
    assert result.ids == [IDS[0], IDS[1], "00000.tar", *IDS[3:]]
    assert result.codes == {IDS[1]: "shard_damaged", "00000.tar": "shard_damaged"}


@pytest.mark.parametrize("data", [b"", b"no tar" * 1000])
def test_a_file_that_is_no_shard_is_an_error_by_itself(folder, take, data):
    (folder / "00000.tar").write_bytes(data)
    result = take(folder)
    assert result.ids == ["00000.tar", *IDS[3:]]
    assert result.codes == {"00000.tar": "shard_damaged"}


def test_it_goes_on_behind_any_cursor(folder, take, monkeypatch):
    monkeypatch.setattr(shards, "PAGE", 1)
    pages = take(folder).pages
    done = []
    for page in pages[:-1]:
        done += [one.source_id for one in page.found]
        rest = take(folder, cursor=page.cursor).ids
        assert list(dict.fromkeys(done + rest)) == IDS


def test_a_shard_that_has_changed_is_read_anew(folder, take, monkeypatch, make_picture):
    monkeypatch.setattr(shards, "PAGE", 1)
    cursor = take(folder).pages[1].cursor
    write(folder / "00000.tar", *(sample(key, make_picture()) for key in ("x", "y", "z", "w") * 3))
    assert take(folder, cursor=cursor).ids[:2] == ["00000/x", "00000/y"]
    (folder / "00000.tar").unlink()
    assert take(folder, cursor=cursor).ids == IDS[3:]


@pytest.mark.parametrize("kind", ["missing", "empty", "packed", "packed file"])
def test_where_there_are_no_shards_it_is_told(tmp_path, kind):
    path = tmp_path / "data"
    if kind != "missing":
        path.mkdir()
    if kind.startswith("packed"):
        (path / "a.tar.gz").write_bytes(b"")
    with pytest.raises(InputError, match="unpack" if kind.startswith("packed") else "Name a") as caught:
        ShardsSource(path / "a.tar.gz" if kind == "packed file" else path)
    assert caught.value.code == "shards_missing"


def test_names_that_are_no_utf8_are_written_readably(tmp_path, take, make_picture):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT, encoding="latin-1") as tar:
        info = tarfile.TarInfo("café.jpg")
        info.size = len(make_picture())
        tar.addfile(info, io.BytesIO(make_picture()))
    assert take(path).ids == ["a/caf\\xe9"]


def test_a_run_can_be_opened_again_from_its_options(folder, tmp_path):
    source = from_options({"path": str(folder)}, Settings(home=tmp_path))
    assert (source.kind, source.uri) == ("shards", locator(folder))
