import stat
from pathlib import Path

import pytest

from stylesearch.files import written_whole


def test_a_file_appears_when_the_block_ends_and_nothing_else_stays(tmp_path: Path):
    path = tmp_path / "a"
    with written_whole(path) as file:
        file.write(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_leaves_what_was_there(tmp_path: Path):
    path = tmp_path / "a"
    path.write_bytes(b"older")
    with pytest.raises(TypeError), written_whole(path) as file:
        file.write("no bytes")
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_who_reads_the_older_one_keeps_it(tmp_path: Path):
    path = tmp_path / "a"
    path.write_bytes(b"older")
    with path.open("rb") as reading:
        with written_whole(path) as file:
            file.write(b"newer")
        assert reading.read() == b"older"


def test_it_has_the_mode_of_any_new_file(tmp_path: Path):
    usual = tmp_path / "usual"
    usual.touch()
    with written_whole(tmp_path / "a") as file:
        file.write(b"x")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE(usual.stat().st_mode)


def test_a_place_that_cannot_be_written_is_told_at_once(tmp_path: Path):
    with pytest.raises(FileNotFoundError), written_whole(tmp_path / "missing" / "a"):
        pytest.fail("the block was entered")
