"""A report as PDF, tagged so that screen readers can follow it, made without any program of the system."""

from __future__ import annotations

import json
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

from stylesearch.attribution.null_plot import PRINTED, null_plot
from stylesearch.attribution.pictures import ReportPictures
from stylesearch.attribution.reliability_plot import reliability_plot
from stylesearch.attribution.sheets import reliability_of, sheet_of
from stylesearch.attribution.wording import COPIES, WITHDRAWN
from stylesearch.errors import ServiceError
from stylesearch.images.store import ImageStore

TEMPLATE = "report.typ"
_DATA = "report.json"


def render_pdf(report: dict[str, Any], store: ImageStore) -> bytes:
    """Return a report, as :attr:`~stylesearch.attribution.report.SavedReport.view` gives it, as PDF.

    Raises
    ------
    ServiceError
        ``pdf``, if it cannot be set.
    """
    import typst

    with tempfile.TemporaryDirectory(prefix="stylesearch-report-") as folder:
        root = Path(folder)
        sheet = sheet_of(report, ReportPictures(report, store), _Folder(root).place)
        null, reliability = report.get("null"), reliability_of(report)
        plots = {
            "plot": null_plot(null, colours=PRINTED) if null else None,
            "reliability": reliability_plot(reliability, colours=PRINTED) if reliability else None,
        }
        for name, drawn in plots.items():
            if drawn is not None:
                (root / f"{name}.svg").write_text(drawn, encoding="utf-8")
        told = {
            **sheet,
            **{name: f"{name}.svg" if drawn else None for name, drawn in plots.items()},
            "about_copies": COPIES,
            "about_withdrawn": WITHDRAWN,
        }
        (root / _DATA).write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        source = files("stylesearch.attribution") / "templates" / TEMPLATE
        (root / TEMPLATE).write_bytes(source.read_bytes())
        try:
            pdf: bytes = typst.compile(
                str(root / TEMPLATE), root=str(root), font_paths=_fonts(), format="pdf"
            )
        except typst.TypstError as error:
            raise ServiceError(
                f"The PDF could not be set: {str(error).splitlines()[0]}.",
                hint="The HTML and the JSON hold the same; please report this.",
                code="pdf",
            ) from error
    return pdf


def _fonts() -> list[str]:
    """Return where fonts are that have more signs than the typesetter's own."""
    import matplotlib as mpl

    return [str(Path(mpl.get_data_path()) / "fonts" / "ttf")]


class _Folder:
    """Where the typesetter finds pictures."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._count = 0

    def place(self, data: bytes | None) -> str | None:
        if data is None:
            return None
        self._count += 1
        name = f"picture-{self._count}.webp"
        (self._root / name).write_bytes(data)
        return name
