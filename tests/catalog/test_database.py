import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url, text

from stylesearch.catalog import database as databases
from stylesearch.catalog.connections import raw_connection
from stylesearch.catalog.database import (
    Database,
    check_server,
    open_database,
    sqlalchemy_url,
    version_text,
    version_tuple,
)
from stylesearch.errors import InputError, ServiceError
from stylesearch.local.binaries import postgres_root
from stylesearch.local.postgres import SUPERUSER
from stylesearch.settings import Settings

NOWHERE = "postgresql://user:secret@127.0.0.1:1/nothing"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@host:5433/db",
        "postgres://u:p@host:5433/db",
        "postgresql+psycopg://u:p@host:5433/db",
        "postgresql+psycopg2://u:p@host:5433/db",
    ],
)
def test_reads_every_way_to_write_a_url(url):
    parsed = sqlalchemy_url(url)
    assert parsed.drivername == "postgresql+psycopg"
    assert (parsed.username, parsed.password, parsed.host, parsed.port, parsed.database) == (
        "u", "p", "host", 5433, "db",
    )  # fmt: skip


def test_a_url_keeps_its_options():
    parsed = sqlalchemy_url("postgresql://u:p%40ss@/db?host=%2Frun%2Fpg&sslmode=require")
    assert parsed.password == "p@ss"
    assert dict(parsed.query) == {"host": "/run/pg", "sslmode": "require"}


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://u@h/db", "sqlite:///x.db", "http://host/db", "://"])
def test_another_url_is_refused(url):
    with pytest.raises(InputError) as caught:
        sqlalchemy_url(url)
    assert caught.value.code == "database_url"


@pytest.mark.parametrize("version", ["0.8.6", "0.8.10", "1.0.0"])
def test_versions(version):
    assert version_text(version_tuple(version)) == version
    assert version_tuple("0.8.10") > version_tuple("0.8.4")


def test_the_server_is_told(shared):
    found = check_server(shared)
    assert version_tuple(found["pgvector"]) >= databases.MINIMUM_PGVECTOR
    assert int(found["postgres"].split(".")[0]) >= databases.MINIMUM_POSTGRES


def test_the_same_database_is_opened_once(settings):
    assert open_database(settings) is open_database(settings)


@pytest.mark.parametrize("check", [True, False])
def test_an_unreachable_server_is_told_in_one_line(check, tmp_path):
    settings = Settings(home=tmp_path, database_url=NOWHERE)
    with pytest.raises(ServiceError) as caught, open_database(settings, check=check).session() as session:
        session.execute(text("SELECT 1"))
    assert caught.value.code == "database_unreachable"
    assert "127.0.0.1" in caught.value.message
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_password_is_told(servers, settings, tmp_path):
    url = make_url(settings.database_url.get_secret_value()).set(password="wrong")
    with pytest.raises(ServiceError) as caught:
        open_database(Settings(home=tmp_path, database_url=url.render_as_string(hide_password=False)))
    assert caught.value.code == "database_unreachable"
    assert "password" in caught.value.message


def test_a_missing_database_is_told(servers, tmp_path):
    with pytest.raises(ServiceError) as caught:
        open_database(Settings(home=tmp_path, database_url=servers.url_of("no_such_database")))
    assert caught.value.code == "database_unreachable"
    assert "no_such_database" in caught.value.message


def test_an_old_server_is_refused(shared, monkeypatch):
    monkeypatch.setattr(databases, "MINIMUM_POSTGRES", 99)
    with pytest.raises(ServiceError) as caught:
        check_server(shared)
    assert caught.value.code == "postgres_too_old"


@pytest.fixture
def as_superuser(servers) -> Callable[[str], psycopg.Connection]:
    """Connects to a database as a superuser of the server."""

    def connect(name: str) -> psycopg.Connection:
        url = make_url(servers.url_of(name))
        for user in (SUPERUSER, url.username):
            attempt = url.set(username=user).render_as_string(hide_password=False)
            try:
                connection = psycopg.connect(attempt, autocommit=True)
            except psycopg.OperationalError:
                continue
            if connection.info.parameter_status("is_superuser") == "on":
                return connection
            connection.close()
        pytest.skip("the server's superuser is not ours to use")

    return connect


