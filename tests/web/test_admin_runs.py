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
def client(settings, database, sign_in):
    return sign_in(create_app(settings).test_client(), "curator")


def state(database) -> list[tuple]:
    with database.session() as session:
        return [
            tuple(row) for row in session.execute(text("SELECT state, attempts FROM ingest_item ORDER BY 1"))
        ]


def test_a_run_is_shown_with_its_quarantine(client, run_id):
    listed = client.get("/admin/runs")
    assert listed.status_code == 200
    assert f'href="/admin/runs/{run_id}"' in listed.text
    assert "2 of 2" in listed.text
    page = client.get(f"/admin/runs/{run_id}")
    assert page.status_code == 200
    assert "image_unreadable" in page.text
    assert "<bdi>&lt;b&gt;bad.png</bdi>" in page.text
    assert re.search(r"Ingested</th><td>1</td>", page.text)


def test_what_is_in_quarantine_is_tried_again(client, run_id, token, pictures, settings, database):
    Image.new("RGB", (40, 30), (9, 200, 9)).save(pictures / "<b>bad.png")
    answer = client.post(
        f"/admin/runs/{run_id}/retry", data={"csrf_token": token(client, f"/admin/runs/{run_id}")}
    )
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/admin/runs/{run_id}"
    assert state(database) == [("ingested", 1), ("pending", 0)]
    assert "1 are still open" in client.get(f"/admin/runs/{run_id}").text
    assert drive(make_pipeline(database, settings), run_id, on_progress=lambda counts: None).ingested == 2
    page = client.get(f"/admin/runs/{run_id}").text
    assert "Nothing is in quarantine" in page
    assert "/retry" not in page


def test_workers_are_called(client, run_id, token, settings):
    from stylesearch.ingest.doorbell import INGEST_QUEUE, Doorbell

    client.post(f"/admin/runs/{run_id}/retry", data={"csrf_token": token(client, f"/admin/runs/{run_id}")})
    assert Doorbell(settings).waiting(INGEST_QUEUE) == 1


def test_a_broker_that_is_away_changes_nothing(settings, run_id, token, database, sign_in):
    away = settings.model_copy(update={"redis_url": type(settings.redis_url)("redis://127.0.0.1:1/0")})
    client = sign_in(create_app(away).test_client(), "curator")
    answer = client.post(
        f"/admin/runs/{run_id}/retry", data={"csrf_token": token(client, f"/admin/runs/{run_id}")}
    )
    assert answer.status_code == 303
    assert state(database) == [("ingested", 1), ("pending", 0)]


def test_a_form_without_its_token_changes_nothing(client, run_id, database):
    assert client.post(f"/admin/runs/{run_id}/retry").status_code == 400
    assert state(database) == [("ingested", 1), ("quarantined", 1)]


def test_an_interrupted_run_is_not_tried_again(client, run_id, token, database):
    sign = token(client, f"/admin/runs/{run_id}")
    with database.session() as session:
        session.execute(text("UPDATE ingest_run SET state = 'discovering', problem = '<i>The disk is full.'"))
    page = client.get(f"/admin/runs/{run_id}")
    assert "/retry" not in page.text
    assert "&lt;i&gt;The disk is full." in page.text
    assert client.post(f"/admin/runs/{run_id}/retry", data={"csrf_token": sign}).status_code == 503
    assert state(database) == [("ingested", 1), ("quarantined", 1)]


def test_runs_that_are_not_there(client, token, run_id):
    assert client.get("/admin/runs/99").status_code == 404
    sign = token(client, f"/admin/runs/{run_id}")
    assert client.post("/admin/runs/99/retry", data={"csrf_token": sign}).status_code == 404
    assert client.post(f"/admin/runs/{10**30}/retry", data={"csrf_token": sign}).status_code == 404


def test_an_empty_archive_has_no_runs(client):
    assert "Nothing has been taken in yet" in client.get("/admin/runs").text


