"""How fast does a search find the right works, with filters and without, beside others?

    python benchmarks/search.py --work FOLDER [--rows 100000 1000000] [--only NAME ...]

FOLDER keeps the made gallery (see hard_gallery.py), every contender's files, and what was measured; it takes about 15 GB at a
million rows. Each contender is measured in a process of its own, one at a time, one question at a time, and what has been
measured is not measured again: stopped, it goes on where it was when the command is given again. --anew NAME forgets one's
figures. A contender that is not installed, or that does not serve, is named and left out.

Last, our whole query and the bare statement answer the same questions in turn, so that both meet the same machine.

For each filter a contender's settings are tried from the quickest on until it finds 99 %, or there are no more. Of those that
reach a recall, the quickest counts. --report writes the table and the plots to benchmarks/results/search.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from hard_gallery import FILTERS, Hard, make
from matplotlib.figure import Figure
from record import RESULTS, plain_figure, table, write
from searchers import Searcher, Setting
from searchers_peers import Faiss, Hnswlib, LanceDb, MilvusLite, QdrantLocal
from searchers_postgres import Bare, IterativeTutorial, Ours, OursBinary, OursExact, Tutorial

from stylesearch.evaluation.plots import COLOURS

NAME = "search"
TARGETS = (0.95, 0.99)
WARMING_SECONDS, LONGEST_SECONDS = 5.0, 30.0
OURS, BARE, TUTORIAL = Ours.name, Bare.name, Tutorial.name
CONTENDERS: tuple[type[Searcher], ...] = (
    Ours, OursBinary, OursExact, Bare, Tutorial, IterativeTutorial, LanceDb, MilvusLite, QdrantLocal, Hnswlib, Faiss,
)  # fmt: skip
IN_PROCESS = (Hnswlib.name, Faiss.name)
IN_TURN, WIDTHS, ROUNDS = "in turn", (200, 40, 80, 160, 320, 640), 3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for what is made and measured")
    parser.add_argument("--out", type=Path, default=RESULTS / NAME)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--only", nargs="+", default=[], help="contenders, by name")
    parser.add_argument("--anew", nargs="+", default=[], help="contenders whose figures are forgotten first")
    parser.add_argument("--report", action="store_true", help="only write what has been measured")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        if options.one == IN_TURN:
            measure_in_turn(options.work, options.rows[0], options.queries)
        else:
            measure(options.work, options.rows[0], options.queries, _named(options.one))
        return
    for rows in [] if options.report else options.rows:
        make(options.work / str(rows), rows, options.queries)
        for name in (*(one.name for one in CONTENDERS), IN_TURN):
            if options.only and name not in options.only:
                continue
            path = _path(options.work, rows, name)
            if name in options.anew:
                path.unlink(missing_ok=True)
            command = [sys.executable, __file__, "--work", options.work, "--rows", rows, "--queries", options.queries, "--one", name]  # fmt: skip
            subprocess.run([str(part) for part in command], check=False)
    report(options.out, options.work, options.rows, options.queries)


def _named(name: str) -> type[Searcher]:
    return next(one for one in CONTENDERS if one.name == name)


def _path(work: Path, rows: int, name: str) -> Path:
    return work / str(rows) / f"measured-{name.replace(' ', '-')}.json"


def measure(work: Path, rows: int, queries: int, contender: type[Searcher]) -> None:
    """Measure one contender, and keep each figure as it comes."""
    path = _path(work, rows, contender.name)
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"filters": {}}
    if "left_out" in kept or kept.get("done"):
        return
    hard = make(work / str(rows), rows, queries)
    searcher = None
    try:
        searcher = contender(work / str(rows), hard)
        built = searcher.build()
        if built.seconds:
            kept["built"] = asdict(built)
            path.write_text(json.dumps(kept, indent=1))
        searcher.warm()
        for name, bound in FILTERS.items():
            for setting in searcher.settings:
                told = kept["filters"].setdefault(name, [])
                if any(one["setting"] == setting for one in told):
                    continue
                # The usual setting is always measured; further ones, until enough is found.
                if len(told) > 1 and max(one["recall"] for one in told) >= TARGETS[-1] and name != "none":
                    break
                print(f"{rows:,} {contender.name}, filter {name}, {setting}", flush=True)
                told.append({"setting": setting, **_measured(searcher, hard, name, bound, setting)})
                path.write_text(json.dumps(kept, indent=1))
        kept["done"] = True
    except (ImportError, LookupError) as error:
        if not any(kept["filters"].values()):
            kept["left_out"] = str(error)
        else:
            kept["done"] = True
        print(f"{contender.name}: {error}")
    finally:
        path.write_text(json.dumps(kept, indent=1))
        if searcher is not None:
            searcher.close()


def measure_in_turn(work: Path, rows: int, queries: int) -> None:
    """Have our whole query and the bare statement answer each question one after the other."""
    path = _path(work, rows, IN_TURN)
    if path.exists():
        return
    hard = make(work / str(rows), rows, queries)
    everything = FILTERS["none"]
    searchers = [_named(name)(work / str(rows), hard) for name in (OURS, BARE)]
    told = []
    try:
        for searcher in searchers:
            searcher.warm()
        for width in WIDTHS:
            print(f"{rows:,} {IN_TURN}, {width}", flush=True)
            asks = [
                searchers[0].ready({"search_ef": width}, everything),
                searchers[1].ready({"ef": width}, everything),
            ]
            seconds: list[list[float]] = [[], []]
            for round_ in range(1 + ROUNDS):
                found = []
                for vector in hard.queries:
                    for ask, taken in zip(asks, seconds, strict=True):
                        start = time.perf_counter()
                        answer = ask(vector)
                        if round_:  # the first one warms
                            taken.append(time.perf_counter() - start)
                        if ask is asks[0]:
                            found.append(answer)
            ours, bare = (1000 * float(np.median(taken)) for taken in seconds)
            told.append({"ef": width, "recall": hard.recall("none", found), "ours_ms": ours, "bare_ms": bare})
        path.write_text(json.dumps(told, indent=1))
    finally:
        for searcher in searchers:
            searcher.close()


def _measured(searcher: Searcher, hard: Hard, name: str, bound: int, setting: Setting) -> dict[str, Any]:
    """Ask all questions one after the other, or as many as there is time for."""
    ask = searcher.ready(setting, bound)
    began = time.perf_counter()
    for vector in hard.queries:  # a server's process has to meet the memory that it shares first
        ask(vector)
        if time.perf_counter() - began > WARMING_SECONDS:
            break
    found, seconds = [], []
    began = time.perf_counter()
    for vector in hard.queries:
        start = time.perf_counter()
        found.append(ask(vector))
        seconds.append(time.perf_counter() - start)
        if time.perf_counter() - began > LONGEST_SECONDS:
            break
    p50, p95 = np.percentile(seconds, [50, 95])
    return {
        "recall": hard.recall(name, found),
        "p50_ms": 1000 * float(p50),
        "p95_ms": 1000 * float(p95),
        "queries_per_second": len(seconds) / float(np.sum(seconds)),
        "questions": len(seconds),
        "bad": sum(any(hard.codes[row] >= bound for row in rows) for rows in found),
    }


def best(told: Sequence[dict[str, Any]], recall: float) -> dict[str, Any] | None:
    """Return the quickest of what reaches a recall."""
    return min((one for one in told if one["recall"] >= recall), key=lambda one: one["p50_ms"], default=None)


def report(out: Path, work: Path, sizes: Sequence[int], queries: int) -> None:
    figures: dict[int, dict[str, Any]] = {}
    for rows in sizes:
        figures[rows] = {
            one.name: json.loads(_path(work, rows, one.name).read_text())
            for one in CONTENDERS
            if _path(work, rows, one.name).exists()
        }
    turns = {
        rows: json.loads(_path(work, rows, IN_TURN).read_text())
        for rows in sizes
        if _path(work, rows, IN_TURN).exists()
    }
    sections = []
    for rows, known in figures.items():
        sections += [*_of_size(rows, known, queries), *_in_turn(turns.get(rows, []))]
    sections.append(_growth(figures))
    values = {
        "queries": queries,
        "sizes": {str(rows): known for rows, known in figures.items()},
        "in_turn": {str(rows): told for rows, told in turns.items()},
    }
    plots = {
        f"{rows}-{what}": draw
        for rows, known in figures.items()
        for what, draw in (
            ("recall", _draw_recall(known)),
            ("filters", _draw_filters(known)),
            ("size", _draw_size(known)),
        )
    }
    write(out, "Searching", [one for one in sections if one], values, plots)


def _of_size(rows: int, known: dict[str, Any], queries: int) -> list[str]:
    present = {name: one for name, one in known.items() if "left_out" not in one}
    absent = [f"{name} ({one['left_out']})" for name, one in known.items() if "left_out" in one]
    cells = []
    for name, one in present.items():
        line = [name + ("*" if name in IN_PROCESS else "")]
        for filtered in FILTERS:
            told = one["filters"].get(filtered, [])
            quick = best(told, TARGETS[-1])
            most = max(told, key=lambda each: each["recall"], default=None)
            line.append(
                f"{quick['p50_ms']:.2f}"
                if quick
                else f"({most['p50_ms']:.2f} at {most['recall']:.3f})"
                if most
                else ""
            )
        cells.append(tuple(line))
    usual = []
    for name, one in present.items():
        for filtered in FILTERS:
            told = one["filters"].get(filtered, [])
            if told and name in (OURS, TUTORIAL):
                first = told[0]
                usual.append((f"{name}, {filtered}", f"{first['recall']:.3f}", f"{first['p50_ms']:.2f}", f"{first['p95_ms']:.2f}", f"{first['queries_per_second']:.0f}"))  # fmt: skip
    free = []
    for name, one in present.items():
        for target in TARGETS:
            found = best(one["filters"].get("none", []), target)
            if found:
                free.append((f"{name}, recall ≥ {target}", f"{found['recall']:.3f}", f"{found['p50_ms']:.2f}", f"{found['p95_ms']:.2f}", f"{found['queries_per_second']:.0f}"))  # fmt: skip
    built = [
        (
            f"{name}, {step}",
            f"{seconds:.0f}",
            f"{rows / seconds:,.0f}",
            f"{one['built']['disk_bytes'].get(step, one['built']['disk_bytes'].get('all', 0)) / 1e6:,.0f}",
            f"{one['built']['peak_bytes'] / 1e6:,.0f}",
        )
        for name, one in present.items()
        if one.get("built")
        for step, seconds in one["built"]["seconds"].items()
    ]
    head = ("", "recall", "p50, ms", "p95, ms", "queries a second")
    return [
        f"**{rows:,} descriptors of 768 numbers, {queries} questions, one client.** p50 in milliseconds at a recall of at"
        " least 0.99 of the ten nearest, by the share of the gallery that a filter lets through; in parentheses the most"
        " that was reached." + (f" Left out: {'; '.join(absent)}." if absent else ""),
        table(("", *FILTERS), cells),
        "\\* in the process that asks, filtering in Python or by a bitmap that is made there: the floor, not a service.",
        "As they come, with no setting changed:",
        table(head, usual),
        "Without a filter:",
        table(head, free),
        "Taking in and indexing:",
        table(("", "seconds", "rows a second", "MB on disk", "most memory, MB"), built),
    ]


def _in_turn(told: Sequence[dict[str, Any]]) -> list[str]:
    if not told:
        return []
    lines = [
        (
            str(one["ef"]),
            f"{one['recall']:.3f}",
            f"{one['ours_ms']:.2f}",
            f"{one['bare_ms']:.2f}",
            f"{one['ours_ms'] / one['bare_ms']:.2f}",
        )
        for one in told
    ]
    head = ("hnsw.ef_search", "recall", "stylesearch, p50, ms", "bare statement, p50, ms", "times")
    return [
        "A whole query and the bare statement, question by question in turn, without a filter; 200 is what is used by default:",
        table(head, lines),
    ]


def _growth(figures: dict[int, dict[str, Any]]) -> str:
    sizes = sorted(figures)
    if len(sizes) < 2:
        return ""
    lines = []
    for name in figures[sizes[-1]]:
        found = [
            best(figures[rows].get(name, {}).get("filters", {}).get("none", []), TARGETS[0]) for rows in sizes
        ]
        if all(found):
            first, last = found[0], found[-1]
            lines.append((name, *(f"{one['p50_ms']:.2f}" for one in found if one), f"{last['p50_ms'] / first['p50_ms']:.2f}"))  # type: ignore[index]  # fmt: skip
    head = ("p50, ms, at recall ≥ 0.95", *(f"{rows:,}" for rows in sizes), "times")
    return f"From one size to the next, without a filter:\n\n{table(head, lines)}"


def _style(number: int) -> dict[str, Any]:
    """Return how a contender is drawn: where the colours begin again, by dashes and squares."""
    again = number >= len(COLOURS)
    return {
        "color": COLOURS[number % len(COLOURS)],
        "linestyle": "--" if again else "-",
        "marker": "s" if again else "o",
        "markersize": 4,
        "linewidth": 1,
    }


def _with_names(figure: Figure) -> Figure:
    """Name the contenders beside the plot: there are too many for a place within."""
    figure.axes[0].legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _draw_recall(known: dict[str, Any]) -> Figure:
    figure, axes = plain_figure(8.0, 4.5)
    for number, (name, one) in enumerate(known.items()):
        told = sorted(one["filters"].get("none", []), key=lambda each: each["p50_ms"])
        if told:
            axes.plot(
                [each["recall"] for each in told],
                [each["p50_ms"] for each in told],
                label=name,
                **_style(number),
            )
    axes.set_yscale("log")
    axes.set_xlim(0.8, 1.002)
    axes.set_xlabel("recall of the ten nearest, without a filter")
    axes.set_ylabel("p50, ms")
    return _with_names(figure)


def _draw_filters(known: dict[str, Any]) -> Figure:
    figure, axes = plain_figure(8.0, 4.5)
    for number, (name, one) in enumerate(known.items()):
        found = [best(one["filters"].get(filtered, []), TARGETS[-1]) for filtered in FILTERS]
        # A gap where it was not reached.
        times = [each["p50_ms"] if each else np.nan for each in found]
        axes.plot(range(len(FILTERS)), times, label=name, **_style(number))
    axes.set_yscale("log")
    axes.set_xticks(range(len(FILTERS)), FILTERS)
    axes.set_xlabel("share of the gallery that a filter lets through")
    axes.set_ylabel("p50, ms, at a recall of 0.99 or more")
    return _with_names(figure)


def _draw_size(known: dict[str, Any]) -> Figure:
    figure, axes = plain_figure(8.0, 4.5)
    for number, (name, one) in enumerate(known.items()):
        found, size = best(one.get("filters", {}).get("none", []), TARGETS[-1]), _searched_bytes(name, known)
        if found and size:
            axes.plot([size / 1e6], [found["p50_ms"]], label=name, **_style(number) | {"linestyle": ""})
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("MB on disk that are searched: descriptors and index")
    axes.set_ylabel("p50, ms, at a recall of 0.99 or more, without a filter")
    return _with_names(figure)


def _searched_bytes(name: str, known: dict[str, Any]) -> int:
    """Return how large what a contender searches in is; ours has several ways through one gallery."""
    searched = {
        OURS: ("descriptors", "index"),
        BARE: ("descriptors", "index"),
        "stylesearch binary": ("descriptors", "binary index"),
        "stylesearch exact": ("descriptors",),
    }
    owner = OURS if name in searched else TUTORIAL if name.startswith(TUTORIAL) else name
    sizes: dict[str, int] = (known.get(owner, {}).get("built") or {}).get("disk_bytes", {})
    return sum(sizes.get(step, 0) for step in searched.get(name, sizes))


if __name__ == "__main__":
    main()
