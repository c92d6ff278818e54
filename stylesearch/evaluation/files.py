"""Writes a result to disk: JSON for programs, Markdown and plots for people."""

from __future__ import annotations

import json
import re
from pathlib import Path

from stylesearch.errors import InputError
from stylesearch.evaluation.plots import plots_of, save
from stylesearch.evaluation.tables import Evaluation, document, markdown


def write_files(evaluation: Evaluation, out: Path, *, plots: bool = True) -> list[Path]:
    """Write ``PROTOCOL.json``, ``PROTOCOL.md`` and, as PNG and SVG, ``PROTOCOL-PLOT``; return their paths.

    Parameters
    ----------
    evaluation:
        The result.
    out:
        Folder; made if it is missing. Files of an earlier result of the same protocol are replaced.
    plots:
        Whether to draw plots, which needs matplotlib.

    Raises
    ------
    InputError
        ``not_writable``.
    StylesearchError
        ``matplotlib_missing``.
    """
    as_json, as_markdown = out / f"{evaluation.protocol}.json", out / f"{evaluation.protocol}.md"
    try:
        out.mkdir(parents=True, exist_ok=True)
        _write(as_json, json.dumps(document(evaluation), ensure_ascii=False, indent=2) + "\n")
        _write(as_markdown, markdown(evaluation))
    except OSError as error:
        raise InputError(
            f"{error.filename or out} cannot be written: {error.strerror}.",
            hint="Name another folder.",
            code="not_writable",
        ) from error
    written = [as_json, as_markdown]
    if plots:
        for name, figure in plots_of(evaluation).items():
            safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
            written += save(figure, out / f"{evaluation.protocol}-{safe}")
    return written


def _write(path: Path, text: str) -> None:
    half_made = path.with_name(f"{path.name}.part")
    try:
        half_made.write_text(text, encoding="utf-8")
        half_made.replace(path)
    finally:
        half_made.unlink(missing_ok=True)
