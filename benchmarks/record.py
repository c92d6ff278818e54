"""What every benchmark leaves behind: a table in Markdown, all figures as JSON, plots, and the machine they are of.

docs/generate.py takes the tables into the documentation, so nothing is copied by hand.
"""

import argparse
import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

import stylesearch
from stylesearch.encoders.checkpoints import file_sha256
from stylesearch.encoders.devices import usable_processors
from stylesearch.evaluation.plots import save

RESULTS = Path(__file__).parent / "results"
LIBRARIES = ("numpy", "onnxruntime", "open-clip-torch", "pillow", "pyvips", "timm", "torch")


def arguments(doc: str | None, name: str, *, limit: str | None = None) -> argparse.ArgumentParser:
    """Return a parser with the options that all benchmarks have.

    Parameters
    ----------
    doc:
        The benchmark's docstring, which is its help.
    name:
        Its folder below the results.
    limit:
        Help of ``--limit``; without it there is none.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, required=True, help="folder of unpacked Debian packages")
    parser.add_argument("--out", type=Path, default=RESULTS / name)
    if limit is not None:
        parser.add_argument("--limit", type=int, help=limit)
    return parser


def machine() -> dict[str, Any]:
    """Return what a reader must know to compare figures with those of another machine."""
    found = {"stylesearch": stylesearch.__version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "cores": usable_processors(),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "software": found,
    }


def machine_text(known: Mapping[str, Any]) -> str:
    """Return :func:`machine` as one sentence."""
    software = known["software"]
    named = ", ".join(f"{name} {software[name]}" for name in software if name != "stylesearch")
    memory = f", {known['memory']} GB of memory" if known["memory"] else ""
    return f"{known['processor']}, {known['cores']} cores{memory}, {known['system']}; {named}."


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is of names, the others of numbers."""
    ruler = ("---", *("---:" for _ in head[1:]))
    lines = (head, ruler, *rows)
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def write(
    out: Path,
    title: str,
    sections: Sequence[str],
    values: Mapping[str, Any],
    figures: Mapping[str, Figure],
    *,
    weights: Path | None = None,
    limit: int | None = None,
    limited: str = "pictures of each style",
) -> None:
    """Write a benchmark's files into its folder and say where; the files are called after the folder.

    Parameters
    ----------
    out:
        Folder; made if it is missing.
    title:
        What was measured.
    sections:
        Paragraphs and tables in Markdown. The machine is added to them.
    values:
        All figures, as JSON values. The machine and the date are added to them.
    figures:
        By the end of the file's name.
    weights:
        The weights file of `lite` that the figures are of. A test holds its digest against the weights that are there.
    limit:
        To how many it was limited, to try it out. The table says so, and a test refuses it.
    limited:
        What was limited.
    """
    known, date = machine(), datetime.now(UTC).isoformat(timespec="seconds")
    out.mkdir(parents=True, exist_ok=True)
    closing = f"{date[:10]}; {machine_text(known)}"
    if weights is not None:
        digest = file_sha256(weights)
        values = {**values, "weights_sha256": digest}
        closing = f"{closing[:-1]}; weights of `lite` {digest[:12]}."
    if limit is not None:
        sections = [limit_text(limit, limited), *sections]
    values = {**values, "limit": limit}
    text = "\n\n".join([f"# {title}", *(section.strip() for section in sections), closing])
    written = [out / f"{out.name}.md", out / f"{out.name}.json"]
    written[0].write_text(text + "\n", encoding="utf-8")
    document = {"date": date, "machine": known, **values}
    written[1].write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for name, figure in figures.items():
        written += save(figure, out / f"{out.name}-{name}")
    print("\n".join(sections))
    for path in written:
        print(f"written: {path}")


def limit_text(limit: int, limited: str = "pictures of each style") -> str:
    """Return what a reader must know of results that are no full measurement."""
    return f"**A trial, not the measurement:** at most {limit} {limited}."


def plain_figure(width: float, height: float, **options: Any) -> tuple[Figure, Any]:
    """Return a figure and its axes as the plots of evaluations look, whatever the reader's own settings are."""
    settings = {name: value for name, value in mpl.rcParamsDefault.items() if name != "backend"}
    with mpl.rc_context(settings):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(**options)
    for one in axes.flat if hasattr(axes, "flat") else [axes]:
        one.spines[["top", "right"]].set_visible(False)
        one.grid(axis="both", color="#dddddd", linewidth=0.5)
        one.set_axisbelow(True)
    return figure, axes


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _memory() -> int | None:
    """Return gigabytes of memory, or nothing where the system does not say."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)
    except (AttributeError, OSError, ValueError):
        return None
