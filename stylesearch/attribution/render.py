"""A report as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from stylesearch.errors import NotFoundError
from stylesearch.images.store import ImageStore

REUSE_LABELS = {
    "open": "Open: may be reused",
    "restricted": "Restricted: some uses are not allowed",
    "permission": "Permission: ask first",
    "unknown": "Unknown: not stated",
}

_environment = Environment(
    loader=PackageLoader("stylesearch.attribution"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render_html(document: dict[str, Any], store: ImageStore) -> str:
    """Return a report as a page with its style and thumbnails inside."""

    def picture(sha256: str) -> str | None:
        try:
            data = store.read(store.thumbnail_key(bytes.fromhex(sha256)))
        except NotFoundError:
            return None
        return "data:image/webp;base64," + base64.b64encode(data).decode()

    return _environment.get_template("report.html").render(
        report=document, picture=picture, reuse_labels=REUSE_LABELS
    )
