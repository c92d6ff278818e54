"""What the benchmark of ingestion makes of its measurements: rates beside what can be reached, and where the time goes."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from contenders import DECODE
from matplotlib.figure import Figure
from record import plain_figure, table, write
from turns import (
    BROKER,
    COMMAND,
    DATABASE,
    DECODING,
    DESCRIBING,
    EMBEDDING,
    FETCHING,
    FIRST,
    INDEX,
    INLINE,
    OURS,
    PLAIN,
    WHOLE,
    WORKERS,
    Turns,
)

from stylesearch.encoders.devices import usable_processors
from stylesearch.encoders.lite import WEIGHTS
from stylesearch.evaluation.plots import COLOURS

PROCESSES = (COMMAND, FETCHING, EMBEDDING, DATABASE, BROKER)
STAGES = (
    "discover", "fetch", "hash", "metadata", "decode", DECODE, "cut to squares", "keep", "spool", "describe", "write",
    "ledger", "rest", DATABASE, INDEX,
)  # fmt: skip
"""In the order in which they are shown."""

SLOWER = "slower of first stage and describing"
REACHABLE = "both, on the same processors"
LEAST_COSINE = 0.98
"""How alike the descriptors of one picture must be on average; Pillow reduces it in one step, and we in two."""

LEGIBLE = 0.04
"""Least share of a bar that a part must have to carry its number."""


def both(first: float, second: float) -> float:
    """Return the rate at which two stages that share the processors can go on, from the rate of each alone."""
    return 1 / (1 / first + 1 / second)


def bounds(measured: Mapping[str, Turns]) -> dict[str, list[float]]:
    """Return what the pipeline could reach at most, in each round."""
    rounds = list(zip(*(measured[name].rates for name in (DECODING, FIRST, DESCRIBING)), strict=True))
    return {
        SLOWER: [min(first, describing) for _, first, describing in rounds],
        "slower of decoding and describing": [
            min(decoding, describing) for decoding, _, describing in rounds
        ],
        REACHABLE: [both(first, describing) for _, first, describing in rounds],
        "both, of decoding and describing": [
            both(decoding, describing) for decoding, _, describing in rounds
        ],
    }


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def report(out: Path, measured: dict[str, Turns], paths: list[Path], limit: int | None) -> None:
    cosines = alike(measured)
    if not float(np.mean(cosines)) >= LEAST_COSINE:
        raise SystemExit(
            f"The contenders do not describe the same: a mean cosine of {np.mean(cosines):.4f}. Nothing was written."
        )
    sizes = [path.stat().st_size for path in paths]
    at_most = bounds(measured)
    values = {
        "pictures": len(paths),
        "bytes": sum(sizes),
        "pictures_a_second": {name: one.rates for name, one in measured.items()},
        "pictures_a_second_by_the_ledger": {name: measured[name].ledger_rate for name in OURS},
        "times_plain": {name: ratio(measured[name].rates, measured[PLAIN].rates) for name in OURS},
        "bounds": at_most,
        "share_of_bounds": {
            name: {bound: ratio(measured[name].rates, rates) for bound, rates in at_most.items()}
            for name in OURS
        },
        "processor_ms": {name: one.processor_milliseconds for name, one in measured.items()},
        "processor_ms_by_part": split(measured),
        "peak_megabytes": {name: one.peak_megabytes for name, one in measured.items()},
        "peak_process_megabytes": {name: one.peak_process_megabytes for name, one in measured.items()},
        "mean_cosine": float(np.mean(cosines)),
        "least_cosine": float(np.min(cosines)),
    }
    figures = {"rates": draw_rates(measured, at_most), "stages": draw_stages(measured)}
    write(
        out,
        "Speed of ingestion",
        sections(measured, values),
        values,
        figures,
        weights=WEIGHTS,
        limit=limit,
        limited="pictures",
    )


def sections(measured: Mapping[str, Turns], values: Mapping[str, Any]) -> list[str]:
    """Return the paragraphs and tables."""
    times, by_ledger = values["times_plain"], values["pictures_a_second_by_the_ledger"]
    about = (
        f"{values['pictures']:,} JPEGs of about two megapixels, {values['bytes'] / values['pictures'] / 1e6:.2f} MB on"
        f" average, read from memory; {usable_processors()} processors, medians of {len(measured[PLAIN].turns)} rounds in"
        " turns; ratios are taken within each round. `stylesearch ingest` is the command as it is given without options:"
        " the workers that it starts and stops are part of what is measured. Memory is that of all processes, with the"
        f" services; what they share counts for each. `stylesearch ingest` is {times[WORKERS]:.1f} times as fast as the"
        f" plain loop, with --inline {times[INLINE]:.1f} times. The plain loop keeps neither originals nor thumbnails. The"
        f" descriptors agree, with a mean cosine of {values['mean_cosine']:.4f}: Pillow reduces a picture in one step, we"
        " in two."
    )
    head = ("", "pictures a second", "lowest to highest", "processor ms a picture", "peak memory, MB")
    rows = [
        (
            name,
            f"{one.rate:.1f}",
            f"{min(one.rates):.1f} to {max(one.rates):.1f}",
            f"{one.processor_milliseconds:.1f}",
            f"{one.peak_megabytes:,.0f}",
        )
        for name, one in measured.items()
    ]
    explained = (
        "What the pipeline could reach at most, and how much of it that is. Both stages need the same processors, so both"
        " together are slower than the slower one, whatever is between them. The rest is what the ledger, the spool, the"
        " database, messages, and starting and stopping workers cost. From the run's opening to its end, without the"
        f" latter, it is {by_ledger[WORKERS]:.1f} pictures a second, with --inline {by_ledger[INLINE]:.1f}."
    )
    split_text = (
        "Where the processor time of a picture goes, in milliseconds; with workers, by process, and what starting these"
        " took too:"
    )
    shares = values["share_of_bounds"]
    compared = [
        (
            bound,
            f"{statistics.median(rates):.1f}",
            *(f"{100 * shares[name][bound]:.0f}%" for name in OURS),
        )
        for bound, rates in values["bounds"].items()
    ]
    return [
        about,
        table(head, rows),
        explained,
        table(("", "pictures a second", *OURS), compared),
        split_text,
        table(("", *WHOLE), split_rows(values["processor_ms_by_part"])),
    ]


def alike(measured: Mapping[str, Turns]) -> np.ndarray:
    """Return the cosine of each picture's descriptor with that of the plain loop."""
    ours, plain = measured[WORKERS].vectors, measured[PLAIN].vectors
    pairs = [(ours[name], plain[name]) for name in sorted(plain)]
    return np.array([a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) for a, b in pairs])


