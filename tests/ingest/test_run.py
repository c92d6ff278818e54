"""A run as people start it, with the encoder that comes with us."""

import csv
import io

from sqlalchemy import text


def test_a_folder_is_taken_in_whole(archive):
    with archive.database.session() as session:
        run = session.execute(
            text(
                "SELECT run.state, run.finished_at IS NOT NULL, collection.title FROM ingest_run run JOIN collection ON collection.id = collection_id"
            )
        ).one()
        assert tuple(run) == ("finished", True, "Drawn by stylesearch")
        (works,) = session.execute(
            text(
                "SELECT count(*) FROM work JOIN image ON work_id = work.id JOIN descriptor ON image_id = image.id WHERE work.title <> '' AND image_license_id IS NOT NULL"
            )
        ).one()
    assert works == 30


def test_again_nothing_is_to_do(archive, ingest_folder):
    _, counts = ingest_folder(archive.settings, archive.folder, archive.slug)
    assert (counts.unchanged, counts.discovered) == (30, 30)


def test_the_commands(archive_environment, run_command, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "bad.png").write_bytes(b"only words")
    (folder / "same.svg").write_bytes(next(archive_environment.folder.rglob("*.svg")).read_bytes())
    done = run_command("ingest", "folder", folder, "--collection", "more", "--inline", "--license", "CC0-1.0")
    assert done.code == 0
    assert "discovered 2 = ingested 1 + duplicates 0 + unchanged 0 + quarantined 1" in done.out
    assert "image_unreadable: 1" in done.out
    listed = list(csv.reader(io.StringIO(run_command("ingest", "errors", "--csv").out)))
    assert listed[0] == ["file", "code", "reason"]
    assert [row[:2] for row in listed[1:]] == [["bad.png", "image_unreadable"]]
    assert run_command("ingest", "status").code == 0
    (folder / "bad.png").write_bytes(b"")
    again = run_command("ingest", "retry", "--inline")
    assert "image_empty: 1" in again.out
    for command in (
        ["ingest", "status", "99"],
        ["ingest", "folder", tmp_path / "none", "-c", "x"],
        ["ingest", "folder", folder, "-c", "No Slug"],
    ):
        failed = run_command(*command)
        assert failed.code == 1
        assert len(failed.err.splitlines()) == 1
