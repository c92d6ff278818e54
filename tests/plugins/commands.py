"""The command line, in this process, and its settings as environment variables."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from stylesearch.settings import Settings, get_settings
from tests.plugins.catalogues import UNLIMITED, Archive, SplitArchive


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The test's settings as environment variables, for commands."""
    yield from _as_environment(settings, monkeypatch)


@pytest.fixture
def archive_environment(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    """The archive's settings as environment variables, for commands."""
    for _ in _as_environment(archive.settings, monkeypatch):
        yield archive


def _as_environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    assert settings.database_url is not None
    assert settings.redis_url is not None
    monkeypatch.setenv("STYLESEARCH_HOME", str(settings.home))
    monkeypatch.setenv("STYLESEARCH_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("STYLESEARCH_REDIS_URL", settings.redis_url.get_secret_value())
    for name, value in UNLIMITED.items():
        monkeypatch.setenv(f"STYLESEARCH_{name.upper()}", value)
    get_settings.cache_clear()
    yield settings
    get_settings.cache_clear()


@pytest.fixture
def split_environment(split_archive: SplitArchive, monkeypatch: pytest.MonkeyPatch) -> Iterator[SplitArchive]:
    """The split archive's settings as environment variables, for commands."""
    for _ in _as_environment(split_archive.settings, monkeypatch):
        yield split_archive


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str


@pytest.fixture
def run_command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run ``stylesearch ARGUMENTS`` in this process."""
    from stylesearch.cli.main import main

    def run(*arguments: object) -> Outcome:
        get_settings.cache_clear()
        with pytest.raises(SystemExit) as exited:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(
            exited.value.code if isinstance(exited.value.code, int) else 1, captured.out, captured.err
        )

    return run