def split(measured: Mapping[str, Turns]) -> dict[str, dict[str, float]]:
    """Return milliseconds a picture by part, for each of the contenders that do all of the work."""
    by_process = measured[WORKERS].milliseconds("roles")
    found = {WORKERS: {name: by_process[name] for name in PROCESSES if name in by_process}}
    for name in (INLINE, PLAIN):
        stages = measured[name].milliseconds("stages")
        server = measured[name].milliseconds("roles").get(DATABASE, 0.0)
        stages[DATABASE] = max(0.0, server - stages[INDEX])
        found[name] = {stage: stages[stage] for stage in STAGES if stage in stages}
    return found


def draw_rates(measured: Mapping[str, Turns], at_most: Mapping[str, Sequence[float]]) -> Figure:
    bars = {name: one.rates for name, one in measured.items()}
    bars = {
        **{name: bars[name] for name in (DECODING, FIRST, DESCRIBING)},
        REACHABLE: at_most[REACHABLE],
        **bars,
    }
    figure, axes = plain_figure(8.0, 3.8)
    for row, (name, rates) in enumerate(bars.items()):
        middle = statistics.median(rates)
        hatched = {"hatch": "//", "edgecolor": "white"} if name == REACHABLE else {}
        axes.barh(row, middle, 0.6, color=COLOURS[0] if name in OURS else "#bbbbbb", **hatched)
        axes.plot(rates, [row] * len(rates), "|", color="black", markersize=9, alpha=0.5)
        axes.annotate(f"{middle:.1f}", (max(rates), row), (6, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(bars)), list(bars))
    axes.set_ylim(len(bars) - 0.5, -0.5)
    axes.set_xlim(0, 1.12 * max(max(rates) for rates in bars.values()))
    axes.set_xlabel("pictures a second; a mark for each round")
    return figure


def split_rows(parts: Mapping[str, Mapping[str, float]]) -> list[tuple[str, ...]]:
    """Return a line for each part and a column for each contender; one that has no such part has none of it."""
    names = dict.fromkeys(name for one in parts.values() for name in one)
    rows = [(name, *(f"{one[name]:.2f}" if name in one else "" for one in parts.values())) for name in names]
    return [*rows, ("all", *(f"{sum(one.values()):.2f}" for one in parts.values()))]


def draw_stages(measured: Mapping[str, Turns]) -> Figure:
    parts = split(measured)
    figure, axes = plain_figure(9.0, 4.6)
    names = list(dict.fromkeys(name for one in parts.values() for name in one))
    shades = dict(zip(names, mpl.colormaps["tab20"].colors, strict=False))
    for row, one in enumerate(parts.values()):
        start = 0.0
        for name, milliseconds in one.items():
            axes.barh(
                row, milliseconds, 0.6, left=start, color=shades[name], edgecolor="white", linewidth=0.5
            )
            if milliseconds > LEGIBLE * sum(one.values()):
                middle = start + milliseconds / 2
                axes.annotate(f"{milliseconds:.1f}", (middle, row), ha="center", va="center", fontsize=8)
            start += milliseconds
    axes.set_yticks(range(len(parts)), list(parts))
    axes.set_ylim(len(parts) - 0.5, -0.5)
    axes.set_xlabel("milliseconds of processor a picture")
    handles = [mpl.patches.Patch(color=shades[name], label=name) for name in names]
    figure.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    return figure
