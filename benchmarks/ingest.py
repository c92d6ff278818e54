"""How many pictures a second does ingestion take in, beside a plain loop, and what does the pipeline itself cost?

    python benchmarks/ingest.py --packages FOLDER

FOLDER keeps the Debian packages whose photographs the pictures are made from; missing ones are fetched into it. The 4,000
JPEGs of about two megapixels are made once and kept in FOLDER/photographs, or where --pictures says. They are read once
before anything is measured, so that no contender waits for the disk, and every contender that writes has PostgreSQL,
Redis (Valkey) and an image store of its own, new and empty. Contenders take turns:

- decode alone: our functions from a file to squares, in a process for each processor.
- first stage alone: the same, and the hashes, the thumbnail and the original kept; neither ledger nor spool.
- describe alone: `lite`, squares in memory.
- ingest: the command `stylesearch ingest folder`, with the workers that it starts, from its start to its end.
- ingest --inline: the same in one process, with clocks on its functions.
- plain loop: Pillow, the same network in eager torch, 32 pictures at a time, and psycopg's executemany, in one process.

On few processors the two stages share them, so that the most that can be had is not the slower one's rate but
1 / (1 / first + 1 / second). The table and the plots are written to benchmarks/results/ingest.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import contenders
import numpy as np
from contenders import COLLECTION, Measured
from ingest_report import report
from photographs import make_photographs
from record import RESULTS, arguments
from sqlalchemy import text
from stopwatches import Watch
from turns import (
    BROKER,
    COMMAND,
    CONTENDERS,
    DATABASE,
    DECODING,
    DESCRIBING,
    EMBEDDING,
    FETCHING,
    FIRST,
    INLINE,
    PLAIN,
    WORKERS,
    Turn,
    Turns,
)

from stylesearch.catalog.database import open_database
from stylesearch.local import services
from stylesearch.settings import ENV_PREFIX, Settings

NAME = "ingest"
PICTURES = 4000
OUR_ROWS = """
    SELECT work.source_id, descriptor.vector::text FROM work
    JOIN image ON image.work_id = work.id JOIN descriptor ON descriptor.image_id = image.id
"""
SECONDS = "SELECT extract(epoch FROM finished_at - started_at)::float FROM ingest_run"
PLAIN_ROWS = "SELECT name, vector::text FROM plain"
STATES = """
    SELECT count(*), state, task, attempts, error_code, min(error_text), min(source_id) FROM ingest_item
    GROUP BY state, task, attempts, error_code
