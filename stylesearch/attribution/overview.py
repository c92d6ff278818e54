"""What a batch of reports came to, in one overview: by artist, by licence, and each image in a line."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from stylesearch.attribution.render import environment
from stylesearch.attribution.sealed import Document
from stylesearch.attribution.wording import REUSE_LABELS, WHAT_IT_IS

NOT_CALIBRATED, FAILED = "not calibrated", "failed"
OUTCOME_LABELS = {
    "artist": "An artist is named",
    "group": "A group is named",
    "nobody": "Nobody stands out",
    "abstained": "Nothing is said",
    NOT_CALIBRATED: "Not calibrated",
    FAILED: "No report",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One image of a batch.

    Attributes
    ----------
    name:
        Of the image.
    report:
        The report's id; empty where there is none.
    file:
        The page of the report, beside the overview.
    outcome:
        Of the report's conclusion, or that nothing is calibrated, or ``failed``.
    artists:
        Those named.
    answer:
        The report's sentence, or why there is no report.
    credentials:
        State of the content credentials.
    exact, near:
        How many copies are in the archive.
    nearest_license, nearest_reuse:
        Of the nearest work.
    """

    name: str
    report: str
    file: str
    outcome: str
    artists: tuple[str, ...]
    answer: str
    credentials: str
    exact: int
    near: int
    nearest_license: str
    nearest_reuse: str


def line_of(name: str, view: Document, file: str) -> Line:
    """Return the line of a report, given as pages show it."""
    conclusion = view["conclusion"]
    nearest = view["nearest"][0] if view["nearest"] else {}
    rights = nearest.get("image_rights", {})
    return Line(
        name=name,
        report=view["id"],
        file=file,
        outcome=conclusion["outcome"] if conclusion else NOT_CALIBRATED,
        artists=tuple(conclusion["names"])
        if conclusion and conclusion["outcome"] in ("artist", "group")
        else (),
        answer=view["answer"],
        credentials=view["file"]["content_credentials"]["state"],
        exact=len(view["copies"]["exact"]),
        near=len(view["copies"]["near"]),
        nearest_license=rights.get("label", ""),
        nearest_reuse=rights.get("reuse", ""),
    )


def failed(name: str, why: str) -> Line:
    """Return the line of an image that there is no report on."""
    return Line(name, "", "", FAILED, (), why, "", 0, 0, "", "")


def overview_files(lines: Sequence[Line]) -> dict[str, bytes]:
    """Return the overview as ``overview.json``, ``overview.csv`` and ``overview.html``."""
    told = _told(lines)
    page = environment.get_template("overview.html").render(
        lines=lines, **told, limit=WHAT_IT_IS, outcome_labels=OUTCOME_LABELS, reuse_labels=REUSE_LABELS
    )
    as_json = {
        "format": "stylesearch-overview",
        "version": 1,
        **told,
        "images": [asdict(one) for one in lines],
    }
    return {
        "overview.json": (json.dumps(as_json, ensure_ascii=False, indent=1) + "\n").encode(),
        "overview.csv": _csv(lines),
        "overview.html": page.encode(),
    }


def _told(lines: Sequence[Line]) -> dict[str, Any]:
    def counted(values: Sequence[str]) -> dict[str, int]:
        return dict(sorted(Counter(values).items(), key=lambda one: (-one[1], one[0])))

    return {
        "outcomes": counted([one.outcome for one in lines]),
        "artists": counted([name for one in lines for name in one.artists]),
        "licenses": counted([one.nearest_license for one in lines if one.nearest_license]),
        "reuse": counted([one.nearest_reuse for one in lines if one.nearest_reuse]),
    }


def _csv(lines: Sequence[Line]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    names = [name for name in Line.__slots__ if name != "file"]
    writer.writerow(names)
    for one in lines:
        cells = [
            "; ".join(cell) if isinstance(cell, tuple) else cell
            for cell in (getattr(one, name) for name in names)
        ]
        writer.writerow([harmless(cell) for cell in cells])
    return buffer.getvalue().encode()


def harmless(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "@", "\t", "-")) else cell
