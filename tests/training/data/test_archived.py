import zipfile
from pathlib import Path

import pytest

from stylesearch.training.data.archived import read_bytes


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "some/images.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("cmd/32/bold.svg", b"<svg/>" * 200)
        writer.writestr("inner.zip/odd.svg", b"in a folder that is called so")
    return path


def test_a_file_is_read_as_it_is(tmp_path):
    (tmp_path / "a.svg").write_bytes(b"plain")
    (tmp_path / "folder.zip").mkdir()
    (tmp_path / "folder.zip/b.svg").write_bytes(b"no archive above it")
    assert read_bytes(tmp_path / "a.svg") == b"plain"
    assert read_bytes(tmp_path / "folder.zip/b.svg") == b"no archive above it"


def test_a_path_goes_on_into_an_archive(archive):
    assert read_bytes(archive / "cmd/32/bold.svg") == b"<svg/>" * 200
    assert read_bytes(archive / "inner.zip/odd.svg") == b"in a folder that is called so"
    assert read_bytes(archive).startswith(b"PK")


def test_what_is_not_there_is_missing(archive, tmp_path):
    for path in (archive / "cmd/32/none.svg", tmp_path / "none.svg", tmp_path / "none.zip/a.svg"):
        with pytest.raises(FileNotFoundError):
            read_bytes(path)


def test_a_broken_archive_counts_as_missing(archive, tmp_path):
    data = bytearray(archive.read_bytes())
    data[60:64] = b"\xff" * 4
    archive.write_bytes(data)
    with pytest.raises(FileNotFoundError, match=r"holds no cmd/32/bold\.svg"):
        read_bytes(archive / "cmd/32/bold.svg")
    (tmp_path / "text.zip").write_text("no archive")
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "text.zip/a.svg")
