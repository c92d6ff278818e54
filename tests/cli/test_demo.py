"""The demonstration from end to end, with the collection that needs no download."""

import json
import os
import subprocess
import sys
from pathlib import Path

from sqlalchemy import text

from stylesearch.catalog.database import open_database


def demo() -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stylesearch", "demo", "--drawn", "--no-serve"]
    return subprocess.run(command, env=os.environ.copy(), capture_output=True, text=True, check=False)


def test_demo_and_demo_again(environment) -> None:
    first = demo()
    assert first.returncode == 0, first.stderr
    assert "ingested 400 + duplicates 0 + unchanged 0 + quarantined 0" in first.stdout
    assert "The ten works nearest in style" in first.stdout
    assert "What to try next" in first.stdout
    reports = {
        Path(line.removeprefix("report: "))
        for line in first.stdout.splitlines()
        if line.startswith("report: ")
    }
    assert {path.suffix for path in reports} == {".json", ".html", ".sig"}
    document = json.loads(next(path for path in reports if path.suffix == ".json").read_text())["document"]
    assert len(document["nearest"]) == 20
    assert document["record"]["gallery"]["images"] == 400
    assert document["record"]["calibration"]["status"] == "current"
    second = demo()
    assert second.returncode == 0, second.stderr
    assert "unchanged 400" in second.stdout
    with open_database(environment).session() as session:
        artists, works = session.execute(
            text("SELECT (SELECT count(*) FROM artist), (SELECT count(*) FROM work)")
        ).one()
    assert (artists, works) == (16, 400)
