"""What does it cost to split a gallery over two servers, and what becomes of searches when one of them is killed?

    python benchmarks/search_shards.py --work FOLDER [--rows 1000000]

FOLDER is that of search.py, where stylesearch's gallery of this size was measured before; a copy of its database is split over
two more PostgreSQL servers on the same machine. The same questions are asked of one server and of the shards: exact answers
must be the same, and those through the index are compared with the right ones. Then one server is killed while questions
are asked, and started again. The table is written to benchmarks/results/search_shards.
"""

import argparse
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from hard_gallery import CODES, FILTERS, Hard, make
from record import RESULTS, table, write
from searchers_postgres import Ours
from sqlalchemy import text

from stylesearch.catalog import encoders, shards, splitting
from stylesearch.catalog.database import Database, sqlalchemy_url
from stylesearch.catalog.schema import migrate
from stylesearch.errors import ServiceError
from stylesearch.local import services
from stylesearch.search.examples import DescriptorExample
from stylesearch.search.query import StyleQuery

NAME = "search_shards"
SHARDS = ("one", "two")
ASKED = ("none", "50 %", "10 %", "1 %", "0.01 %")
EXACT = 20
"""Questions that are answered exactly."""

OUTAGE_SECONDS = 6.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="folder of search.py")
    parser.add_argument("--out", type=Path, default=RESULTS / NAME)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=200)
    options = parser.parse_args()
    folder = options.work / str(options.rows)
    hard = make(folder, options.rows, options.queries)
    one = Ours(folder, hard)
    homes = {name: folder / "shards" / name for name in SHARDS}
    try:
        one.warm()
        single = {name: _asked(one, hard, name, "auto") for name in ASKED}
        exact = {name: _exact(one, hard, name) for name in ASKED}
        several, took = _split(one, homes, hard)
        parted = {name: _asked(several, hard, name, "auto") for name in ASKED}
        equal = {name: _exact(several, hard, name) == exact[name] for name in ASKED}
        outage = _outage(several, hard, homes["two"])
    finally:
        for home in homes.values():
            services.stop(home)
        one.close()
    lines = [
        (
            name,
            *(
                f"{single[name][key]:.{digits}f}"
                for key, digits in (("recall", 3), ("p50_ms", 2), ("p95_ms", 2))
            ),
            *(
                f"{parted[name][key]:.{digits}f}"
                for key, digits in (("recall", 3), ("p50_ms", 2), ("p95_ms", 2))
            ),
            "yes" if equal[name] else "no",
        )
        for name in ASKED
    ]
    head = ("filter", "recall, one server", "p50, ms", "p95, ms", "recall, two shards", "p50, ms", "p95, ms", "exact answers equal")  # fmt: skip
    told = (
        f"One of the two was killed while questions were asked, and started again after {OUTAGE_SECONDS:.0f} s:"
        f" {outage['whole_before']} whole answers before, {outage['partial']} partial ones that said so,"
        f" {outage['wrong']} wrong or failed, whole again {outage['back_seconds']:.1f} s after the server was; nothing else was"
        " restarted."
    )
    about = (
        f"{options.rows:,} descriptors of 768 numbers, half on each of two servers of one machine, {options.queries} questions,"
        f" ten works each with artist and licence. Moving them and building their indexes took {took:.0f} s."
    )
    write(
        options.out,
        "Two shards",
        [about, table(head, lines), told],
        {"single": single, "parted": parted, "equal": equal, "outage": outage, "split_seconds": took},
        {},
    )


def _asked(searcher: Ours, hard: Hard, name: str, mode: str) -> dict[str, float]:
    searcher.mode = mode
    ask = searcher.ready({}, FILTERS[name])
    for vector in hard.queries:  # a server's process has to meet the memory that it shares first
        ask(vector)
    found, seconds = [], []
    for vector in hard.queries:
        began = time.perf_counter()
        found.append(ask(vector))
        seconds.append(time.perf_counter() - began)
    p50, p95 = np.percentile(seconds, [50, 95])
    return {"recall": hard.recall(name, found), "p50_ms": 1000 * float(p50), "p95_ms": 1000 * float(p95)}


def _exact(searcher: Ours, hard: Hard, name: str) -> list[list[int]]:
    searcher.mode = "exact"
    ask = searcher.ready({}, FILTERS[name])
    return [ask(vector) for vector in hard.queries[:EXACT]]


def _split(one: Ours, homes: dict[str, Path], hard: Hard) -> tuple[Ours, float]:
    """Split a copy of a gallery; return what searches in it, and how many seconds that took."""
    one.database.close()
    if one._open is not None:
        one._open.close()
        one._open = None
    plain = Database(sqlalchemy_url(one.url).set(database="postgres"))
    with plain.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DROP DATABASE IF EXISTS parted"))
        connection.execute(text("CREATE DATABASE parted TEMPLATE stylesearch"))
    plain.close()
    several = Ours(one.home.parent, hard)
    several.url = sqlalchemy_url(one.url).set(database="parted", drivername="postgresql").render_as_string(hide_password=False)  # fmt: skip
    several.database = Database(sqlalchemy_url(several.url))
    migrate(several.database.engine)  # it may have been made by an older version
    for name, home in homes.items():
        shutil.rmtree(home, ignore_errors=True)
        shards.add(several.database, name, services.ensure(home).database_url, ef=200)
    with several.database.session() as session:
        row = encoders.active(session, "hard")
        session.expunge(row)
    began = time.monotonic()
    splitting.split(several.database, row)
    return several, time.monotonic() - began


def _outage(searcher: Ours, hard: Hard, home: Path) -> dict[str, Any]:
    """Kill a shard while questions are asked; return what answers came."""
    search = searcher.service()
    times = {"killed": 0.0, "back": 0.0}

    def fail() -> None:
        time.sleep(2)
        postmaster = int((home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
        times["killed"] = time.monotonic()
        for process in [psutil.Process(postmaster), *psutil.Process(postmaster).children()]:
            with suppress(psutil.NoSuchProcess):  # some end with the first
                process.kill()
        services.stop(home)
        services.release(home)
        time.sleep(OUTAGE_SECONDS)
        services.ensure(home)
        times["back"] = time.monotonic()

    thread = threading.Thread(target=fail)
    thread.start()
    counts = {"whole_before": 0, "partial": 0, "wrong": 0}
    whole_again = 0.0
    for number in range(10**9):
        vector = hard.queries[number % len(hard.queries)]
        query = StyleQuery(examples=(DescriptorExample(tuple(vector.astype(np.float32).tolist())),), k=10)
        try:
            ranking = search.search(query).ranking
        except ServiceError:
            counts["wrong"] += 1
            continue
        if not times["killed"]:
            counts["whole_before"] += ranking.complete
        elif not ranking.complete:
            counts["partial"] += ranking.reason == "shard_down"
        elif times["back"]:
            whole_again = time.monotonic()
            break
    thread.join()
    return counts | {"back_seconds": whole_again - times["back"], "filters": CODES}


if __name__ == "__main__":
    main()
