"""A real portal over a real archive, and a real browser in front of it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LOOKS = [
    ("desktop", "light"),
    ("phone", "dark"),
    pytest.param("desktop", "dark", marks=pytest.mark.slow),
    pytest.param("phone", "light", marks=pytest.mark.slow),
]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for a size and a scheme in all looks; the first two have each size and each scheme once."""
    if {"size", "scheme"} <= set(metafunc.fixturenames):
        metafunc.parametrize(("size", "scheme"), LOOKS)


@pytest.fixture
def portal(archive_environment, serving) -> Iterator[str]:
    """The portal's address."""
    with serving(archive_environment.settings) as address:
        yield address


@pytest.fixture
def portal_of_command(archive_environment) -> Iterator[str]:
    """The portal's address; served by the real command, in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "stylesearch", "serve", "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        address = next(
            (found[0] for line in server.stdout if (found := re.search(r"http://[\d.]+:\d+", line))), None
        )
        assert address, "the portal did not start"
        yield address
        server.terminate()
        server.communicate()
    assert server.returncode == 0, server.returncode


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Where pictures of the pages go: a folder named by an environment variable, or one that is thrown away."""
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
