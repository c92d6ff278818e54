"""A report as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from stylesearch.attribution.null_plot import description, null_plot
from stylesearch.attribution.pictures import ReportPictures
from stylesearch.attribution.stated_metadata import source_type_in_words
from stylesearch.attribution.wording import CALIBRATION_STATES, STATES
from stylesearch.images.store import ImageStore

REUSE_LABELS = {
    "open": "Open: may be reused",
    "restricted": "Restricted: some uses are not allowed",
    "permission": "Permission: ask first",
    "unknown": "Unknown: not stated",
}
TERM_LABELS = {
    "commercial": "commercial use",
    "derivatives": "changes",
    "attribution": "credit",
    "ai_training": "training models",
}

_environment = Environment(
    loader=PackageLoader("stylesearch.attribution"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render_html(report: dict[str, Any], store: ImageStore) -> str:
    """Return a report, as :attr:`~stylesearch.attribution.report.SavedReport.view` gives it, as a page with its style and
    pictures inside.
    """
    pictures = ReportPictures(report, store)
    null = report.get("null")
    return _environment.get_template("report.html").render(
        report=report,
        picture=lambda sha256: _address(pictures.thumbnail(sha256)),
        overlay=lambda sha256: _address(pictures.overlay(sha256)),
        # Made by us of numbers and of names that it escapes itself.
        plot=Markup(null_plot(null)) if null else None,  # noqa: S704
        plot_in_words=description(null) if null else None,
        reuse_labels=REUSE_LABELS,
        terms=terms,
        credential_states=STATES,
        calibration_states=CALIBRATION_STATES,
        source_type=source_type_in_words,
    )


def terms(allowed: dict[str, bool | None] | None) -> str:
    """Return what a licence allows, asks for and forbids, in a sentence; empty where nothing is known."""
    if not allowed:
        return ""
    asked = [TERM_LABELS["attribution"]] if allowed.get("attribution") else []
    rest = {name: label for name, label in TERM_LABELS.items() if name != "attribution"}
    yes = [label for name, label in rest.items() if allowed.get(name)]
    no = [label for name, label in rest.items() if allowed.get(name) is False]
    parts = (("allows", yes), ("asks for", asked), ("does not allow", no))
    text = "; ".join(f"{verb} {', '.join(labels)}" for verb, labels in parts if labels)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _address(data: bytes | None) -> str | None:
    return None if data is None else "data:image/webp;base64," + base64.b64encode(data).decode()
