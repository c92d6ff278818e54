"""Which settings of the index are worth what they cost: how it is built, and how wide it is searched.

    python benchmarks/hnsw_settings.py --work FOLDER [--rows 100000]

FOLDER is that of search.py, whose made gallery is used. An index is built with each pair of settings in turn, and searched
through one bare statement at several widths. The table and the plot are written to benchmarks/results/hnsw_settings.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hard_gallery import BLOCK, DIM, Hard, K, make
from matplotlib.figure import Figure
from pgvector import HalfVector
from record import RESULTS, plain_figure, table, write
from searchers import Built
from searchers_postgres import OnPostgres
from tqdm import tqdm

from stylesearch.catalog import hnsw
from stylesearch.evaluation.plots import COLOURS

NAME = "hnsw_settings"
BUILT = ((8, 64), (16, 64), (16, 128), (16, 256), (24, 128), (32, 128))
"""``m`` and ``ef_construction``."""

SEARCHED = (40, 80, 120, 200, 320, 480)
OURS = (hnsw.HNSW_M, hnsw.HNSW_EF_CONSTRUCTION)


class Trial(OnPostgres):
    """A table of descriptors and nothing else, whose index is built again and again."""

    name = "settings"
    read = ()

    def build(self) -> Built:
        """Take the gallery in, without an index."""
        if self.value("SELECT to_regclass('trial')") is not None:
            return Built()
        with self.connection.transaction():
            self.connection.execute(f"CREATE TABLE trial (id bigint PRIMARY KEY, vector halfvec({DIM}))")
            with self.connection.cursor().copy("COPY trial FROM STDIN WITH (FORMAT BINARY)") as copy:
                copy.set_types(["int8", "halfvec"])
                for start in range(0, len(self.hard.codes), BLOCK):
                    for number, vector in enumerate(
                        np.array(self.hard.vectors[start : start + BLOCK]), start
                    ):
                        copy.write_row((number, HalfVector(vector)))
        return Built()

    def build_index(self, m: int, ef_construction: int) -> dict[str, float]:
        """Build the index anew; return the seconds it took and its size in bytes."""
        self.connection.execute("DROP INDEX IF EXISTS trial_hnsw")
        self.connection.execute("SET maintenance_work_mem = '2GB'")
        began = time.monotonic()
        self.connection.execute(
            "CREATE INDEX trial_hnsw ON trial USING hnsw (vector halfvec_cosine_ops)"
            f" WITH (m = {m}, ef_construction = {ef_construction})"
        )
        seconds = time.monotonic() - began
        self.connection.execute("ANALYZE trial")
        return {"seconds": seconds, "bytes": float(self.value("SELECT pg_relation_size('trial_hnsw')"))}

    def ready(self, setting: dict[str, Any], bound: int) -> Any:  # noqa: ARG002
        self.connection.execute(f"SET hnsw.ef_search = {setting['ef']}")
        statement = f"SELECT id FROM trial ORDER BY vector <=> %s LIMIT {K}"

        def ask(vector: Any) -> list[int]:
            rows = self.connection.execute(statement, (HalfVector(vector),), prepare=True).fetchall()
            return [row[0] for row in rows]

        return ask


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="folder of search.py")
    parser.add_argument("--out", type=Path, default=RESULTS / NAME)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=200)
    options = parser.parse_args()
    folder = options.work / str(options.rows)
    hard = make(folder, options.rows, options.queries)
    trial = Trial(folder, hard)
    measured = []
    try:
        trial.build()
        for m, ef_construction in tqdm(BUILT, unit="index"):
            built = trial.build_index(m, ef_construction)
            searched = [_asked(trial, hard, ef) for ef in SEARCHED]
            measured.append({"m": m, "ef_construction": ef_construction, **built, "searched": searched})
    finally:
        trial.close()
    head = ("m, ef_construction", "rows a second", "MB", *(f"ef {ef}: recall, p50 ms" for ef in SEARCHED))
    about = (
        f"{options.rows:,} descriptors of 768 numbers in half precision, {options.queries} questions through one bare statement,"
        f" without a filter. What is in use: m = {OURS[0]}, ef_construction = {OURS[1]}."
    )
    write(
        options.out,
        "Settings of the index",
        [about, table(head, [_line(one, options.rows) for one in measured])],
        {"rows": options.rows, "measured": measured},
        {"recall": _draw(measured)},
    )


def _asked(trial: Trial, hard: Hard, ef: int) -> dict[str, float]:
    ask = trial.ready({"ef": ef}, 0)
    for vector in hard.queries[:20]:
        ask(vector)
    found, seconds = [], []
    for vector in hard.queries:
        began = time.perf_counter()
        found.append(ask(vector))
        seconds.append(time.perf_counter() - began)
    return {"ef": ef, "recall": hard.recall("none", found), "p50_ms": 1000 * float(np.median(seconds))}


def _line(one: dict[str, Any], rows: int) -> tuple[str, ...]:
    return (
        f"{one['m']}, {one['ef_construction']}",
        f"{rows / one['seconds']:,.0f}",
        f"{one['bytes'] / 1e6:,.0f}",
        *(f"{each['recall']:.3f}, {each['p50_ms']:.2f}" for each in one["searched"]),
    )


def _draw(measured: Sequence[dict[str, Any]]) -> Figure:
    figure, axes = plain_figure(7.0, 4.5)
    for number, one in enumerate(measured):
        pair = (one["m"], one["ef_construction"])
        axes.plot([each["recall"] for each in one["searched"]], [each["p50_ms"] for each in one["searched"]], "o-",
                  label=f"m {pair[0]}, ef_construction {pair[1]}" + (" (in use)" if pair == OURS else ""),
                  color=COLOURS[number % len(COLOURS)], markersize=3, linewidth=2 if pair == OURS else 1)  # fmt: skip
    axes.set_yscale("log")
    axes.set_xlabel("recall of the ten nearest")
    axes.set_ylabel("p50, ms")
    axes.legend(fontsize=7, frameon=False)
    return figure


if __name__ == "__main__":
    main()
