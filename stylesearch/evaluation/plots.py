"""Plots of results: PNG and SVG, the same bytes each time from the same figures and libraries.

Series differ in colour (the palette of Okabe and Ito, made for all kinds of colour vision) and in pattern or marker.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylesearch.errors import InputError, StylesearchError
from stylesearch.evaluation.artists import ArtistsResult
from stylesearch.evaluation.diagnostics import GapReport
from stylesearch.evaluation.pairs import PairScores
from stylesearch.evaluation.protocols import CrossedResult
from stylesearch.evaluation.tables import Evaluation, retrieval_of, rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
_PATTERNS = ("", "//", "..", "\\\\", "xx", "--", "oo")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_GREY = "#666666"

WIDTH = 8.0
DPI = 100
MOST_LABELLED = 60
"""Bars that carry their number; more would not have room."""

MOST_GAPS = 60
"""Artists that a gap plot shows: those with the lowest gaps."""


def need_matplotlib() -> None:
    """Check that plots can be drawn.

    Raises
    ------
    StylesearchError
        ``matplotlib_missing``.
    """
    if find_spec("matplotlib") is None:
        raise StylesearchError(
            "Plots need matplotlib, which is not installed.",
            hint="Install matplotlib, or leave plots out with --no-plots.",
            code="matplotlib_missing",
        )


@contextmanager
def settled() -> Iterator[None]:
    """Draw alike whatever the reader's own matplotlib settings are, and with ids that are no random numbers."""
    need_matplotlib()
    import matplotlib as mpl

    settings = {**mpl.rcParamsDefault, "svg.hashsalt": "stylesearch"}
    del settings["backend"]
    with mpl.rc_context(settings):
        yield


@settled()
def metric_bars(title: str, lines: Sequence[tuple[str, Mapping[str, float]]], names: Sequence[str]) -> Figure:
    """Draw a group of bars for each figure, a bar for each describer.

    Parameters
    ----------
    title:
        What was measured on how much.
    lines:
        Each describer's name and its figures, 0 to 1.
    names:
        The figures to draw.
    """
    figure, axes = _figure(title, height=4.5)
    width = 0.8 / len(lines)
    for index, (name, figures) in enumerate(lines):
        places = [place + (index - (len(lines) - 1) / 2) * width for place in range(len(names))]
        values = [100 * figures.get(one, math.nan) for one in names]
        bars = axes.bar(
            places, values, width, label=name, color=_colour(index), hatch=_PATTERNS[index % len(_PATTERNS)], edgecolor="white"
        )  # fmt: skip
        if len(lines) * len(names) <= MOST_LABELLED:
            axes.bar_label(bars, fmt="%.0f", fontsize=6, padding=1)
    axes.set_xticks(range(len(names)), names)
    axes.set_ylim(0, 108)
    axes.set_ylabel("percent (AUC: times 100)" if "AUC" in names else "percent")
    _legend(axes)
    return figure


