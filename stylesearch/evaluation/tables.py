"""Results as a table on a terminal, as a JSON document and as Markdown."""

from __future__ import annotations

import dataclasses
import math
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

import stylesearch
from stylesearch.evaluation.artists import ArtistsResult
from stylesearch.evaluation.diagnostics import GapReport
from stylesearch.evaluation.protocols import CrossedResult, RetrievalResult
from stylesearch.evaluation.verification import VerificationResult

FORMAT = "stylesearch-evaluation"
FORMAT_VERSION = 1
LIBRARIES = ("numpy", "torch", "timm", "open-clip-torch", "pillow", "pyvips")
SHOWN_GAPS = 10

Result = RetrievalResult | CrossedResult | ArtistsResult


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one describer reached.

    Attributes
    ----------
    describer:
        Its slug, digest and other facts.
    result:
        What was measured.
    """

    describer: dict[str, Any]
    result: Result

    @property
    def slug(self) -> str:
        """The describer's name."""
        return str(self.describer["slug"])


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One run of a protocol, over one collection, with one describer or several.

    Attributes
    ----------
    protocol:
        ``crossed``, ``wikiart``, ``domainnet``, ``collection`` or ``descriptors``.
    source:
        What was measured on: a path or a collection's slug.
    images:
        How many images were described.
    unreadable:
        Path of each image that was not, with the reason.
    seed:
        What splits and resampling were drawn with.
    notes:
        What a reader should know besides.
    date:
        When, ISO 8601.
    """

    protocol: str
    source: str
    images: int
    unreadable: dict[str, str]
    seed: int
    notes: tuple[str, ...]
    date: str
    outcomes: tuple[Outcome, ...]


def retrieval_of(result: Result) -> RetrievalResult:
    """Return the retrieval that every result has."""
    return result if isinstance(result, RetrievalResult) else result.retrieval


def rows(evaluation: Evaluation) -> list[tuple[str, dict[str, float]]]:
    """Return a line for each describer, and for each fold where there are any: its name and its figures by their names."""
    lines = []
    for outcome in evaluation.outcomes:
        result = outcome.result
        figures = _retrieval_figures(retrieval_of(result))
        if isinstance(result, CrossedResult):
            figures |= {"lured": result.lured, "AUC": result.pairs.auc}
        elif isinstance(result, ArtistsResult):
            figures |= _artists_figures(result)
        lines.append((outcome.slug, figures))
        if isinstance(result, ArtistsResult) and result.folds is not None:
            for number, fold in enumerate(result.folds, 1):
                lines.append((f"{outcome.slug}, fold {number}", _retrieval_figures(fold)))
    return lines


def figure_text(name: str, value: float | None) -> str:
    """Return a figure as tables show it: areas under a curve with three decimals, counts as they are, the rest in percent."""
    if value is None or math.isnan(value):
        return ""
    if name.endswith("AUC"):
        return f"{value:.3f}"
    return f"{value:.0f}" if name.endswith("< 0") else f"{100 * value:.1f}"


def counts_text(evaluation: Evaluation) -> str:
    """Return one sentence that says how much was measured."""
    result = evaluation.outcomes[0].result
    found = retrieval_of(result)
    parts = [f"{found.queries:,} queries in {found.gallery:,} images"]
    if found.unanswerable:
        parts.append(f"{found.unanswerable:,} more queries have no hit there and are left out")
    if isinstance(result, CrossedResult):
        parts.append(f"{result.styles} styles by {result.contents} contents")
        parts.append(
            f"AUC over {result.pairs.wanted:,} pairs of one style and {result.pairs.lures:,} of one content"
        )
    elif isinstance(result, ArtistsResult):
        parts.append(f"{result.artists} artists")
    return "; ".join(parts) + "."


def notes(evaluation: Evaluation) -> list[str]:
    """Return all that a reader should know besides the figures."""
    found = list(evaluation.notes)
    clipped = retrieval_of(evaluation.outcomes[0].result).clipped
    found += [
        f"k = {asked} was lowered to {used}: a query is compared with no more images."
        for asked, used in clipped.items()
    ]
    if evaluation.unreadable:
        count = len(evaluation.unreadable)
        found.append(f"{count} image{'s' * (count != 1)} could not be read; left out.")
    for outcome in evaluation.outcomes:
        if isinstance(outcome.result, ArtistsResult):
            found.append(_gaps_text(outcome.slug, outcome.result.gaps))
    return found


def rich_tables(evaluation: Evaluation) -> list[RenderableType]:
    """Return the figures for a terminal: a sentence and a table, and for artists another of each."""
    lines = rows(evaluation)
    names = _columns(lines)
    about = Text(f"{evaluation.protocol}: {counts_text(evaluation)} In percent, AUC from 0 to 1.")
    # A line a figure, as a terminal has more lines than room for a dozen columns.
    table = Table("")
    for name, _ in lines:
        table.add_column(escape(name), justify="right")
    for column in names:
        table.add_row(column, *(figure_text(column, figures.get(column)) for _, figures in lines))
    parts: list[RenderableType] = [about, table]
    for one in evaluation.outcomes:
        if isinstance(one.result, ArtistsResult):
            parts += _gap_table(one.slug, one.result)
    return parts


def markdown(evaluation: Evaluation) -> str:
    """Return the figures as Markdown, for documents."""
    lines = rows(evaluation)
    names = _columns(lines)
    text = [
        f"# {evaluation.protocol}",
        "",
        f"{_escaped(evaluation.source)}, {evaluation.date[:10]}, seed {evaluation.seed}. {counts_text(evaluation)}",
        "Figures are in percent, areas under a curve (AUC) from 0 to 1.",
        "",
        f"| | {' | '.join(names)} |",
        f"|---|{'---:|' * len(names)}",
    ]
    text += [
        f"| {_escaped(name)} | {' | '.join(figure_text(column, figures.get(column)) for column in names)} |"
        for name, figures in lines
    ]
    for outcome in evaluation.outcomes:
        if isinstance(outcome.result, ArtistsResult):
            text += ["", *_gap_markdown(outcome.slug, outcome.result.gaps)]
    text += ["", *(f"- {_escaped(note)}" for note in notes(evaluation))] if notes(evaluation) else []
    text += ["", "Encoders:", ""]
    text += [f"- {_escaped(one.slug)}: digest `{one.describer['digest']}`" for one in evaluation.outcomes]
    return "\n".join(text) + "\n"


def document(evaluation: Evaluation) -> dict[str, Any]:
    """Return all of it as JSON values; what is not a number is ``None``."""
    values = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "protocol": evaluation.protocol,
        "source": evaluation.source,
        "date": evaluation.date,
        "seed": evaluation.seed,
        "images": evaluation.images,
        "unreadable": evaluation.unreadable,
        "notes": notes(evaluation),
        "software": {"stylesearch": stylesearch.__version__, "python": platform.python_version()}
        | _versions(),
        "results": [
            {
                "encoder": outcome.describer,
                "kind": type(outcome.result).__name__,
                **dataclasses.asdict(outcome.result),
            }
            for outcome in evaluation.outcomes
        ],
    }
    plain: dict[str, Any] = _plain(values)
    return plain


def _retrieval_figures(result: RetrievalResult) -> dict[str, float]:
    figures = {f"R@{k}": value for k, value in result.recall_at.items()}
    figures |= {f"mAP@{k}": value for k, value in result.map_at.items()}
    figures |= {f"AP@{k}": value for k, value in result.average_precision_at.items() if k > 1}
    return figures | {"AP": result.average_precision, "chance": result.chance}


def _artists_figures(result: ArtistsResult) -> dict[str, float]:
    figures = {
        "gaps < 0": float(result.gaps.below_zero),
        "pooled < 0": float(result.gaps.pooled_below_zero),
        "CSLS pooled < 0": float(result.csls_gaps.pooled_below_zero),
    }
    if result.verification is not None:
        figures |= {
            "pair AUC": _mean(result.verification.cosine),
            "CSLS pair AUC": _mean(result.verification.csls),
        }
    return figures


def verification_text(result: VerificationResult) -> str:
    """Return the mean and the standard deviation over splits, for either readout."""
    return ", ".join(
        f"{name} {_mean(values):.3f} ± {_deviation(values):.3f}"
        for name, values in (("cosine", result.cosine), ("CSLS", result.csls))
    )


def _gaps_text(slug: str, report: GapReport) -> str:
    return (
        f"{slug}: of {len(report.gaps)} artists' discrimination gaps, {report.count('positive')} are surely above 0,"
        f" {report.count('negative')} surely below, {report.count('open')} open"
        f" ({report.confidence:.0%} intervals, {report.resamples} resamples)."
    )


_GAP_COLUMNS = ("artist", "works", "gap", "interval", "verdict", "nearest other")


def _gap_rows(report: GapReport) -> list[tuple[str, ...]]:
    return [
        (
            gap.artist,
            str(gap.works),
            f"{gap.gap:+.3f}",
            "" if math.isnan(gap.low) else f"{gap.low:+.3f} to {gap.high:+.3f}",
            gap.verdict,
            gap.rival,
        )
        for gap in report.gaps[:SHOWN_GAPS]
    ]


def _gap_table(slug: str, result: ArtistsResult) -> list[RenderableType]:
    about = f"{slug}: the lowest discrimination gaps of {len(result.gaps.gaps)}"
    if result.verification is not None:
        about += (
            f"; pair verification over {result.verification.splits} splits:"
            f" AUC {verification_text(result.verification)}"
        )
    table = Table(*_GAP_COLUMNS)
    for row in _gap_rows(result.gaps):
        table.add_row(*map(escape, row))
    return [Text(about), table]


def _gap_markdown(slug: str, report: GapReport) -> list[str]:
    return [
        f"The lowest discrimination gaps of {len(report.gaps)}, {_escaped(slug)}, by {report.readout}:",
        "",
        f"| {' | '.join(_GAP_COLUMNS)} |",
        "|---|---:|---:|---|---|---|",
        *(f"| {' | '.join(map(_escaped, row))} |" for row in _gap_rows(report)),
    ]


def _columns(lines: Sequence[tuple[str, dict[str, float]]]) -> list[str]:
    return list(dict.fromkeys(name for _, figures in lines for name in figures))


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _deviation(values: Sequence[float]) -> float:
    mean = _mean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
