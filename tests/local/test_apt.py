import os
import shutil
import subprocess
from pathlib import Path

import pytest

from stylesearch.errors import ServiceError
from stylesearch.local.apt import fetch


def _programs(folder: Path, **scripts: str) -> str:
    """Return a PATH that holds the shell's own programs and stand-ins for apt and dpkg."""
    folder.mkdir()
    for name, body in scripts.items():
        script = folder / name.replace("_", "-")
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o755)
    return f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin"


def test_a_machine_without_apt_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServiceError) as refused:
        fetch(["some-theme"], tmp_path / "x")
    assert refused.value.code == "apt_missing"
    assert "apt-get" in refused.value.message
    assert not (tmp_path / "x").exists()


def test_what_is_there_needs_neither_apt_nor_network(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "some-theme").mkdir()
    assert fetch(["some-theme"], tmp_path) == [tmp_path / "some-theme"]


def test_a_package_that_cannot_be_had_is_named(tmp_path, monkeypatch):
    failing = "echo 'E: Unable to locate package some-theme' >&2; exit 100"
    monkeypatch.setenv("PATH", _programs(tmp_path / "bin", apt_get=failing, dpkg_deb="exit 0"))
    with pytest.raises(ServiceError) as refused:
        fetch(["some-theme"], tmp_path / "x")
    assert refused.value.code == "package_unavailable"
    assert "some-theme" in refused.value.message
    assert "Unable to locate" in refused.value.message
    assert list((tmp_path / "x").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", _programs(tmp_path / "bin", apt_get="exit 0", dpkg_deb="exit 0"))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ServiceError) as refused:
        fetch(["some-theme"], tmp_path / "file" / "x")
    assert refused.value.code == "not_writable"


@pytest.mark.skipif(
    shutil.which("dpkg-deb") is None, reason="dpkg-deb builds the packages that are fetched here"
)
def test_packages_are_fetched_one_by_one_and_a_broken_run_is_taken_up(tmp_path, monkeypatch):
    """The archives are real; only the network is not: apt-get hands over those that lie in a folder."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for name in ("one", "two"):
        tree = tmp_path / "build" / name
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN/control").write_text(
            f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: a test\n"
        )
        (tree / "usr/share/icons").mkdir(parents=True)
        (tree / "usr/share/icons" / f"{name}.svg").write_text("<svg/>")
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-b", str(tree), str(shelf / f"{name}_1.0_all.deb")],
            check=True,
            capture_output=True,
        )
    hand_over = f'for last; do :; done; cp {shelf}/"$last"_*.deb . 2>/dev/null || {{ echo "E: no $last" >&2; exit 100; }}'
    monkeypatch.setenv("PATH", _programs(tmp_path / "bin", apt_get=hand_over))
    said = []
    with pytest.raises(ServiceError, match="three"):
        fetch(["one", "three", "two"], tmp_path / "x", progress=lambda *step: said.append(step))
    assert said == [(0, 3, "one"), (1, 3, "three")]
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == ["one"]

    said.clear()
    folders = fetch(["one", "two"], tmp_path / "x", progress=lambda *step: said.append(step))
    assert [(folder / f"usr/share/icons/{folder.name}.svg").is_file() for folder in folders] == [True, True]
    assert said == [(0, 1, "two"), (1, 1, "")]
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == ["one", "two"]

    monkeypatch.chdir(tmp_path)
    (folder,) = fetch(["two"], Path("relative"))
    assert folder == Path("relative/two")
    assert (folder / "usr/share/icons/two.svg").is_file()


def test_stale_lists_are_replaced_by_private_ones(tmp_path, monkeypatch):
    """The first download fails; one with lists of its own, updated before, is asked for then."""
    apt_get = f"""case "$*" in
        *Dir::State::Lists=*update) touch {tmp_path}/updated ;;
        *Dir::State::Lists=*download*) test -e {tmp_path}/updated && touch some-theme_1_all.deb ;;
        *) echo 'E: Unable to locate package' >&2; exit 100 ;;
        esac"""
    monkeypatch.setenv("PATH", _programs(tmp_path / "bin", apt_get=apt_get, dpkg_deb='mkdir "$3"'))
    assert fetch(["some-theme"], tmp_path / "x") == [tmp_path / "x/some-theme"]
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["some-theme"]


def test_a_program_that_hangs_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", _programs(tmp_path / "bin", apt_get="exec sleep 60", dpkg_deb="exit 0"))
    with pytest.raises(ServiceError, match="apt-get took longer than"):
        fetch(["some-theme"], tmp_path / "x", seconds=0.2)
