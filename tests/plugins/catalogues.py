"""Catalogues: an empty one a test, and the small drawn archive, whole or split, or behind a real portal."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from stylesearch.accounts.roles import SCOPES, Role
from stylesearch.accounts.tokens import make_token
from stylesearch.accounts.users import add_user
from stylesearch.catalog import database as databases
from stylesearch.catalog import encoders, shards, splitting
from stylesearch.catalog.database import Database, open_database
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.demo.drawings import draw_collection
from stylesearch.encoders.registry import configured_encoder
from stylesearch.ingest.driving import drive
from stylesearch.ingest.run import Into, discover, make_pipeline, open_run
from stylesearch.ingest.sources.folder import FolderSource
from stylesearch.settings import Settings
from tests.plugins.servers import Servers, ShardServer

ARCHIVE_STYLES, ARCHIVE_SUBJECTS = 6, 5

UNLIMITED = {f"rate_{name}": "" for name in ("search", "describe", "api", "login", "withdraw")}
"""Tests ask more often than a visitor would; those that are about it set a limit."""


def _settings(servers: Servers, name: str, home: Path, **more: object) -> Settings:
    urls = {"database_url": servers.url_of(name), "redis_url": servers.redis_url}
    return Settings(home=home, **{**UNLIMITED, **urls, **more})


def _forget(settings: Settings) -> None:
    """Close a database's connections, so that it may be dropped or serve as a template."""
    assert settings.database_url is not None
    opened = databases._open.pop(settings.database_url.get_secret_value(), None)
    if opened is not None:
        opened.close()


@pytest.fixture(scope="session")
def empty_template(servers: Servers, databases_of_run: Callable[..., str], tmp_path_factory) -> str:
    name = databases_of_run()
    settings = _settings(servers, name, tmp_path_factory.mktemp("template"))
    open_database(settings)
    _forget(settings)
    return name


@pytest.fixture
def settings(
    servers: Servers, databases_of_test: Callable[..., str], empty_template: str, tmp_path: Path
) -> Iterator[Settings]:
    """Settings of a fresh, empty catalogue."""
    settings = _settings(servers, databases_of_test(empty_template), tmp_path / "home")
    yield settings
    _forget(settings)


@pytest.fixture
def database(settings: Settings) -> Database:
    """The database of a fresh, empty catalogue."""
    return open_database(settings)


@dataclass(frozen=True)
class Archive:
    """A catalogue with a small drawn collection in it: six styles by five subjects."""

    settings: Settings
    database: Database
    folder: Path
    slug: str = "drawn"


@pytest.fixture(scope="session")
def drawn_folder(tmp_path_factory) -> Path:
    """The small drawn collection, as files."""
    folder = tmp_path_factory.mktemp("drawn")
    draw_collection(folder, styles=ARCHIVE_STYLES, subjects=ARCHIVE_SUBJECTS)
    return folder


@pytest.fixture(scope="session")
def archive_template(
    servers: Servers,
    databases_of_run: Callable[..., str],
    empty_template: str,
    drawn_folder: Path,
    tmp_path_factory,
) -> tuple[str, Path]:
    name, home = databases_of_run(empty_template), tmp_path_factory.mktemp("archive")
    # One thread, so that works have the same numbers in every run.
    settings = _settings(servers, name, home, ingest_threads=1)
    take_in(settings, drawn_folder, "drawn", title="Drawn by stylesearch")
    _forget(settings)
    return name, home


@pytest.fixture
def archive(
    servers: Servers, databases_of_test, archive_template: tuple[str, Path], drawn_folder: Path
) -> Iterator[Archive]:
    """A catalogue of its own with the small drawn collection in it; the image store is shared."""
    template, home = archive_template
    settings = _settings(servers, databases_of_test(template), home)
    yield Archive(settings, open_database(settings), drawn_folder)
    _forget(settings)


@dataclass(frozen=True)
class Served:
    """The small drawn collection behind a real server; ``token`` is an administrator's, for everything."""

    url: str
    settings: Settings
    database: Database
    token: str


@contextlib.contextmanager
def _serving(settings: Settings) -> Iterator[str]:
    from web.app import create_app
    from web.command import bind, url_of, waitress_server

    sockets = bind("127.0.0.1", 0)
    server = waitress_server(create_app(settings), sockets)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield url_of(sockets[0])
    finally:
        # Closed in its own thread, which may just be waiting for a request.
        server.trigger.pull_trigger(server.close)
        thread.join(10)


@pytest.fixture(scope="session")
def serving() -> Callable[[Settings], contextlib.AbstractContextManager[str]]:
    """Serves the portal from a thread of this process, without the seconds that a new one takes to import everything."""
    return _serving


@pytest.fixture(scope="session")
def served(
    servers: Servers, databases_of_run: Callable[..., str], archive_template: tuple[str, Path], serving
) -> Iterator[Served]:
    template, home = archive_template
    settings = _settings(servers, databases_of_run(template), home)
    database = open_database(settings)
    with database.session() as session:
        user = add_user(session, email="admin@example.org", name="Admin", role=Role.ADMIN)
        _, token = make_token(session, user, label="Tests", scopes=list(SCOPES), days=1)
    with serving(settings) as address:
        yield Served(address, settings, database, token)
    _forget(settings)


def take_in(settings: Settings, folder: Path, slug: str, *, table: Path | None = None, **options: str):
    """Ingest a folder in this process; return its run id and counts."""
    database = open_database(settings)
    source = FolderSource(folder, table=table, max_bytes=settings.max_file_bytes)
    spec = configured_encoder(settings).spec
    with database.session() as session:
        run, _ = open_run(session, source, Into(slug, **options), spec=spec)
    discover(database, run.id, source, on_progress=lambda done, total: None)
    return run.id, drive(make_pipeline(database, settings), run.id, on_progress=lambda counts: None)


@pytest.fixture
def ingest_folder() -> Callable:
    """The function that takes a folder in, in this process."""
    return take_in


@dataclass(frozen=True)
class SplitArchive(Archive):
    """The archive with its gallery split over two shards; the second one's server may be killed."""

    server: ShardServer | None = None

    @property
    def encoder(self) -> EncoderRow:
        with self.database.session() as session:
            return encoders.active(session, "lite")

    def kept_by(self, shard: str) -> list[int]:
        """Works of which a shard keeps the descriptors, in order."""
        with self.database.session() as session:
            there = (
                f"SELECT work_id FROM {self.encoder.partition}_{shard} JOIN image ON id = image_id ORDER BY 1"
            )
            return list(session.scalars(text(there)))


@pytest.fixture
def split_archive(
    servers: Servers,
    databases_of_test,
    archive_template: tuple[str, Path],
    drawn_folder: Path,
    shard_server: ShardServer,
) -> Iterator[SplitArchive]:
    template, home = archive_template
    settings = _settings(servers, databases_of_test(template), home)
    split = SplitArchive(settings, open_database(settings), drawn_folder, server=shard_server)
    shard_server.start()
    shards.add(split.database, "one", servers.url_of(databases_of_test()), ef=100)
    shards.add(split.database, "two", shard_server.make(), ef=100)
    splitting.split(split.database, split.encoder)
    yield split
    shard_server.start()
    _forget(settings)
