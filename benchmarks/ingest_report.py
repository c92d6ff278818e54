"""What the benchmark of ingestion makes of its measurements: rates beside what can be reached, and where the time goes."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from record import plain_figure, table, write
from stopwatches import OTHERS

from stylesearch.encoders.devices import usable_processors
from stylesearch.encoders.lite import WEIGHTS
from stylesearch.evaluation.plots import COLOURS

DECODING, FIRST, DESCRIBING = "decode alone", "first stage alone", "describe alone"
WORKERS, INLINE, PLAIN = "ingest", "ingest --inline", "plain loop"
CONTENDERS = (DECODING, FIRST, DESCRIBING, WORKERS, INLINE, PLAIN)
WHOLE = (WORKERS, INLINE, PLAIN)
"""Those that do all of the work."""

DATABASE, BROKER = "PostgreSQL", "Valkey"
FETCHING, EMBEDDING, COMMAND = "workers that decode", "worker that describes", "command"
INDEX = "index"
REACHABLE = "first stage and describing on the same processors"
LEAST_COSINE = 0.98
"""How alike the descriptors of one picture must be on average; Pillow reduces it in one step, and we in two."""

LEGIBLE = 0.04
"""Least share of a bar that a part must have to carry its number."""


@dataclass
class Turn:
    """What was measured of a contender in one round.

    Attributes
    ----------
    seconds:
        By the clock on the wall.
    stages, roles:
        Processor seconds by stage, and by process.
    peak_bytes:
        Most memory of all its processes at a time, the services' too; what they share counts for each.
    peak_process_bytes:
        Most memory of one process, by role.
    """

    seconds: float
    stages: dict[str, float]
    roles: dict[str, float]
    peak_bytes: int
    peak_process_bytes: dict[str, int]

    @property
    def processor_seconds(self) -> float:
        """Processor time of all processes; where stages were clocked, without what starting them took."""
        if not self.stages:
            return sum(self.roles.values())
        return sum(clocked(self.stages).values()) + self.roles.get(DATABASE, 0.0)


@dataclass
class Turns:
    """All rounds of a contender, and the descriptors that it left by the pictures' names."""

    number: int
    turns: list[Turn] = field(default_factory=list)
    vectors: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def rates(self) -> list[float]:
        """Pictures a second in each round."""
        return [self.number / turn.seconds for turn in self.turns]

    @property
    def rate(self) -> float:
        """The median."""
        return statistics.median(self.rates)

    def milliseconds(self, of: str) -> dict[str, float]:
        """Return processor time a picture, the median over rounds: by ``stages`` or by ``roles``."""
        parts = [getattr(turn, of) for turn in self.turns]
        names = dict.fromkeys(name for part in parts for name in part)
        return {
            name: 1000 * statistics.median(part.get(name, 0.0) for part in parts) / self.number
            for name in names
        }

    @property
    def processor_milliseconds(self) -> float:
        """Processor time a picture, of all processes; the median."""
        return 1000 * statistics.median(turn.processor_seconds for turn in self.turns) / self.number

    @property
    def peak_megabytes(self) -> float:
        """Most memory of all processes at a time, in any round."""
        return max(turn.peak_bytes for turn in self.turns) / 1e6


def clocked(stages: Mapping[str, float]) -> dict[str, float]:
    """Return the stages that a clock in the process itself was on; the index is built by the database's."""
    return {name: seconds for name, seconds in stages.items() if name != INDEX}


def both(first: float, second: float) -> float:
    """Return the rate at which two stages that share the processors can go on, from the rate of each alone."""
    return 1 / (1 / first + 1 / second)


