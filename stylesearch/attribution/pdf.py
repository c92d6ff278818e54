"""A report as PDF, tagged so that screen readers can follow it, made without any program of the system."""

from __future__ import annotations

import json
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

from stylesearch.attribution.null_plot import PRINTED, description, null_plot
from stylesearch.attribution.pictures import ReportPictures
from stylesearch.attribution.render import REUSE_LABELS, terms
from stylesearch.attribution.stated_metadata import source_type_in_words
from stylesearch.attribution.wording import CALIBRATION_STATES, STATES
from stylesearch.errors import ServiceError
from stylesearch.images.store import ImageStore

TEMPLATE = "report.typ"


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
        data = _Sheets(report, ReportPictures(report, store), root).data()
        (root / "report.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
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


class _Sheets:
    """What the template is given: texts that are ready, and pictures as files beside it."""

    def __init__(self, report: dict[str, Any], pictures: ReportPictures, root: Path) -> None:
        self._report = report
        self._pictures = pictures
        self._root = root
        self._number = 0

    def data(self) -> dict[str, Any]:
        report = self._report
        record, calibration = report["record"], report["record"].get("calibration", {"status": "none"})
        query, parameters = report["query"], report["parameters"]
        matching = "" if parameters["matching"] is None else f" ({parameters['matching']})"
        null = report.get("null")
        return {
            "title": f"Attribution report: {query['name']}",
            "report": {
                "id": report["id"],
                "created_at": report["created_at"],
                "answer": report["answer"],
                "limits": report["limits"],
            },
            "picture": self._file(self._pictures.thumbnail(query["sha256"])),
            "query": f"{query['name']} · {query['width']} × {query['height']} px · {query['media_type']}",
            "compared": f"Compared with: {parameters['sentence'][:1].lower()}{parameters['sentence'][1:]}{matching}."
            + ("" if parameters["complete"] else " The comparison was cut short, and may have missed works."),
            "file": _file_evidence(report.get("file")),
            "copies": [self._work(one, ["The very same file."]) for one in report["copies"]["exact"]]
            + [self._near(one) for one in report["copies"]["near"]],
            "conclusion": report["conclusion"]["sentence"] if report.get("conclusion") else None,
            "calibration": _calibration(calibration, judged=bool(report.get("conclusion"))),
            "candidates": [_candidate(one) for one in report.get("candidates", [])],
            "about_candidates": f"Words for likelihood ratios: {record.get('scale', '')}",
            "plot": None if null is None else self._file(null_plot(null, colours=PRINTED).encode(), "svg"),
            "plot_in_words": None if null is None else description(null),
            "held_out": _held_out(calibration.get("held_out")) if report.get("conclusion") else None,
            "artists": [
                [
                    one["name"],
                    str(one["works_among_nearest"]),
                    str(one["works_in_gallery"]),
                    str(one["best_rank"]),
                    f"{one['best_score']:.3f}",
                ]
                for one in report["artists"]
            ],
            "nearest": [
                self._work(one, [f"Rank {one['rank']} · score {one['score']:.3f}"])
                for one in report["nearest"]
            ],
            "record": _record(report),
        }

    def _near(self, one: dict[str, Any]) -> dict[str, Any]:
        bits = (
            f"Looks like the same picture ({one['differing_bits']} of 64 bits of its perceptual hash differ)."
        )
        sheet = self._work(one, [bits])
        if not sheet["withdrawn"]:
            sheet["overlay"] = self._file(self._pictures.overlay(one["sha256"]))
        return sheet

    def _work(self, one: dict[str, Any], lines: list[str]) -> dict[str, Any]:
        if one.get("withdrawn"):
            return {"withdrawn": True, "lines": lines, "overlay": None}
        rights = one["image_rights"]
        artists = ", ".join(one["artists"]) or "Unknown artist"
        return {
            "withdrawn": False,
            "picture": self._file(self._pictures.thumbnail(one["sha256"])),
            "title": one["title"],
            "artists": f"{artists}, {one['date_text']}" if one["date_text"] else artists,
            "about": " · ".join(filter(None, [one["collection_title"], one["medium"]])),
            "reuse": REUSE_LABELS[rights["reuse"]],
            "license": rights["label"],
            "license_uri": rights["uri"],
            "terms": terms(one.get("terms")),
            "credit": one["credit_line"],
            "lines": lines,
            "overlay": None,
        }

    def _file(self, data: bytes | None, suffix: str = "webp") -> str | None:
        if data is None:
            return None
        self._number += 1
        name = f"picture-{self._number}.{suffix}"
        (self._root / name).write_bytes(data)
        return name


def _file_evidence(evidence: dict[str, Any] | None) -> dict[str, Any]:
    if evidence is None:
        return {"state": "Not looked at by this version of the report.", "problems": [], "facts": []}
    found, stated = evidence["content_credentials"], evidence["metadata"]
    facts = [
        ["Signed by", ", ".join(filter(None, [found["signer"], found["issuer"]]))],
        ["Signed at", found["signed_at"]],
        ["Claimed by", found["generator"]],
        *(
            [
                "Action",
                ": ".join(
                    filter(
                        None,
                        [
                            one["action"],
                            source_type_in_words(one["digital_source_type"]) or one["digital_source_type"],
                        ],
                    )
                ),
            ]
            for one in found["actions"]
        ),
        *(["Ingredient", one["title"] or "untitled"] for one in found["ingredients"]),
        *([use, allowed] for use, allowed in sorted(found["training_mining"].items())),
        ["Creator, unchecked", ", ".join(stated["creators"])],
        ["Credit, unchecked", stated["credit"]],
        ["Rights, unchecked", stated["rights"]],
        ["Source, unchecked", stated["source_type_in_words"] or stated["source_type"]],
    ]
    problems = [f"{one['code']}: {one['text']}" for one in found["problems"]]
    return {"state": STATES[found["state"]], "problems": problems, "facts": facts}


def _calibration(calibration: dict[str, Any], *, judged: bool) -> str:
    text = CALIBRATION_STATES[calibration["status"]]
    if not judged:
        return text
    summary = calibration["summary"]
    return (
        f"{text} Findings are at a rate of false discoveries of {summary['rate']}; no p-value can be below"
        f" {small(summary['floor'])}, as the null has {summary['pairs']} pairs of artists."
    )


def _candidate(one: dict[str, Any]) -> list[str]:
    gap, log10 = one["gap"], one["log10_likelihood_ratio"]
    readable = "" if gap["readable"] else ": not readable"
    return [
        one["name"],
        str(one["works"]),
        fixed(one["standard_score"], 2),
        small(one["p_value"]),
        small(one["q_value"]),
        "—" if log10 is None else f"{10**log10:.3g}",
        one["in_words"] or "—",
        f"{fixed(gap['low'], 2)} to {fixed(gap['high'], 2)}{readable}",
        "yes" if one["found"] else "no",
    ]


def _held_out(found: dict[str, Any] | None) -> str | None:
    if not found or "cllr" not in found:
        return None
    return (
        f"On works and artists held out, this calibration gave p ≤ 0.05 to {100 * found['wrong_below_5']:.1f} % of wrong"
        f" artists, found {100 * (found['recall'] or 0):.0f} % of the makers, and {100 * found['discovery_rate']:.1f} % of"
        f" what it found was wrong (Cllr {found['cllr']:.2f})."
    )


def _record(report: dict[str, Any]) -> list[list[str]]:
    record = report["record"]
    encoder, gallery, calibration = record["encoder"], record["gallery"], record.get("calibration", {})
    rows = [
        ["Report", report["id"]],
        ["Image examined", f"SHA-256 {report['query']['sha256']}"],
        ["Encoder", f"{encoder['slug']} ({encoder['preprocessing']}), digest {encoder['digest']}"],
        [
            "Gallery",
            f"{gallery['images']} images, {gallery['works']} works, {gallery['artists']} artists, root {gallery['digest']}",
        ],
        ["Software", f"{record['software']['name']} {record['software']['version']}"],
    ]
    if "id" in calibration:
        rows.insert(4, ["Calibration", f"{calibration['id']}, {calibration['created_at']}"])
    return rows


def small(value: float | None) -> str:
    """Return a small share in so many digits that it tells something."""
    if value is None:
        return "—"
    return f"{value:.1e}" if value < 0.001 else f"{value:.3f}"


def fixed(value: float | None, digits: int) -> str:
    """Return a number with so many digits behind the point, or a dash."""
    return "—" if value is None else f"{value:.{digits}f}"
