"""A run of tests: what it takes over from outside, the folder that goes with it, and what it prints at its end.

With STYLESEARCH_DATABASE_URL and STYLESEARCH_REDIS_URL set, the same tests run against those servers; the database's
user must be allowed to create databases. Without, the local services are started in a folder of their own.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stylesearch.local import services
from tests.plugins.servers import GIVEN_DATABASE, GIVEN_REDIS, RUN_FOLDER


def is_controller(config: pytest.Config) -> bool:
    return not hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    """Take over the two servers the suite may be pointed at; nothing else of the person's settings reaches a test."""
    if not is_controller(config):
        return  # the workers inherit this environment
    for name, kept in (("STYLESEARCH_DATABASE_URL", GIVEN_DATABASE), ("STYLESEARCH_REDIS_URL", GIVEN_REDIS)):
        if name in os.environ:
            os.environ[kept] = os.environ[name]
    for name in [name for name in os.environ if name.startswith("STYLESEARCH_")]:
        del os.environ[name]
    os.environ["STYLESEARCH_CONFIG"] = os.devnull
    # In the temporary folder itself, so that PostgreSQL's user can enter it under root.
    folder = Path(tempfile.mkdtemp(prefix="stylesearch-tests-"))
    folder.chmod(0o711)
    os.environ[RUN_FOLDER] = str(folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first, so that no process ends up alone with it."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if is_controller(session.config):
        folder = Path(os.environ.pop(RUN_FOLDER))
        with contextlib.suppress(Exception):
            services.stop(folder / "home")
        shutil.rmtree(folder, ignore_errors=True)


def pytest_terminal_summary(terminalreporter) -> None:
    """Print what tests measured; a figure that nobody sees is worth nothing."""
    figures = [
        text
        for report in terminalreporter.stats.get("passed", [])
        for name, text in report.user_properties
        if name == "figure"
    ]
    if figures:
        terminalreporter.section("figures")
        for text in figures:
            terminalreporter.write_line(text)


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """A function that has a measured figure printed at the end of the run."""
    return lambda text: record_property("figure", text)
