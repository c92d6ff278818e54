import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylesearch.catalog.records import Credit, WorkRecord
from stylesearch.errors import ImageError
from stylesearch.ingest.metadata.sidecar import LARGEST_SIDECAR, read_json_object, read_sidecar, sidecar_of


def test_either_name_is_found_the_fuller_first(tmp_path):
    image = tmp_path / "barn.jpg"
    assert sidecar_of(image) is None
    (tmp_path / "barn.json").write_text("{}")
    assert sidecar_of(image) == tmp_path / "barn.json"
    (tmp_path / "barn.jpg.json").write_text("{}")
    assert sidecar_of(image) == tmp_path / "barn.jpg.json"
    assert sidecar_of(tmp_path / ("n" * 251 + ".jpg")) is None


def test_usual_names_are_understood_and_others_kept(tmp_path):
    path = tmp_path / "barn.json"
    path.write_text(
        json.dumps({"title": "Barn", "creator": "after Ann", "license": "CC0-1.0", "shelf": [1, 2]})
    )
    assert read_sidecar(path, root=tmp_path) == WorkRecord(
        title="Barn",
        credits=(Credit("Ann", qualifier="after"),),
        work_rights="CC0-1.0",
        extra={"credited_as": "after Ann", "shelf": [1, 2]},
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"7",
        b"{",
        b'{"a": 1}x',
        b"\xff\xfe{\x00}\x00",
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
    ],
    ids=["empty", "list", "number", "cut off", "more", "utf-16", "huge number", "deep"],
)
def test_what_is_no_object_is_told(tmp_path, data):
    path = tmp_path / "barn.json"
    path.write_bytes(data)
    with pytest.raises(ImageError) as caught:
        read_sidecar(path, root=tmp_path)
    assert caught.value.code == "sidecar_unreadable"
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_what_cannot_be_opened_is_told(tmp_path):
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(ImageError) as caught:
            read_sidecar(path, root=tmp_path)
        assert caught.value.code == "sidecar_unreadable"


def test_a_huge_one_is_not_read(tmp_path):
    path = tmp_path / "barn.json"
    path.write_bytes(b" " * (LARGEST_SIDECAR + 1))
    with pytest.raises(ImageError, match="more than"):
        read_sidecar(path, root=tmp_path)


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,\\u019ae ', max_size=60).map(str.encode))
def test_bytes_of_any_kind(data):
    with contextlib.suppress(ImageError):
        assert isinstance(read_json_object(data, "x"), dict)
