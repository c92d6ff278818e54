"""A report as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from stylesearch.attribution.null_plot import null_plot
from stylesearch.attribution.pictures import ReportPictures
from stylesearch.attribution.reliability_plot import reliability_plot
from stylesearch.attribution.sheets import reliability_of, sheet_of
from stylesearch.attribution.wording import COPIES, WITHDRAWN
from stylesearch.images.store import ImageStore

environment = Environment(
    loader=PackageLoader("stylesearch.attribution"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
"""Of all pages of this package."""


def render_html(report: dict[str, Any], store: ImageStore, *, files: bool = False) -> str:
    """Return a report as a page with its style and pictures inside.

    Parameters
    ----------
    report:
        As :attr:`~stylesearch.attribution.report.SavedReport.view` gives it.
    files:
        Whether the page leads to its PDF, its JSON and its signature, which are beside it where it is served.
    """
    null, reliability = report.get("null"), reliability_of(report)
    return environment.get_template("report.html").render(
        r=sheet_of(report, ReportPictures(report, store), in_page),
        # Plots are made by us, of numbers and of names that are escaped there.
        plot=Markup(null_plot(null)) if null else None,  # noqa: S704
        reliability=Markup(reliability_plot(reliability)) if reliability else None,  # noqa: S704
        files=files,
        signed=report["version"] > 1,
        copies=COPIES,
        withdrawn=WITHDRAWN,
    )


def in_page(data: bytes | None) -> str | None:
    """Return an address that holds a WebP picture itself; ``None`` for none."""
    return None if data is None else "data:image/webp;base64," + base64.b64encode(data).decode()
