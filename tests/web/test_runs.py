import re
from html import unescape

import pytest
from PIL import Image
from sqlalchemy import text

from stylesearch.ingest.driving import drive
from stylesearch.ingest.run import make_pipeline
from web.app import create_app


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.new("RGB", (40, 30), (200, 9, 9)).save(folder / "a.png")
    (folder / "<b>bad.png").write_bytes(b"only words")
    return folder


@pytest.fixture
def run_id(settings, broker, ingest_folder, pictures) -> int:
    """A finished run with one picture in quarantine."""
    return ingest_folder(settings, pictures, "toys")[0]


@pytest.fixture
def client(settings, database):
    return create_app(settings.model_copy(update={"web_runs": True})).test_client()


def state(database) -> list[tuple]:
    with database.session() as session:
        return [
            tuple(row) for row in session.execute(text("SELECT state, attempts FROM ingest_item ORDER BY 1"))
        ]


def test_a_run_is_shown_with_its_quarantine(client, run_id):
    listed = client.get("/runs")
    assert listed.status_code == 200
    assert f'href="/runs/{run_id}"' in listed.text
    assert "2 of 2" in listed.text
    page = client.get(f"/runs/{run_id}")
    assert page.status_code == 200
    assert "image_unreadable" in page.text
    assert "<bdi>&lt;b&gt;bad.png</bdi>" in page.text
    assert re.search(r"Ingested</th><td>1</td>", page.text)


def test_what_is_in_quarantine_is_tried_again(client, run_id, token, pictures, settings, database):
    Image.new("RGB", (40, 30), (9, 200, 9)).save(pictures / "<b>bad.png")
    answer = client.post(f"/runs/{run_id}/retry", data={"csrf_token": token(client, f"/runs/{run_id}")})
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/runs/{run_id}"
    assert state(database) == [("ingested", 1), ("pending", 0)]
    assert "1 are still open" in client.get(f"/runs/{run_id}").text
    assert drive(make_pipeline(database, settings), run_id, on_progress=lambda counts: None).ingested == 2
    page = client.get(f"/runs/{run_id}").text
    assert "Nothing is in quarantine" in page
    assert "csrf_token" not in page


def test_workers_are_called(client, run_id, token, settings):
    from stylesearch.ingest.doorbell import INGEST_QUEUE, Doorbell

    client.post(f"/runs/{run_id}/retry", data={"csrf_token": token(client, f"/runs/{run_id}")})
    assert Doorbell(settings).waiting(INGEST_QUEUE) == 1


def test_a_broker_that_is_away_changes_nothing(settings, run_id, token, database):
    away = settings.model_copy(
        update={"web_runs": True, "redis_url": type(settings.redis_url)("redis://127.0.0.1:1/0")}
    )
    client = create_app(away).test_client()
    answer = client.post(f"/runs/{run_id}/retry", data={"csrf_token": token(client, f"/runs/{run_id}")})
    assert answer.status_code == 303
    assert state(database) == [("ingested", 1), ("pending", 0)]


def test_a_form_without_its_token_changes_nothing(client, run_id, database):
    assert client.post(f"/runs/{run_id}/retry").status_code == 400
    assert state(database) == [("ingested", 1), ("quarantined", 1)]


def test_an_interrupted_run_is_not_tried_again(client, run_id, token, database):
    sign = token(client, f"/runs/{run_id}")
    with database.session() as session:
        session.execute(text("UPDATE ingest_run SET state = 'discovering', problem = '<i>The disk is full.'"))
    page = client.get(f"/runs/{run_id}")
    assert "csrf_token" not in page.text
    assert "&lt;i&gt;The disk is full." in page.text
    assert client.post(f"/runs/{run_id}/retry", data={"csrf_token": sign}).status_code == 503
    assert state(database) == [("ingested", 1), ("quarantined", 1)]


def test_runs_that_are_not_there(client, token, run_id):
    assert client.get("/runs/99").status_code == 404
    sign = token(client, f"/runs/{run_id}")
    assert client.post("/runs/99/retry", data={"csrf_token": sign}).status_code == 404
    assert client.post(f"/runs/{10**30}/retry", data={"csrf_token": sign}).status_code == 404


def test_an_empty_archive_has_no_runs(client):
    assert "Nothing has been taken in yet" in client.get("/runs").text


@pytest.mark.parametrize(
    ("host", "sender", "seen"),
    [
        ("localhost", "127.0.0.1", True),
        ("localhost:8080", "::1", True),
        ("[::1]:8080", "::1", True),
        ("127.0.0.1:8080", "127.0.0.1", True),
        ("127.0.0.1", "192.0.2.7", False),
        ("art.example", "127.0.0.1", False),  # a proxy, or a name that was made to lead here
        ("localhost.evil.example", "127.0.0.1", False),
        ("192.0.2.1:8080", "127.0.0.1", False),
        ("127.0.0.1", "", False),
    ],
)
def test_only_this_machine_sees_them(client, host, sender, seen):
    answer = client.get("/runs", headers={"Host": host}, environ_base={"REMOTE_ADDR": sender})
    assert answer.status_code == (200 if seen else 404)


def test_nobody_sees_them_unless_they_are_wanted(settings, run_id, token, database):
    client = create_app(settings).test_client()
    for address in ("/runs", f"/runs/{run_id}"):
        assert client.get(address).status_code == 404
    sign = unescape(token(client))
    assert client.post(f"/runs/{run_id}/retry", data={"csrf_token": sign}).status_code == 404
    assert state(database) == [("ingested", 1), ("quarantined", 1)]
