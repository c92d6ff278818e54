import csv
import json
import shutil
import subprocess
import sys
import threading

import pytest
from signed_images import picture
from sqlalchemy import text

from stylesearch.attribution.batches import (
    MOST_ATTEMPTS,
    items_of,
    open_batch,
    progress_of,
    read_sources,
    report_for_a_while,
)
from stylesearch.attribution.overview import failed, overview_files
from stylesearch.errors import InputError
from stylesearch.search.filters import EVERYTHING
from stylesearch.search.grammar import parse


@pytest.fixture
def folder(drawn_folder, tmp_path):
    """Three drawings, a broken file and one whose name is no good."""
    folder = tmp_path / "images"
    (folder / "inner").mkdir(parents=True)
    for number, path in enumerate(sorted(drawn_folder.rglob("*.svg"))[:3]):
        shutil.copy(path, folder / "inner" / f"{number}.svg")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    (folder / "=cmd<b>.jpg").write_bytes(picture())
    (folder / "notes.txt").write_text("no image")
    return folder


def opened(maker, folder, where=EVERYTHING):
    return open_batch(maker, read_sources(folder), where, lambda path: path.read_bytes())


def progress(maker, batch_id):
    with maker.style_search.database.session() as session:
        return progress_of(session, batch_id)


def states(maker, batch_id):
    with maker.style_search.database.session() as session:
        return {item.name: (item.state, item.error_code) for item in items_of(session, batch_id)}


def test_each_image_is_reported_on_once(maker, folder):
    batch_id = opened(maker, folder)
    assert report_for_a_while(maker, batch_id, seconds=300) is False
    found = progress(maker, batch_id)
    assert (found.done, found.failed, found.total, found.open) == (4, 1, 5, 0)
    assert states(maker, batch_id)["broken.png"] == ("failed", "image_truncated")
    with maker.style_search.database.session() as session:
        assert session.scalar(text("SELECT count(*) FROM report")) == 4
    assert opened(maker, folder) == batch_id, "the same images are the same batch"
    assert progress(maker, batch_id).open == 1, "what failed is tried again"
    assert opened(maker, folder, parse("reuse:open")) != batch_id


def test_what_a_lost_worker_held_is_taken_over_and_not_for_ever(maker, folder, execute):
    batch_id = opened(maker, folder)
    execute(
        "UPDATE report_item SET state = 'held', attempts = 1, lease_until = now() - interval '1 s' WHERE position = 0"
    )
    execute(
        "UPDATE report_item SET state = 'held', attempts = :most, lease_until = now() - interval '1 s' WHERE position = 2",
        most=MOST_ATTEMPTS,
    )
    execute("UPDATE report_item SET state = 'held', lease_until = now() + interval '1 h' WHERE position = 3")
    report_for_a_while(maker, batch_id, seconds=300)
    with maker.style_search.database.session() as session:
        found = [(item.state, item.error_code) for item in items_of(session, batch_id)]
    assert found[0][0] == "done"
    assert found[2] == ("failed", "worker_lost")
    assert found[3] == ("held", None), "somebody else has it"


def test_two_at_once_share_the_work(maker, folder):
    batch_id = opened(maker, folder)
    threads = [
        threading.Thread(target=report_for_a_while, args=(maker, batch_id), kwargs={"seconds": 300})
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert progress(maker, batch_id).done == 4
    with maker.style_search.database.session() as session:
        assert session.scalar(text("SELECT count(*) FROM report")) == 4


def test_the_command_writes_reports_and_an_overview(archive_environment, run_command, folder, tmp_path):
    out = tmp_path / "out"
    done = run_command("report", "batch", folder, "--out", out)
    assert done.code == 0, done.err
    assert len(list(out.glob("*.report.html"))) == len(list(out.glob("*.report.sig"))) == 4
    told = json.loads((out / "overview.json").read_text())
    assert told["outcomes"] == {"not calibrated": 4, "failed": 1}
    assert [one["name"] for one in told["images"]] == [
        "=cmd<b>.jpg",
        "broken.png",
        "inner/0.svg",
        "inner/1.svg",
        "inner/2.svg",
    ]
    assert told["images"][2]["exact"] == 1
    assert sum(told["licenses"].values()) == 4
    with (out / "overview.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["name"] == "'=cmd<b>.jpg", "no spreadsheet takes it for a formula"
    page = (out / "overview.html").read_text()
    assert "=cmd&lt;b&gt;.jpg" in page
    assert "<b>" not in page
    before = (out / "00003.report.json").read_bytes()
    assert run_command("report", "batch", folder, "--out", out).code == 0
    assert (out / "00003.report.json").read_bytes() == before, "what was made is not made again"


def test_workers_make_the_reports(archive_environment, run_command, folder, tmp_path, broker):
    worker = subprocess.Popen(
        [sys.executable, "-m", "stylesearch", "workers", "start", "--queues", "embed"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        out = tmp_path / "out"
        done = run_command("report", "batch", folder, "--out", out, "--workers")
        assert done.code == 0, done.err
        assert json.loads((out / "overview.json").read_text())["outcomes"]["not calibrated"] == 4
    finally:
        worker.terminate()
        worker.wait(60)


def test_tables_are_read_and_what_is_none_is_told(tmp_path, maker):
    table = tmp_path / "list.csv"
    table.write_text("path,note\na.png,x\n\nmissing.png,y\n")
    (tmp_path / "a.png").write_bytes(picture("PNG"))
    found = read_sources(table)
    assert [one.name for one in found] == ["a.png", "missing.png"]

    def read(path):
        if not path.exists():
            raise InputError("It is not there.", code="file_unreadable")
        return path.read_bytes()

    batch_id = open_batch(maker, found, EVERYTHING, read)
    assert states(maker, batch_id)["missing.png"] == ("failed", "file_unreadable")
    for text_ in ("", "name\nx\n", "path\n"):
        table.write_text(text_)
        with pytest.raises(InputError) as caught:
            read_sources(table)
        assert caught.value.code == "batch_source"
    with pytest.raises(InputError):
        read_sources(tmp_path / "none")


def test_an_overview_of_failures_alone():
    files = overview_files([failed("x", "It is no image.")])
    assert json.loads(files["overview.json"])["artists"] == {}
    assert b"No artist is named." in files["overview.html"]
