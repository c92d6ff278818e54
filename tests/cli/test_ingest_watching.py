"""Following runs: status, errors, reports, duplicates, resuming."""

import csv
import io
import json
import re
import shutil

import pytest
from lxml import html
from PIL import Image
from sqlalchemy import text

from stylesearch.catalog.database import open_database
from stylesearch.ingest.driving import drive
from stylesearch.ingest.following import standing
from stylesearch.ingest.run import Into, discover, make_pipeline, open_run
from stylesearch.ingest.sources.folder import FolderSource


@pytest.fixture
def taken(environment, run_command, pictures):
    """A finished run: two pictures that look alike, a double, and three that are bad."""
    Image.linear_gradient("L").resize((90, 70)).save(pictures / "a.png")
    Image.linear_gradient("L").resize((60, 50)).save(pictures / "b.png")
    shutil.copy(pictures / "a.png", pictures / "c.png")
    (pictures / "<b>bad<b>.png").write_bytes(b"only words")
    (pictures / "empty.png").write_bytes(b"")
    (pictures / "bad.png").write_bytes(b"more words")
    outcome = run_command("ingest", "folder", pictures, "-c", "toys", "--inline", "--license", "CC0-1.0")
    assert "discovered 6 = ingested 2 + duplicates 1 + unchanged 0 + quarantined 3" in outcome.out
    return environment


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    return folder


def test_status(taken, run_command):
    shown = run_command("ingest", "status").out
    assert "run 1 into toys: finished" in shown
    assert "image_unreadable: 2" in shown
    assert "folder" in run_command("ingest", "status", "--all").out
    found = json.loads(run_command("ingest", "status", "1", "--json").out)
    assert found["counts"]["ingested"] == 2
    assert found["counts"]["errors"] == {"image_empty": 1, "image_unreadable": 2}
    assert (found["state"], found["holders"], found["seconds_left"]) == ("finished", [], None)
    watched = run_command("ingest", "status", "--watch")
    assert watched.code == 0
    assert "6 of 6 done" in watched.out


def test_errors_can_be_taken_along(taken, run_command):
    as_csv = list(csv.DictReader(io.StringIO(run_command("ingest", "errors", "--csv").out)))
    as_json = [json.loads(line) for line in run_command("ingest", "errors", "--json").out.splitlines()]
    assert as_csv == as_json
    assert {row["file"]: row["code"] for row in as_json} == {
        "<b>bad<b>.png": "image_unreadable", "bad.png": "image_unreadable", "empty.png": "image_empty",
    }  # fmt: skip


def test_the_report_of_a_run(taken, run_command, tmp_path):
    path = tmp_path / "run.html"
    assert run_command("ingest", "report", "--out", path).out.strip() == str(path)
    page = path.read_text("utf-8")
    tree = html.fromstring(page)
    assert tree.xpath("//h1")[0].text == "Run 1 into toys"
    numbers = {row[0].text_content().strip(): row[1].text for row in tree.xpath("//table[1]/tr")}
    assert numbers["Discovered"] == "6"
    assert (numbers["ingested"], numbers["duplicates"], numbers["quarantined"]) == ("2", "1", "3")
    assert "<b>bad<b>.png" in [cell.text for cell in tree.xpath("//details//td")]
    assert "<b>bad" not in page
    assert "Creative Commons Zero" in page
    assert "1 pairs of images look almost alike" in " ".join(tree.text_content().split())
    assert not re.search(r"""(src|href)=|url\(|@import|<script""", page)
    assert run_command("ingest", "report", "99").code == 1


def test_duplicates_are_judged(taken, run_command):
    listed = run_command("ingest", "duplicates").out
    assert "a.png" in listed
    assert "b.png" in listed
    with open_database(taken).session() as session:
        images = session.scalars(text("SELECT id FROM image ORDER BY id")).all()
    assert run_command("ingest", "duplicates", "mark", *images).code == 2
    assert "1 pairs marked as same" in run_command("ingest", "duplicates", "mark", *images, "--same").out
    assert "there is nothing to judge" in run_command("ingest", "duplicates").out
    assert "No two of these" in run_command("ingest", "duplicates", "mark", 1, "--different").err
    assert "There is no collection" in run_command("ingest", "duplicates", "-c", "none").err


def test_an_interrupted_discovery_is_resumed_by_its_number(environment, run_command, pictures, monkeypatch):
    from stylesearch.ingest.sources import folder

    monkeypatch.setattr(folder, "PAGE", 2)
    for number in range(5):
        Image.new("RGB", (20, 20), (number * 40, 0, 0)).save(pictures / f"{number}.png")
    whole = FolderSource.pages

    def broken(self, cursor):
        pages = whole(self, cursor)
        yield next(pages)
        raise KeyboardInterrupt

    monkeypatch.setattr(FolderSource, "pages", broken)
    assert run_command("ingest", "folder", pictures, "-c", "toys", "--inline").code == 130
    monkeypatch.setattr(FolderSource, "pages", whole)
    shown = run_command("ingest", "status").out
    assert "discovering" in shown
    refused = run_command("ingest", "retry")
    assert refused.code == 1
    assert "'stylesearch ingest resume 1'" in refused.err
    outcome = run_command("ingest", "resume", "1", "--inline")
    assert "discovered 5 = ingested 5" in outcome.out, outcome
    assert "run 1 is finished" in run_command("ingest", "resume").out


def test_detached_runs_are_left_to_workers(environment, broker, run_command, pictures):
    Image.new("RGB", (20, 20)).save(pictures / "a.png")
    outcome = run_command("ingest", "folder", pictures, "-c", "toys", "--detach")
    assert outcome.code == 0, outcome
    assert "run 1 is left to the workers" in outcome.out
    assert "open 1" in outcome.out
    assert "discovered 1 = ingested 1" in run_command("ingest", "resume", "--inline").out
    both = run_command("ingest", "folder", pictures, "-c", "toys", "--detach", "--inline")
    assert both.code == 2


def test_who_is_stuck_is_pointed_out(environment, run_command, pictures):
    for number in range(3):
        Image.new("RGB", (20, 20), (number * 40, 0, 0)).save(pictures / f"{number}.png")
    database = open_database(environment)
    pipeline = make_pipeline(database, environment)
    source = FolderSource(pictures)
    with database.session() as session:
        run, _ = open_run(session, source, Into("toys"), spec=pipeline.encoder.spec)
    discover(database, run.id, source, on_progress=lambda done, total: None)
    with database.session() as session:
        session.execute(
            text(
                "UPDATE ingest_item SET state = 'fetching', lease_until = now() + interval '1 hour', held_by = 'stone:7',"
                " updated_at = now() - interval '10 minutes' WHERE source_id = '0.png'"
            )
        )
        session.execute(
            text("UPDATE ingest_item SET not_before = now() + interval '1 hour' WHERE source_id = '1.png'")
        )
        now = standing(session, run.id)
    assert [(one.name, one.items) for one in now.holders] == [("stone:7", 1)]
    assert now.deferred == 1
    shown = run_command("ingest", "status").out
    assert "stone:7 holds 1 and has not moved for 10 min" in shown
    assert "put off until their server is ready: 1" in shown
    with database.session() as session:
        session.execute(
            text(
                "UPDATE ingest_item SET state = 'pending', lease_until = NULL, held_by = NULL, not_before = NULL"
            )
        )
    drive(pipeline, run.id, on_progress=lambda counts: None)
    with database.session() as session:
        assert standing(session, run.id).described_rate > 0