"""
ROLES = (
    ("local.supervisor", BROKER),
    ("valkey", BROKER),
    ("postgres", DATABASE),
    ("workers start --queues ingest", FETCHING),
    ("workers start --queues embed", EMBEDDING),
    ("stylesearch ingest folder", COMMAND),
    ("stylesearch workers start", COMMAND),
)


def main() -> None:
    parser = arguments(__doc__, NAME, limit="pictures, to try it out; needs --out")
    parser.add_argument(
        "--pictures",
        type=Path,
        help="folder to keep the pictures in; default: photographs, beside the packages",
    )
    parser.add_argument(
        "--work", type=Path, help="folder for databases and stores, about 6 GB; emptied again"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=CONTENDERS, help="to try one out; writes nothing")
    options = parser.parse_args()
    if options.limit is not None and options.out == RESULTS / NAME:
        parser.error("a trial is not to replace results; name another folder with --out")

    folder = options.pictures or options.packages / "photographs"
    paths = make_photographs(folder, options.limit or PICTURES, options.packages)
    with place(options.work or folder.parent) as work:
        pictures = work / "pictures"  # just as many as are wanted
        pictures.mkdir()
        for path in paths:
            (pictures / path.name).hardlink_to(path)
        measured = measure(sorted(pictures.iterdir()), work, options)
    if not options.only:
        report(options.out, measured, paths, options.limit)


@contextmanager
def place(parent: Path | None) -> Iterator[Path]:
    """Make a folder for as long as the block lasts, which the system user that PostgreSQL runs as can enter."""
    folder = Path(tempfile.mkdtemp(prefix="stylesearch-", dir=parent))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(paths: list[Path], work: Path, options: argparse.Namespace) -> dict[str, Turns]:
    """Let the contenders take turns."""
    chosen = [name for name in CONTENDERS if not options.only or name in options.only]
    measured = {name: Turns(len(paths)) for name in chosen}
    order = random.Random(0)
    for number in range(options.rounds):
        for name in order.sample(chosen, len(chosen)):
            for path in paths:
                path.read_bytes()
            with place(work) as home:
                turn = take_turn(measured[name], name, paths, home)
            print(
                f"round {number + 1}: {name}: {len(paths) / turn.seconds:.1f} pictures/s,"
                f" {1000 * turn.processor_seconds / len(paths):.1f} ms of processor a picture",
                flush=True,
            )
    return measured


def take_turn(turns: Turns, name: str, paths: list[Path], home: Path) -> Turn:
    """Measure a contender once."""
    alone: dict[str, tuple[Any, ...]] = {
        DECODING: (contenders.decoding, paths, None),
        FIRST: (contenders.decoding, paths, str(home / "store")),
        DESCRIBING: (contenders.describing, paths),
    }
    ledger_seconds = None
    if name in alone:
        with Watch(ROLES) as watch:
            measured = in_process(*alone[name])
    else:
        with served(home) as url:
            with Watch(ROLES) as watch:
                if name == WORKERS:
                    measured = command(paths[0].parent, home)
                elif name == INLINE:
                    measured = in_process(contenders.inline, paths[0].parent, home)
                else:
                    measured = in_process(contenders.plain_loop, paths, url)
            turns.vectors = described(home, PLAIN_ROWS if name == PLAIN else OUR_ROWS)
            if name != PLAIN:
                ((ledger_seconds,),) = rows(home, SECONDS)
            if len(turns.vectors) != len(paths):
                raise SystemExit(
                    f"{name} took in {len(turns.vectors)} of {len(paths)}; nothing was written. {states(home)}"
                )
    turn = Turn(
        measured.seconds,
        measured.stages,
        watch.seconds,
        watch.peak_all,
        dict(watch.peak_process_bytes),
        ledger_seconds,
    )
    turns.turns.append(turn)
    return turn


def in_process(function: Callable[..., Measured], *arguments: Any) -> Measured:
    """Run a contender in a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def states(home: Path) -> list[str]:
    """Return what became of items, for a run that did not go as it should."""
    return [" ".join(map(str, row)) for row in rows(home, STATES)]


def rows(home: Path, statement: str) -> list[tuple[Any, ...]]:
    """Return what a statement reads from the catalogue of a folder."""
    database = open_database(Settings(home=home))
    try:
        with database.session() as session:
            return [tuple(row) for row in session.execute(text(statement))]
    finally:
        database.close()


@contextmanager
def served(home: Path) -> Iterator[str]:
    """Have PostgreSQL and Redis running in a folder, with the catalogue's tables; yield the database's URL."""
    settings = Settings(home=home)
    open_database(settings).close()
    try:
        yield services.ensure(home).database_url
    finally:
        services.release(home)


def command(folder: Path, home: Path) -> Measured:
    """Take a folder in by the command line, as people do."""
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "stylesearch", "ingest", "folder", str(folder), "--collection", COLLECTION],
        env={**os.environ, f"{ENV_PREFIX}HOME": str(home)},
        check=True,
    )
    return Measured(time.monotonic() - began)


def described(home: Path, statement: str) -> dict[str, np.ndarray]:
    """Return the descriptors that a statement reads, by the pictures' names."""
    return {name: np.array(json.loads(vector)) for name, vector in rows(home, statement)}


if __name__ == "__main__":
    main()
