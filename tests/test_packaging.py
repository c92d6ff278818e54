"""The wheel holds what the program needs at run time, and nothing else."""

import importlib.util
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path

import pytest

import stylesearch

ROOT = Path(__file__).parent.parent
PACKAGES = ("stylesearch", "web", "workers")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("wheel")
    # With the build backend at hand, nothing is fetched.
    isolation = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", str(ROOT), "--no-deps", "-q", "-w", str(folder), *isolation],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def files(folder: Path, pattern: str = "*") -> set[str]:
    """Return the files that a folder of the checkout holds, by their path in it."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in folder.rglob(pattern)
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_it_holds_every_module(wheel):
    expected = {name for package in PACKAGES for name in files(ROOT / package, "*.py")}
    assert expected <= set(wheel.namelist())


@pytest.mark.parametrize(
    "folder",
    [
        "stylesearch/attribution/templates",
        "stylesearch/encoders/weights",
        "web/templates",
        "web/static",
        "web/translations",
    ],
)
def test_it_holds_what_is_no_module(wheel, folder):
    expected = files(ROOT / folder)
    assert expected
    assert expected <= set(wheel.namelist())


@pytest.mark.parametrize("suffix", ["safetensors", "onnx"])
def test_it_holds_the_weights_byte_for_byte(wheel, suffix):
    name = f"stylesearch/encoders/weights/lite.{suffix}"
    assert wheel.read(name) == (ROOT / name).read_bytes()


def test_it_holds_the_migrations_where_they_are_looked_for(wheel):
    expected = {f"stylesearch/_{name}" for name in files(ROOT / "migrations") if not name.endswith(".pyc")}
    assert "stylesearch/_migrations/env.py" in expected
    assert any(name.startswith("stylesearch/_migrations/versions/") for name in expected)
    assert expected <= set(wheel.namelist())


def test_it_holds_nothing_else(wheel):
    allowed = re.compile(rf"({'|'.join(PACKAGES)}|stylesearch-[\w.]+\.dist-info)/")
    assert [name for name in wheel.namelist() if not allowed.match(name)] == []
    assert [name for name in wheel.namelist() if re.search(r"__pycache__|\.py[co]$|(^|/)tests?/", name)] == []


def test_it_bears_the_version_and_licence(wheel):
    folder = f"stylesearch-{stylesearch.__version__}.dist-info"
    metadata = HeaderParser().parsestr(wheel.read(f"{folder}/METADATA").decode())
    assert metadata["Version"] == stylesearch.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert f"{folder}/licenses/LICENSE" in wheel.namelist()


def test_it_registers_the_commands(wheel):
    name = f"stylesearch-{stylesearch.__version__}.dist-info/entry_points.txt"
    lines = wheel.read(name).decode().splitlines()
    assert "stylesearch = stylesearch.cli.main:main" in lines
    assert "serve = web.command:serve" in lines
    assert "workers = workers.command:workers" in lines
