"""What all tests share: real servers, a fresh database a test, and a small archive.

With STYLESEARCH_DATABASE_URL and STYLESEARCH_REDIS_URL set, the same tests run against those servers; the database's
user must be allowed to create databases. Without, the local services are started in a folder of their own.
"""

import contextlib
import json
import os
import secrets
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import redis
from hypothesis import strategies as st
from psycopg import sql
from sqlalchemy import make_url, text

from stylesearch.accounts.roles import SCOPES, Role
from stylesearch.accounts.tokens import make_token
from stylesearch.accounts.users import add_user
from stylesearch.catalog import database as databases
from stylesearch.catalog import encoders, shards, splitting
from stylesearch.catalog.database import Database, open_database
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.demo.drawings import draw_collection
from stylesearch.encoders import csd
from stylesearch.encoders.registry import configured_encoder
from stylesearch.ingest.driving import drive
from stylesearch.ingest.run import Into, discover, make_pipeline, open_run
from stylesearch.ingest.sources.folder import FolderSource
from stylesearch.local import services
from stylesearch.local.layout import Layout
from stylesearch.local.postgres import SUPERUSER, postgres_url
from stylesearch.settings import Settings, get_settings

ARCHIVE_STYLES, ARCHIVE_SUBJECTS = 6, 5
BROKERS = 16


# What the suite may be told from outside, kept under names that no test's own settings can meet.
GIVEN_DATABASE, GIVEN_REDIS, RUN_FOLDER = "TESTS_DATABASE_URL", "TESTS_REDIS_URL", "TESTS_RUN_FOLDER"


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


@dataclass(frozen=True)
class Servers:
    """The two servers that the tests use."""

    database_url: str
    redis_url: str

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.database_url, autocommit=True)

    def url_of(self, name: str) -> str:
        url = make_url(self.database_url).set(database=name)
        return url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def servers(worker_id: str) -> Iterator[Servers]:
    number = 1 + int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 1
    if GIVEN_DATABASE in os.environ:
        assert GIVEN_REDIS in os.environ, "set both URLs or none"
        yield Servers(os.environ[GIVEN_DATABASE], _broker(os.environ[GIVEN_REDIS], number))
        return
    home = Path(os.environ[RUN_FOLDER]) / "home"
    endpoints = services.ensure(home)
    _do_not_wait_for_the_disk(home)
    yield Servers(endpoints.database_url, _broker(endpoints.redis_url, number))
    services.release(home)


def _do_not_wait_for_the_disk(home: Path) -> None:
    """Nothing in these databases has to outlive the run."""
    with psycopg.connect(
        postgres_url(Layout(home), None, database="postgres", user=SUPERUSER), autocommit=True
    ) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
        connection.execute("SELECT pg_reload_conf()")


def _broker(url: str, number: int) -> str:
    """Return the URL of one of the server's numbered databases, so that runs side by side do not meet."""
    number %= BROKERS
    if url.startswith("redis+socket"):
        return url.split("?", 1)[0] + f"?virtual_host={number}"
    return make_url(url).set(database=str(number)).render_as_string(hide_password=False)


@contextlib.contextmanager
def _making_databases(servers: Servers) -> Iterator[Callable[..., str]]:
    made: list[str] = []

    def make(template: str = "template1") -> str:
        name = f"test_{secrets.token_hex(8)}"
        with servers.connect() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        made.append(name)
        return name

    yield make
    with servers.connect() as connection:
        # Not WITH (FORCE): that fails where the server is just vacuuming, which is not ours to end. Without it, that is
        # waited for.
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY(%s) AND usename = CURRENT_USER",
            [made],
        )
        for name in made:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def databases_of_run(servers: Servers) -> Iterator[Callable[..., str]]:
    """Makes databases that go with the run: ``make(template=...)`` returns a new one's name."""
    with _making_databases(servers) as make:
        yield make


@pytest.fixture
def databases_of_test(servers: Servers) -> Iterator[Callable[..., str]]:
    """Makes databases that go with the test, as those of thousands of tests would fill a disk."""
    with _making_databases(servers) as make:
        yield make


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
    settings = _settings(servers, name, home)
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
        server.trigger.pull_trigger(
            server.close
        )  # in its own thread, which may just be waiting for a request
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