def test_what_is_asked_for_by_the_script_is_the_page_without_its_frame(client, run_id):
    for address in (f"/admin/runs/{run_id}/progress", "/admin/runs/progress"):
        part = client.get(address)
        assert part.status_code == 200
        assert "2 of 2" in part.text
        assert "<html" not in part.text
        assert "data-busy" not in part.text
        assert part.headers["Cache-Control"] == "no-store"


def test_a_run_that_moves_is_looked_at_again_and_again(client, run_id, token):
    client.post(f"/admin/runs/{run_id}/retry", data={"csrf_token": token(client, f"/admin/runs/{run_id}")})
    for address in (f"/admin/runs/{run_id}/progress", "/admin/runs/progress", f"/admin/runs/{run_id}"):
        assert "data-busy" in client.get(address).text
    with_script = client.get(f"/admin/runs/{run_id}").text
    assert f'data-live="/admin/runs/{run_id}/progress"' in with_script
    assert "Count again" in with_script


def test_errors_are_listed_by_reason_page_by_page(client, run_id, database, monkeypatch):
    from web.admin import runs

    monkeypatch.setattr(runs, "PAGE_ERRORS", 2)
    with database.session() as session:
        session.execute(
            text(
                "INSERT INTO ingest_item (run_id, source_id, locator, state, error_code, error_text)"
                " SELECT :run, '=item ' || n, 'file:///x', 'quarantined', 'image_empty', 'It is empty.'"
                " FROM generate_series(1, 3) AS n"
            ),
            {"run": run_id},
        )
    page = client.get(f"/admin/runs/{run_id}/errors?code=image_empty").text
    assert "=item 1" in page
    assert "=item 3" not in page
    following = unescape(re.search(r'href="([^"]+)">Go on behind', page)[1])
    page = client.get(following).text
    assert "=item 3" in page
    assert "Go on behind" not in page
    assert "image_unreadable" in client.get(f"/admin/runs/{run_id}/errors?code=image_unreadable").text
    assert client.get(f"/admin/runs/{run_id}/errors?code=%00nothing").status_code == 200
    assert client.get(f"/admin/runs/{run_id}/errors?after=x").status_code == 400
    assert client.get("/admin/runs/99/errors").status_code == 404
    table = client.get(f"/admin/runs/{run_id}/errors.csv")
    assert table.mimetype == "text/csv"
    assert table.text.count("image_empty") == 3
    assert "\n'=item 1,image_empty" in table.text  # nothing that a spreadsheet would compute
    assert client.get("/admin/runs/99/errors.csv").status_code == 404


def test_one_reason_is_tried_again_alone(client, run_id, token, database):
    with database.session() as session:
        session.execute(
            text(
                "INSERT INTO ingest_item (run_id, source_id, locator, state, error_code, error_text)"
                " VALUES (:run, 'x', 'file:///x', 'quarantined', 'image_empty', 'It is empty.')"
            ),
            {"run": run_id},
        )
    data = {"csrf_token": token(client, f"/admin/runs/{run_id}"), "code": "image_empty"}
    assert client.post(f"/admin/runs/{run_id}/retry", data=data).status_code == 303
    assert state(database) == [("ingested", 1), ("pending", 0), ("quarantined", 1)]
    with database.session() as session:
        event = session.execute(
            text("SELECT actor, detail FROM audit_event WHERE action = 'run.retry'")
        ).one()
    assert tuple(event) == ("Curator <curator@example.org>", {"code": "image_empty", "items": 1})
    answer = client.post(f"/admin/runs/{run_id}/retry", data=data)
    assert answer.status_code == 303
    assert "nothing that could be tried again" in client.get(answer.headers["Location"]).text


def test_runs_are_shown_page_by_page(client, run_id, monkeypatch, settings, broker, ingest_folder, pictures):
    from web.admin import runs

    second = ingest_folder(settings, pictures, "toys")[0]
    monkeypatch.setattr(runs, "PAGE_RUNS", 1)
    page = client.get("/admin/runs").text
    assert f'href="/admin/runs/{second}"' in page
    assert f'href="/admin/runs?before={second}"' in page
    assert f'href="/admin/runs/{run_id}"' in client.get(f"/admin/runs?before={second}").text
