"""The two servers that tests use, databases on them, and a third server that may be killed."""

import contextlib
import os
import secrets
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import redis
from psycopg import sql
from sqlalchemy import make_url

from stylesearch.local import services
from stylesearch.local.layout import Layout
from stylesearch.local.postgres import SUPERUSER, postgres_url

# What the suite may be told from outside, kept under names that no test's own settings can meet.
GIVEN_DATABASE, GIVEN_REDIS, RUN_FOLDER = "TESTS_DATABASE_URL", "TESTS_REDIS_URL", "TESTS_RUN_FOLDER"

BROKERS = 16


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
