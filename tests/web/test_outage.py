"""Servers that go away under the portal's feet: what visitors are told, and that it comes back by itself."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stylesearch.catalog.database import open_database
from stylesearch.local import services
from stylesearch.local.layout import Layout
from stylesearch.settings import Settings
from web.app import create_app

# Where the suite is pointed at two servers that somebody else runs, these would stop local ones all the same.
pytestmark = pytest.mark.skipif("TESTS_DATABASE_URL" in os.environ, reason="stops servers of its own only")


@pytest.fixture
def servers_home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="stylesearch-outage-"))
    folder.chmod(0o711)
    yield folder / "home"
    services.stop(folder / "home")
    shutil.rmtree(folder, ignore_errors=True)


def test_a_search_outlives_redis_and_comes_back_after_a_restart_of_postgresql(
    servers_home, ingest_folder, drawn_folder, tmp_path
):
    endpoints = services.ensure(servers_home)
    settings = Settings(
        home=tmp_path / "home", database_url=endpoints.database_url, redis_url=endpoints.redis_url
    )
    folder = tmp_path / "few"
    folder.mkdir()
    for number, drawing in enumerate(sorted(drawn_folder.rglob("*.svg"))[:4]):
        (folder / f"{number}.svg").write_bytes(drawing.read_bytes())
    ingest_folder(settings, folder, "few")
    client = create_app(settings).test_client()
    work = client.get("/").text.split('href="/works/')[1].split('"')[0]
    address = f"/search?work={work}"
    assert client.get(address).status_code == 200
    state = Layout(servers_home).read_state()

    valkey = psutil.Process(state["valkey_pid"])
    valkey.suspend()
    try:
        for page in (address, "/", f"/works/{work}", "/search?q=cat", "/map", "/reports"):
            assert client.get(page).status_code == 200
    finally:
        valkey.resume()

    os.kill(state["postgres_pid"], signal.SIGINT)  # ends all connections, and is started again
    psutil.wait_procs([psutil.Process(state["postgres_pid"])], timeout=60)
    answers = []
    until = time.monotonic() + 120
    while time.monotonic() < until:
        answer = client.get(address)
        answers.append(answer.status_code)
        if answer.status_code == 200:
            break
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert f'href="{address}"' in answer.text  # to try again
        assert "Traceback" not in answer.text
        time.sleep(0.2)
    assert answers[-1] == 200, "it did not come back"
    open_database(settings).close()