@pytest.fixture
def extensions() -> Iterator[Path]:
    """A folder of extensions beside the server's own, which the server's account can enter."""
    folder = Path(tempfile.mkdtemp(prefix="stylesearch-extensions-"))
    folder.chmod(0o755)
    (folder / "extension").mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder)


def test_an_old_pgvector_is_refused(servers, databases_of_test, as_superuser, extensions):
    name = databases_of_test()
    shipped = postgres_root() / "share" / "extension"
    (control,) = shipped.glob("vector.control")
    (script,) = shipped.glob("vector--?.?.?.sql")
    ours = extensions / "extension"
    (ours / "vector.control").write_text(control.read_text())
    (ours / "vector--0.8.3.sql").write_bytes(script.read_bytes())
    with as_superuser(name) as connection:
        connection.execute("DROP EXTENSION IF EXISTS vector")
        connection.execute(sql.SQL("SET extension_control_path = {}").format(str(extensions)))
        connection.execute("CREATE EXTENSION vector VERSION '0.8.3'")
    database = Database(sqlalchemy_url(servers.url_of(name)))
    with pytest.raises(ServiceError) as caught:
        check_server(database)
    database.close()
    assert caught.value.code == "pgvector_too_old"
    assert "0.8.3" in caught.value.message
    assert "0.8.4" in caught.value.message
    assert "ALTER EXTENSION vector UPDATE" in caught.value.hint


def test_a_server_without_pgvector_is_refused(servers, databases_of_test, as_superuser, extensions, tmp_path):
    name = databases_of_test()
    with as_superuser(name) as connection:
        connection.execute("DROP EXTENSION IF EXISTS vector")
        statement = sql.SQL("ALTER DATABASE {} SET extension_control_path = {}")
        connection.execute(statement.format(sql.Identifier(name), str(extensions)))
    with pytest.raises(ServiceError) as caught:
        open_database(Settings(home=tmp_path, database_url=servers.url_of(name)))
    assert caught.value.code == "pgvector_missing"


RAISES = "DO $$ BEGIN RAISE EXCEPTION 'no luck' USING ERRCODE = '{}'; END $$"


@pytest.mark.parametrize("below_sqlalchemy", [False, True])
@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("53100", "disk_full"),
        ("57014", "timeout"),
        ("55P03", "database_busy"),
        ("57P01", "shard_down"),  # as an error, and not as the end of our own connection
        ("08006", "shard_down"),
        ("08P01", "database"),
        ("40P01", "database"),  # a deadlock: the driver files it under the same class as a lost connection
        ("54000", "database"),
        ("22001", "database"),
    ],
)
def test_what_the_server_says_is_explained(shared, state, code, below_sqlalchemy):
    statement = RAISES.format(state)
    with pytest.raises(ServiceError) as caught, shared.session() as session:
        raw_connection(session).execute(statement) if below_sqlalchemy else session.execute(text(statement))
    assert caught.value.code == code
    assert "\n" not in str(caught.value)


def test_a_statement_that_takes_too_long_is_told(shared):
    def wait() -> None:
        with shared.session() as session:
            session.execute(text("SET LOCAL statement_timeout = 20"))
            session.execute(text("SELECT pg_sleep(30)"))

    with pytest.raises(ServiceError) as caught:
        wait()
    assert caught.value.code == "timeout"


def test_a_lost_connection_is_told_and_replaced(shared):
    with pytest.raises(ServiceError) as caught, shared.session() as session:
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert caught.value.code == "database_unreachable"
    with shared.session() as session:
        assert session.scalar(text("SELECT 1")) == 1


def test_a_pooled_connection_that_died_is_noticed(shared, servers):
    with shared.session() as session:
        pid = session.scalar(text("SELECT pg_backend_pid()"))
    with servers.connect() as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", [pid])
    with shared.session() as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) != pid


def test_an_error_rolls_everything_back(shared):
    def break_off() -> None:
        with shared.session() as session:
            session.execute(text("DELETE FROM license"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    with shared.session() as session:
        assert session.scalar(text("SELECT count(*) FROM license")) > 0
