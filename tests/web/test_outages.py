"""What visitors are told while the database is away, and that everything goes on by itself afterwards."""

import os
import time
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from stylesearch.catalog.database import open_database
from stylesearch.local import services
from stylesearch.settings import Settings
from web.app import create_app

PATIENCE = 30.0


@pytest.fixture
def home():
    """A data folder whose servers may be stopped, and which PostgreSQL's user may enter."""
    folder = Path(os.environ["TESTS_RUN_FOLDER"]) / f"outage-{os.getpid()}"
    yield folder
    services.stop(folder)


def recovers(client, address: str) -> bool:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if client.get(address).status_code == 200:
            return True
        time.sleep(0.2)
    return False


def test_a_database_that_restarts_is_waited_for(home, sign_in):
    endpoints = services.ensure(home)
    settings = Settings(
        home=home, database_url=SecretStr(endpoints.database_url), redis_url=SecretStr(endpoints.redis_url)
    )
    open_database(settings)
    app = create_app(settings)
    visitor, person = app.test_client(), sign_in(app.test_client(), "curator")
    assert visitor.get("/").status_code == 200
    assert person.get("/admin").status_code == 200
    services.release(home)  # nobody else uses them: they stop
    for client, address in ((visitor, "/"), (person, "/admin"), (person, "/login")):
        answer = client.get(address)
        assert answer.status_code == 503, address
        assert int(answer.headers["Retry-After"]) > 0
        assert "Traceback" not in answer.text
        assert "Out of order for the moment" in answer.text
    document = visitor.get("/", headers={"Accept": "application/json"})
    assert (document.status_code, document.json["code"]) == (503, "database_unreachable")
    assert visitor.get("/healthz").status_code == 503
    static = visitor.get("/static/style.css")
    assert static.status_code == 200
    static.close()
    services.ensure(home)
    assert recovers(visitor, "/")
    assert recovers(person, "/admin")  # the sign-in is in the database, and so is still there


def test_connections_that_the_server_drops_are_made_anew(archive, client, as_role):
    person = as_role("curator")
    assert person.get("/admin").status_code == 200
    url = archive.settings.database_url.get_secret_value()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    assert recovers(person, "/admin")
    assert recovers(client, "/")
