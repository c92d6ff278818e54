"""Does curation find what was planted? 20,000 drawings made by code with 200 tags, and 3,000 copies of them.

    python benchmarks/curation_planted.py

Each drawing is in the hand of an artist (colours and shapes of its own) and has a composition of its own. Captions name its tags
among noise, in any case, now and then with a slip of the pen, with markup, and with other artists that are denied; a word that
holds a tag is no tag. Copies are crops, resized and recompressed ones, some with a line of letters over them, and mirrored ones,
with captions of their own. `stylesearch curate run` then goes from its table to the export with its default settings, in a
database and an image store of its own.

A tag is right if the caption names it, a slip included. A pair of copies is right if both were made of one drawing; a copy is
found if it ends up in one group with its drawing. The table is written to benchmarks/results/curation_planted.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from planted_drawings import measure, options, plant
from record import RESULTS, table, write

NAME = "curation_planted"
DRAWINGS, TAGS, COPIES = 20_000, 200, 3_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=RESULTS / NAME)
    parser.add_argument("--work", type=Path, help="folder for pictures and the run; default: a temporary one")
    parser.add_argument("--limit", type=int, help="drawings to make, to try it out")
    given = parser.parse_args()
    count = given.limit or DRAWINGS
    with tempfile.TemporaryDirectory() as folder:
        work = given.work or Path(folder)
        plan = plant(work, drawings=count, tags=TAGS, copies=COPIES * count // DRAWINGS)
        began = time.perf_counter()
        command = [
            sys.executable,
            "-m",
            "stylesearch",
            "curate",
            "run",
            str(work / "run"),
            *options(plan, into="planted", name="planted"),
        ]
        subprocess.run(command, check=True)
        seconds = time.perf_counter() - began
        report(given.out, measure(plan, work / "run"), count, seconds, given.limit)


def report(out: Path, found: dict, drawings: int, seconds: float, limit: int | None) -> None:
    copies, tags, merged = found["copies"], found["tags"], found["merged"]
    rows = [
        (
            "tags of captions",
            f"{tags['planted']:,}",
            f"{100 * tags['precision']:.2f}",
            f"{100 * tags['recall']:.2f}",
        ),
        (
            "copies",
            f"{copies['planted']:,}",
            f"{100 * copies['precision']:.2f}",
            f"{100 * copies['recall']:.2f}",
        ),
        *((f"copies: {kind}", "", "", f"{100 * share:.2f}") for kind, share in copies["by_kind"].items()),
    ]
    about = (
        f"{drawings:,} drawings, {copies['planted']:,} copies; {seconds / 60:.0f} minutes from the table to the export. Threshold"
        f" learnt: {copies['threshold']['value']:.3f}. Labels of {merged['right']:,} of {merged['groups']:,} groups are those of all"
        f" their captions; {found['across_splits']} groups are on both sides of a split."
    )
    write(
        out,
        "Planted truth",
        [about, table(("", "planted", "precision, %", "recall, %"), rows)],
        found,
        {},
        limit=limit,
        limited="drawings",
    )


if __name__ == "__main__":
    main()