def report(out: Path, measured: dict[str, Turns], paths: list[Path], limit: int | None) -> None:
    cosines = alike(measured)
    if not float(np.mean(cosines)) >= LEAST_COSINE:
        raise SystemExit(
            f"The contenders do not describe the same: a mean cosine of {np.mean(cosines):.4f}. Nothing was written."
        )
    rates = {name: one.rate for name, one in measured.items()}
    bounds = {
        "slower of first stage and describing": min(rates[FIRST], rates[DESCRIBING]),
        "slower of decoding and describing": min(rates[DECODING], rates[DESCRIBING]),
        REACHABLE: both(rates[FIRST], rates[DESCRIBING]),
        "decoding and describing on the same processors": both(rates[DECODING], rates[DESCRIBING]),
    }
    shares = {
        ours: {name: rates[ours] / bound for name, bound in bounds.items()} for ours in (WORKERS, INLINE)
    }
    times_plain = {ours: rates[ours] / rates[PLAIN] for ours in (WORKERS, INLINE)}
    sizes = [path.stat().st_size for path in paths]
    about = (
        f"{len(paths)} JPEGs of about two megapixels, {statistics.mean(sizes) / 1e6:.2f} MB on average, read from memory;"
        f" {usable_processors()} processors, {len(measured[WORKERS].turns)} rounds in turns, medians. `stylesearch ingest`"
        " is the command as it is given without options: it starts two workers, which it also stops, and all of that"
        " counts. Memory is that of all processes with the services, what they share counted for each."
        f" Ours is {times_plain[WORKERS]:.1f} times as fast as the plain loop, with --inline {times_plain[INLINE]:.1f} times;"
        f" the descriptors agree, with a mean cosine of {np.mean(cosines):.4f} (Pillow reduces a picture in one step, we in"
        " two)."
    )
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
    head = ("", "pictures a second", "lowest to highest", "processor ms a picture", "peak memory, MB")
    compared = [
        (name, f"{bound:.1f}", *(f"{100 * shares[ours][name]:.0f}%" for ours in (WORKERS, INLINE)))
        for name, bound in bounds.items()
    ]
    explained = (
        "What the pipeline could reach at most, and how much of it it does. The two stages need the same processors, so"
        " that both together are slower than the slower one; the rest is what ledger, spool, messages, database and"
        " starting cost."
    )
    sections = [
        about,
        table(head, rows),
        explained,
        table(("", "pictures a second", "of it: ingest", "of it: --inline"), compared),
        "Where the processor time of a picture goes, in milliseconds:",
        table(("", *WHOLE), split_rows(split(measured))),
    ]
    write(
        out,
        "Speed of ingestion",
        sections,
        values(measured, bounds, shares, times_plain, cosines, sizes),
        {"rates": draw_rates(measured, bounds), "stages": draw_stages(measured)},
        weights=WEIGHTS,
        limit=limit,
        limited="pictures",
    )


def alike(measured: Mapping[str, Turns]) -> np.ndarray:
    """Return the cosine of each picture's descriptor with that of the plain loop."""
    ours, plain = measured[WORKERS].vectors, measured[PLAIN].vectors
    pairs = [(ours[name], plain[name]) for name in sorted(plain)]
    return np.array([a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) for a, b in pairs])


def split(measured: Mapping[str, Turns]) -> dict[str, dict[str, float]]:
    """Return milliseconds a picture by part, for each of the contenders that do all of the work."""
    found = {WORKERS: measured[WORKERS].milliseconds("roles")}
    for name in (INLINE, PLAIN):
        stages = measured[name].milliseconds("stages")
        server = measured[name].milliseconds("roles").get(DATABASE, 0.0)
        found[name] = {**stages, DATABASE: max(0.0, server - stages[INDEX])}
    found[WORKERS].pop(OTHERS, None)
    return found


def values(
    measured: Mapping[str, Turns],
    bounds: Mapping[str, float],
    shares: Mapping[str, Mapping[str, float]],
    times_plain: Mapping[str, float],
    cosines: np.ndarray,
    sizes: Sequence[int],
) -> dict[str, Any]:
    return {
        "pictures": len(sizes),
        "bytes": sum(sizes),
        "pictures_a_second": {name: one.rates for name, one in measured.items()},
        "bounds": dict(bounds),
        "share_of_bounds": {name: dict(of) for name, of in shares.items()},
        "times_plain": dict(times_plain),
        "processor_ms": {name: one.processor_milliseconds for name, one in measured.items()},
        "processor_ms_by_part": split(measured),
        "peak_megabytes": {name: one.peak_megabytes for name, one in measured.items()},
        "peak_process_megabytes": {
            name: {
                role: max(turn.peak_process_bytes.get(role, 0) for turn in one.turns) / 1e6
                for role in one.turns[0].peak_process_bytes
            }
            for name, one in measured.items()
        },
        "mean_cosine": float(np.mean(cosines)),
        "least_cosine": float(np.min(cosines)),
    }


def draw_rates(measured: Mapping[str, Turns], bounds: Mapping[str, float]) -> Figure:
    figure, axes = plain_figure(8.0, 3.6)
    for row, (name, one) in enumerate(measured.items()):
        axes.barh(row, one.rate, 0.6, color=COLOURS[0] if name in (WORKERS, INLINE) else "#bbbbbb")
        axes.plot(one.rates, [row] * len(one.rates), "|", color="black", markersize=9, alpha=0.5)
        axes.annotate(
            f"{one.rate:.1f}", (max(one.rates), row), (6, 0), textcoords="offset points", va="center"
        )
    bound = bounds[REACHABLE]
    axes.axvline(bound, color=COLOURS[1], linewidth=1.5)
    axes.annotate(
        "both stages on\nthe same processors",
        (bound, -0.45),
        (4, 0),
        textcoords="offset points",
        va="top",
        fontsize=8,
    )
    axes.set_yticks(range(len(measured)), list(measured))
    axes.set_ylim(len(measured) - 0.5, -0.5)
    axes.set_xlim(0, 1.15 * max(max(one.rates) for one in measured.values()))
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
