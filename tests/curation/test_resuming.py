"""A run that is killed again and again ends as one that never was."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

STAGES = ("tags", "matches", "images", "copies", "splits", "export")
SOMETIMES = 0.002


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def start(folder: Path, arguments: list[object], home: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "stylesearch", "curate", "run", str(folder), *map(str, arguments)]
    return subprocess.Popen(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_when(process: subprocess.Popen, reached: Callable[[], bool]) -> bool:
    """Kill a process as soon as something is so; return whether it was killed before its end."""
    while process.poll() is None:
        if reached():
            process.kill()
            process.communicate()
            return True
        time.sleep(SOMETIMES)
    said = process.communicate()[1]
    assert process.returncode == 0, said
    return False


def within(folder: Path, stage: str, items: Callable[[], int]) -> Callable[[], bool]:
    """What tells that a stage has begun to leave something, and is not done."""
    parts = folder / f"{STAGES.index(stage) + 1}-{stage}-parts"
    if stage == "images":
        return lambda: 0 < items() < 20
    if stage == "export":
        return lambda: any((folder / "export/shards").glob("*.tar"))
    if stage in ("matches", "copies"):
        return lambda: any(parts.rglob("*.parquet"))
    return (folder / f"{STAGES.index(stage) + 1}-{stage}.parquet").exists


def test_a_run_killed_everywhere_ends_as_one_that_was_not(
    environment, database, captioned, draw, tmp_path, figure
):
    rows = []
    artists = ("Paul Klee", "Otto Dix", "Emil Nolde")
    for number in range(40):
        # Seven pictures come twice, once of them made smaller.
        picture = draw(number % 33) if number < 36 else draw(number % 33).resize((90, 90))
        caption = f"Number {number} by {artists[number % 3]}"
        rows.append(
            (
                f"p{number:02d}",
                picture,
                caption,
                {"title": f"Subject {number % 4}", "image_license": "CC0-1.0"},
            )
        )
    table = captioned(rows)
    lists = tmp_path / "artists.txt"
    lists.write_text("\n".join(artists))
    common = ["--name", "styles", "--artists", lists, "--table", table, "--part", 2, "--shard-images", 6]

    whole = tmp_path / "whole"
    assert not kill_when(start(whole, [*common, "--into", "whole"], tmp_path), lambda: False)
    expected = digests(whole / "export")

    broken = tmp_path / "broken"
    arguments = [*common, "--into", "broken"]
    killed = []

    def items() -> int:
        from sqlalchemy import text

        with database.session() as session:
            return session.scalar(
                text(
                    "SELECT count(*) FROM ingest_item JOIN ingest_run ON ingest_run.id = run_id"
                    " JOIN collection ON collection.id = collection_id"
                    " WHERE slug = 'broken' AND ingest_item.state = 'ingested'"
                )
            )

    for stage in STAGES:
        inside, done = within(broken, stage, items), broken / f"{STAGES.index(stage) + 1}-{stage}.json"
        if kill_when(
            start(broken, arguments, tmp_path), lambda inside=inside, done=done: inside() or done.exists()
        ):
            killed.append(f"after {stage}" if done.exists() else f"within {stage}")
        if not done.exists() and kill_when(start(broken, arguments, tmp_path), done.exists):
            killed.append(f"after {stage}")
    assert not kill_when(start(broken, arguments, tmp_path), lambda: False)
    assert digests(broken / "export") == expected
    # The others are over so quickly that nobody can be sure to come in between.
    assert {f"within {stage}" for stage in ("matches", "images", "copies", "export")} <= set(killed)
    assert {f"after {stage}" for stage in STAGES[:-1]} <= set(killed)
    assert json.loads((broken / "4-copies.json").read_text())["counts"]["merged"] >= 1
    figure(
        f"curation: killed {len(killed)} times ({', '.join(killed)}); all {len(expected)} files of the export the same to the byte"
    )