@settled()
def precision_lines(title: str, series: Mapping[str, Sequence[float]], chance: float) -> Figure:
    """Draw precision among the first r results against r.

    Parameters
    ----------
    title:
        What was measured on how much.
    series:
        By describer, precision@r for r = 1, 2, …
    chance:
        Precision of a random order, drawn as a line.
    """
    figure, axes = _figure(title, height=4.5)
    for index, (name, values) in enumerate(series.items()):
        axes.plot(
            range(1, len(values) + 1), [100 * value for value in values], label=name, color=_colour(index),
            marker=_MARKERS[index % len(_MARKERS)], markevery=max(1, len(values) // 10), markersize=5,
        )  # fmt: skip
    axes.axhline(100 * chance, color=_GREY, linestyle=":", label="chance")
    axes.set_xlabel("results looked at, r")
    axes.set_ylabel("hits among them, percent")
    axes.set_ylim(0, 102)
    _legend(axes)
    return figure


@settled()
def pair_distributions(title: str, series: Mapping[str, PairScores]) -> Figure:
    """Draw how the scores of wanted pairs and of lures are distributed, one below the other for each describer.

    Parameters
    ----------
    title:
        What was measured on how much.
    series:
        By describer.
    """
    figure, first = _figure(title, height=1.2 + 2.2 * len(series), rows=len(series))
    all_axes = first if len(series) > 1 else [first]
    kinds = (
        ("same style, other content", "wanted_histogram"),
        ("other style, same content", "lures_histogram"),
    )
    for axes, (name, scores) in zip(all_axes, series.items(), strict=True):
        step = (scores.high - scores.low) / len(scores.wanted_histogram)
        edges = [scores.low + step * place for place in range(len(scores.wanted_histogram) + 1)]
        for index, (label, field) in enumerate(kinds):
            counts = getattr(scores, field)
            shares = [100 * count / sum(counts) for count in counts]
            axes.stairs(
                shares, edges, label=f"{label}, {sum(counts):,} pairs", color=_colour(5 * index),
                fill=True, alpha=0.35, hatch=_PATTERNS[index],
            )  # fmt: skip
            axes.stairs(shares, edges, color=_colour(5 * index), linewidth=1.2)
        filled = [
            place
            for place, pair in enumerate(zip(scores.wanted_histogram, scores.lures_histogram, strict=True))
            if any(pair)
        ]
        axes.set_xlim(edges[filled[0]] - step, edges[filled[-1] + 1] + step)
        axes.set_title(f"{name}: AUC {scores.auc:.3f}", fontsize=9, loc="left")
        axes.set_ylabel("% of pairs")
        axes.legend(fontsize=7, frameon=False)
    all_axes[-1].set_xlabel("score of a pair")
    return figure


@settled()
def gap_forest(title: str, report: GapReport) -> Figure:
    """Draw each artist's discrimination gap with its interval, the lowest at the top.

    Parameters
    ----------
    title:
        What was measured on how much.
    report:
        From :func:`~stylesearch.evaluation.diagnostics.discrimination_gaps`.
    """
    shown = report.gaps[:MOST_GAPS]
    figure, axes = _figure(title, height=1.6 + 0.22 * len(shown))
    looks = {"positive": (0, "o"), "open": (1, "s"), "negative": (5, "D")}
    for verdict, (index, marker) in looks.items():
        places = [place for place, gap in enumerate(shown) if gap.verdict == verdict]
        if not places:
            continue
        gaps = [shown[place] for place in places]
        errors = [
            [0.0 if math.isnan(gap.low) else max(0.0, gap.gap - gap.low) for gap in gaps],
            [0.0 if math.isnan(gap.high) else max(0.0, gap.high - gap.gap) for gap in gaps],
        ]
        axes.errorbar(
            [gap.gap for gap in gaps], places, xerr=errors, fmt=marker, color=_colour(index), markersize=5, capsize=2,
            linewidth=1, label=f"{verdict}: {report.count(gaps[0].verdict)}",
        )  # fmt: skip
    axes.axvline(0, color=_GREY, linestyle=":")
    names = [f"{gap.artist[:32]} ({gap.works})" for gap in shown]
    axes.set_yticks(range(len(shown)), names, fontsize=7)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlabel(f"median score of own pairs less that with the nearest other artist ({report.readout})")
    axes.legend(fontsize=7, frameon=False, title=f"{report.confidence:.0%} interval", title_fontsize=7)
    return figure


def plots_of(evaluation: Evaluation) -> dict[str, Figure]:
    """Return every plot that a result gives, by the end of its file's name."""
    lines = rows(evaluation)
    shown = [
        name for name in lines[0][1] if name.startswith(("R@", "mAP@")) or name in ("AP", "lured", "AUC")
    ]
    results = {outcome.slug: outcome.result for outcome in evaluation.outcomes}
    found = {slug: retrieval_of(result) for slug, result in results.items()}
    first = next(iter(found.values()))
    about = f"{evaluation.protocol}, {first.queries:,} queries in {first.gallery:,} images"
    plots = {
        "metrics": metric_bars(about, lines, shown),
        "precision": precision_lines(
            about, {slug: one.precision_by_rank for slug, one in found.items()}, first.chance
        ),
    }
    pairs = {slug: result.pairs for slug, result in results.items() if isinstance(result, CrossedResult)}
    if pairs:
        plots["pairs"] = pair_distributions(f"{evaluation.protocol}, {evaluation.images:,} images", pairs)
    for slug, result in results.items():
        if isinstance(result, ArtistsResult):
            lowest = f", the lowest {MOST_GAPS}" if len(result.gaps.gaps) > MOST_GAPS else ""
            about = f"{evaluation.protocol}, {slug}: discrimination gaps of {len(result.gaps.gaps)} artists{lowest}"
            plots[f"gaps-{slug}"] = gap_forest(about, result.gaps)
    return plots


def save(figure: Figure, path: Path) -> tuple[Path, Path]:
    """Write a plot as PNG and as SVG.

    Parameters
    ----------
    figure:
        From one of the functions above.
    path:
        Where, without a suffix.

    Raises
    ------
    InputError
        ``not_writable``.
    """
    png, svg = path.with_name(f"{path.name}.png"), path.with_name(f"{path.name}.svg")
    try:
        with settled():
            figure.savefig(png, dpi=DPI, metadata={"Software": None})
            figure.savefig(svg, metadata={"Date": None, "Creator": None})
    except OSError as error:
        raise InputError(
            f"{error.filename or path} cannot be written: {error.strerror}.",
            hint="Name another folder.",
            code="not_writable",
        ) from error
    return png, svg


def _figure(title: str, *, height: float, rows: int = 1) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots(rows, 1)
    for one in axes if rows > 1 else [axes]:
        one.spines[["top", "right"]].set_visible(False)
        one.grid(axis="both", color="#dddddd", linewidth=0.5)
        one.set_axisbelow(True)
    return figure, axes


def _legend(axes: Any) -> None:
    axes.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=4)


def _colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]
