"""Commands that ask another server, against a real one."""

import json

import pytest
from sqlalchemy import text

from stylesearch.attribution.verifying import read_report_file


@pytest.fixture
def there(served, environment, monkeypatch) -> str:
    """The other server's address, with a token for it in the environment; the local archive is empty."""
    monkeypatch.setenv("STYLESEARCH_API_TOKEN", served.token)
    return served.url


def test_a_search_there_is_told_as_one_here(run_command, there, drawn_folder, served):
    picture = next(drawn_folder.rglob("*.svg"))
    outcome = run_command("search", picture, "--server", there, "-k", "4", "--json", "-w", "has:image")
    assert outcome.code == 0, outcome.err
    told = json.loads(outcome.out)
    assert len(told["results"]) == 4
    assert told["copies"][0]["source_id"] == picture.relative_to(drawn_folder).as_posix()
    more = run_command(
        "search", picture, "--server", there, "-k", "4", "--json", "-w", "has:image", "--after", told["next"]
    )
    assert more.code == 0, more.err
    assert {one["work_id"] for one in json.loads(more.out)["results"]}.isdisjoint(
        one["work_id"] for one in told["results"]
    )
    work = told["results"][0]["work_id"]
    table = run_command(
        "search", "--work", work, "--unlike", f"work:{work + 1}", "--server", there, "-k", "2"
    )
    assert "Score" in table.out
    assert "more: --after" in table.out


def test_mistakes_are_told_before_or_by_the_server(run_command, there, tmp_path):
    outcome = run_command("search", "--work", "999999", "--server", there)
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "There is no work 999999" in outcome.err
    outcome = run_command("search", "--work", "1", "-w", "artits:x", "--server", there)
    assert "artist" in outcome.err
    assert run_command("search", "--work", "1", "--sheet", tmp_path / "x.png", "--server", there).code == 2
    assert run_command("search", "--work", "1", "--server", "nowhere").code == 1
    assert run_command("ingest", "status", "--watch", "--server", there).code == 2
    assert (
        run_command("ingest", "iiif", "https://a.example/", "-c", "x", "--inline", "--server", there).code
        == 2
    )


def test_a_token_is_read_from_the_environment(run_command, there, monkeypatch):
    monkeypatch.delenv("STYLESEARCH_API_TOKEN")
    outcome = run_command("ingest", "status", "--server", there)
    assert (outcome.code, "token is needed" in outcome.err) == (1, True)
    monkeypatch.setenv("STYLESEARCH_API_TOKEN", "nonsense")
    outcome = run_command("collections", "list", "--server", there)
    assert outcome.code == 1
    assert "token is not known here" in outcome.err
    assert "nonsense" not in outcome.err + outcome.out
    outcome = run_command("collections", "list", "--server", "http://styles.example.org")
    assert "for all to read" in outcome.err
    assert "nonsense" not in run_command("settings").out


def test_a_report_is_made_and_checked_there(run_command, there, drawn_folder, tmp_path):
    picture = next(drawn_folder.rglob("*.svg"))
    outcome = run_command("report", picture, "--out", tmp_path, "--pdf", "--server", there)
    assert outcome.code == 0, outcome.err
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == [f"{picture.stem}.report.{suffix}" for suffix in ("html", "json", "pdf", "sig")]
    file = tmp_path / f"{picture.stem}.report.json"
    assert read_report_file(file.read_bytes()).document["query"]["name"] == picture.name
    outcome = run_command("report", "verify", file, "--server", there)
    assert (outcome.code, outcome.out.count("holds")) == (0, 4)
    file.write_text(file.read_text("utf-8").replace(picture.name, "other.png"), "utf-8")
    outcome = run_command("report", "verify", file, "--server", there)
    assert outcome.code == 1
    assert "FAILS" in outcome.out


def test_collections_and_runs_there(run_command, there):
    assert "drawn" in run_command("collections", "list", "--server", there).out
    for who in ("staff", "everybody"):
        told = run_command("collections", "visibility", "drawn", who, "--server", there)
        assert (told.code, told.out.strip()) == (0, f"drawn: seen by {who}")
    status = run_command("ingest", "status", "--server", there)
    assert "into drawn: finished" in status.out
    assert (
        json.loads(run_command("ingest", "status", "--json", "--server", there).out)["counts"]["ingested"]
        == 30
    )
    assert "folder" in run_command("ingest", "status", "--all", "--server", there).out
    assert run_command("ingest", "errors", "--server", there).out.strip() == "nothing is in quarantine"
    assert run_command("ingest", "errors", "--csv", "--server", there).out.splitlines() == [
        "file,code,reason"
    ]
    assert "trying 0 again" in run_command("ingest", "retry", "--server", there).err


@pytest.fixture
def far(served):
    """The name of a collection there, which goes again with its runs."""
    yield "far"
    with served.database.session() as session:
        session.execute(text("DELETE FROM collection WHERE slug = 'far'"))


def test_a_source_is_taken_in_there(run_command, there, far):
    outcome = run_command(
        "ingest", "oai", "https://oai.example/", "-c", far, "--set", "prints", "--server", there
    )
    assert outcome.code == 0, outcome.err
    assert "into far: discovering" in outcome.out
    assert "set=prints" in outcome.out
    again = run_command(
        "ingest", "oai", "https://oai.example/", "-c", far, "--set", "prints", "--server", there
    )
    assert again.out.splitlines()[0] == outcome.out.splitlines()[0], "the same run goes on"
    wrong = run_command("ingest", "iiif", "ftp://x.example/", "-c", far, "--server", there)
    assert "https://" in wrong.err
