import hashlib
import logging
import os
import shutil
import subprocess

import pytest

from stylesearch.demo import openclipart

INSIDE = "usr/share/openclipart/svg"

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs POSIX programs")
DPKG = shutil.which("dpkg-deb")
needs_dpkg = pytest.mark.skipif(DPKG is None, reason="needs dpkg-deb")


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A folder that is all there is on PATH, and a way to put a program there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(name: str, script: str) -> None:
        program = folder / name
        program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        program.chmod(0o755)

    return put


@pytest.fixture
def package(tmp_path):
    """A small package built like the real one."""
    root = tmp_path / "package"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text(
        "Package: openclipart-svg\nVersion: 1\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: test\n"
    )
    (root / INSIDE / "animals").mkdir(parents=True)
    (root / INSIDE / "animals" / "cat.svg").write_text("<svg/>")
    archive = tmp_path / "openclipart-svg_1_all.deb"
    subprocess.run(
        [DPKG, "--root-owner-group", "-b", root, archive],
        check=True,
        capture_output=True,
        env={"PATH": os.defpath},
    )
    return archive


def fetch(tmp_path, **options):
    return openclipart.fetch(tmp_path / "cache", installed=tmp_path / "nowhere", **options)


def test_an_installed_package_is_used(tmp_path):
    assert openclipart.fetch(tmp_path / "cache", installed=tmp_path) == tmp_path
    assert not (tmp_path / "cache").exists()


def test_without_apt_there_is_none_and_the_log_says_why(tmp_path, programs, caplog):
    with caplog.at_level(logging.WARNING):
        assert fetch(tmp_path) is None
    assert "apt-get is not on this machine" in caplog.text
    assert not (tmp_path / "cache").exists()


@posix_only
def test_an_unknown_package_is_none_and_leaves_nothing(tmp_path, programs, caplog):
    programs("dpkg-deb", "exit 0")
    programs("apt-get", "echo 'E: Unable to locate package openclipart-svg' >&2; exit 100")
    with caplog.at_level(logging.WARNING):
        assert fetch(tmp_path) is None
    assert "Unable to locate package openclipart-svg" in caplog.text
    assert list((tmp_path / "cache").iterdir()) == []


@posix_only
@needs_dpkg
def test_fetched_once_then_kept(tmp_path, programs, package):
    programs("dpkg-deb", 'exec dpkg-deb "$@"')
    programs("apt-get", f"cp {package} .")
    steps = []
    folder = fetch(tmp_path, progress=steps.append)
    assert folder == tmp_path / "cache" / "openclipart-svg" / INSIDE
    assert [path.name for path in folder.rglob("*.svg")] == ["cat.svg"]
    assert steps == ["downloading", "unpacking"]
    programs("apt-get", "exit 100")
    assert fetch(tmp_path) == folder


@posix_only
@needs_dpkg
def test_an_interrupted_unpack_is_done_again(tmp_path, programs, package):
    half = tmp_path / "cache" / "openclipart-svg" / INSIDE
    half.mkdir(parents=True)
    (half / "half.svg").write_text("<sv")
    programs("dpkg-deb", 'exec dpkg-deb "$@"')
    programs("apt-get", f"cp {package} .")
    folder = fetch(tmp_path)
    assert folder is not None
    assert [path.name for path in folder.rglob("*.svg")] == ["cat.svg"]


@posix_only
@needs_dpkg
def test_stale_lists_are_replaced_by_private_ones(tmp_path, programs, package):
    """The first download fails; one with lists in the cache, updated before, works."""
    programs("dpkg-deb", 'exec dpkg-deb "$@"')
    programs(
        "apt-get",
        f"""case "$*" in
        *Lists={tmp_path}/cache/lists*update) test -d {tmp_path}/cache/lists/partial && touch {tmp_path}/cache/lists/new ;;
        *Lists={tmp_path}/cache/lists*download*) test -e {tmp_path}/cache/lists/new && cp {package} . ;;
        *) echo 'E: Unable to locate package' >&2; exit 100 ;;
        esac""",
    )
    assert fetch(tmp_path) is not None
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["openclipart-svg"]


@posix_only
def test_a_program_that_hangs_is_given_up(tmp_path, programs, caplog, monkeypatch):
    monkeypatch.setattr(openclipart, "_SECONDS", 0.2)
    programs("dpkg-deb", "exit 0")
    programs("apt-get", "exec sleep 60")
    assert fetch(tmp_path) is None
    assert "took longer than" in caplog.text


def test_sample_is_the_same_each_time_and_follows_the_digest(tmp_path):
    for name in ("b/two.svg", "a/one.svg", "three.svg", "a/four.svg", "readme.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    names = [path.relative_to(tmp_path).as_posix() for path in openclipart.sample(tmp_path, 10)]
    assert sorted(names) == ["a/four.svg", "a/one.svg", "b/two.svg", "three.svg"]
    assert names == sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    assert openclipart.sample(tmp_path, 2) == [tmp_path / name for name in names[:2]]
    assert openclipart.sample(tmp_path, 0) == []