@dataclass(frozen=True)
class ShardServer:
    """A server of its own that keeps shards, and that may be killed."""

    home: Path

    def make(self) -> str:
        """Make an empty database there; return its URL."""
        url = make_url(services.ensure(self.home).database_url)
        name = f"shard_{secrets.token_hex(4)}"
        with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return url.set(database=name).render_as_string(hide_password=False)

    def kill(self) -> None:
        """Have it end at once, and whoever would start it again."""
        state = Layout(self.home).read_state()
        for name in ("pid", "postgres_pid", "valkey_pid"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(state[name], signal.SIGKILL)
        services.release(self.home)

    def start(self) -> None:
        services.ensure(self.home)


@pytest.fixture(scope="session")
def shard_server(servers: Servers, worker_id: str) -> Iterator[ShardServer]:
    server = ShardServer(Path(os.environ[RUN_FOLDER]) / f"shard-{worker_id}")
    server.start()
    yield server
    services.stop(server.home)


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


@pytest.fixture
def broker(servers: Servers) -> Iterator[str]:
    """The broker's URL, with nothing in it."""
    client = _redis(servers.redis_url)
    client.flushdb()
    yield servers.redis_url
    client.flushdb()
    client.close()


def _redis(url: str) -> redis.Redis:
    if not url.startswith("redis+socket"):
        return redis.Redis.from_url(url)
    parsed = make_url(url.replace("redis+socket://", "redis://", 1).replace("@/", "@localhost/", 1))
    path, number = url.split("@", 1)[1].split("?virtual_host=")
    return redis.Redis(unix_socket_path=path, db=int(number), password=parsed.password)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Compute on one thread: for small networks, in tests that run in as many processes as there are cores."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


SMALL_MODEL = "stylesearch-small"
SMALL_SLUG = "csd-vit-s-32"


@pytest.fixture(scope="session")
def small_model(tmp_path_factory) -> str:
    """Name of an open_clip model of two layers, known to this process."""
    import open_clip

    sizes = {"vocab_size": 64, "width": 64, "heads": 1, "layers": 1, "context_length": 8}
    vision = {"image_size": 224, "layers": 2, "width": 128, "patch_size": 32}
    path = tmp_path_factory.mktemp("models") / f"{SMALL_MODEL}.json"
    path.write_text(
        json.dumps({"embed_dim": 48, "quick_gelu": True, "vision_cfg": vision, "text_cfg": sizes})
    )
    open_clip.add_model_config(path)
    return SMALL_MODEL


@pytest.fixture
def small_csd(small_model: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Slug of a CSD of two layers: all of it is as in the large ones, and quick."""
    small = csd.Architecture(small_model, width=128, patch=32, dim=48)
    monkeypatch.setitem(csd.ARCHITECTURES, SMALL_SLUG.removeprefix("csd-"), small)
    return SMALL_SLUG


@pytest.fixture
def random_csd() -> Callable[..., dict]:
    """Makes random weights of a CSD in the published layout, all of them away from their tidy first values."""
    import torch

    def make(slug: str, seed: int = 0) -> dict:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            state = csd.build_module(slug).state_dict()
            return {name: tensor + 0.02 * torch.randn_like(tensor) for name, tensor in state.items()}

    return make


@pytest.fixture
def small_weights(small_csd: str, random_csd: Callable[..., dict], tmp_path: Path) -> Path:
    """Random weights of the small CSD, as a training script saves them."""
    import torch

    path = tmp_path / "small.pth"
    state = {f"module.{name}": tensor for name, tensor in random_csd(small_csd).items()}
    torch.save({"model_state_dict": state, "iter": 7}, path)
    return path


EXTREMES = (b"\0", b"\xff", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0" * 8, b"\xff" * 8)


@pytest.fixture(scope="session")
def damaged() -> Callable[..., st.SearchStrategy[bytes]]:
    """Makes a strategy of damaged files: ``damaged(files, pieces=...)`` changes some places of one of the files.

    ``pieces`` are what is put in now and then, such as an element of XML.
    """

    def damage(file: bytes, changes: list[tuple[int, int, str, bytes]]) -> bytes:
        data = bytearray(file)
        for place, length, how, piece in changes:
            at = place % (len(data) + 1)
            if how == "overwrite":
                data[at : at + len(piece)] = piece
            elif how == "insert":
                data[at:at] = piece
            elif how == "repeat":
                data[at:at] = data[at : at + length] * 3
            elif how == "leave out":
                del data[at : at + length]
            else:
                del data[at:]
        return bytes(data)

    def damaged(files: list[bytes], *, pieces: tuple[bytes, ...] = ()) -> st.SearchStrategy[bytes]:
        change = st.tuples(
            st.integers(0, 100_000),
            st.integers(1, 300),
            st.sampled_from(["overwrite", "overwrite", "overwrite", "insert", "repeat", "leave out", "cut"]),
            st.sampled_from(EXTREMES + pieces) | st.binary(min_size=1, max_size=8),
        )
        return st.builds(damage, st.sampled_from(files), st.lists(change, min_size=1, max_size=6))

    return damaged
