"""What a report shows, on its page and in its PDF alike: every text ready, and every picture in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stylesearch.attribution.null_plot import description
from stylesearch.attribution.numerals import fixed, in_date, significant, small
from stylesearch.attribution.pictures import ReportPictures
from stylesearch.attribution.stated_metadata import source_type_in_words
from stylesearch.attribution.wording import (
    CALIBRATION_STATES,
    CANDIDATE_COLUMNS,
    FIRST_OF_SEVERAL,
    OVERLAY,
    RELIABILITY,
    REUSE_LABELS,
    STATES,
    STRETCHED,
    TERM_LABELS,
    USED_FOR,
    USES,
)

Place = Callable[[bytes | None], str | None]
"""Puts a WebP picture where the page or the PDF finds it, and returns its address; ``None`` for none."""

Row = list[str]


def sheet_of(report: Mapping[str, Any], pictures: ReportPictures, place: Place) -> dict[str, Any]:
    """Return all that a report shows, as JSON values.

    Parameters
    ----------
    report:
        As :attr:`~stylesearch.attribution.report.SavedReport.view` gives it; also one of the first format.
    pictures:
        Of the report.
    place:
        Puts a picture in its place.
    """
    query, parameters, record = report["query"], report["parameters"], report["record"]
    calibration = record.get("calibration", {"status": "none"})
    matching = "" if parameters["matching"] is None else f" ({parameters['matching']})"
    judged = bool(report.get("conclusion"))
    examined = place(pictures.thumbnail(query["sha256"]))
    null = report.get("null")

    def listed(entry: dict[str, Any], line: str) -> dict[str, Any]:
        return _work(
            entry, line, place(None if entry.get("withdrawn") else pictures.thumbnail(entry["sha256"]))
        )

    def near(entry: dict[str, Any]) -> dict[str, Any]:
        shown = listed(
            entry,
            f"Looks like the same picture: {entry['differing_bits']} of 64 bits of its perceptual hash differ.",
        )
        laid = None if entry.get("withdrawn") else place(pictures.overlay(entry["sha256"]))
        told = OVERLAY + ("" if entry.get("same_shape", True) else f" {STRETCHED}")
        return shown | {"overlay": laid, "about_overlay": told}

    return {
        "id": report["id"],
        "date": in_date(report["created_at"]),
        "created_at": report["created_at"],
        "title": f"Attribution report: {query['name']}",
        "answer": report["answer"],
        "limits": report["limits"],
        "picture": examined,
        "query": _query(query),
        "compared": f"Compared with: {parameters['sentence'][:1].lower()}{parameters['sentence'][1:]}{matching}.",
        "complete": parameters["complete"],
        "file": _file(report["file"]) if "file" in report else None,
        "copies": [listed(entry, "The very same file.") for entry in report["copies"]["exact"]]
        + [near(entry) for entry in report["copies"]["near"]],
        "conclusion": report["conclusion"]["sentence"] if judged else None,
        "calibration": _calibration(calibration, judged=judged) if "calibration" in record else None,
        "candidates": [_candidate(one) for one in report.get("candidates", ())],
        "candidate_columns": CANDIDATE_COLUMNS,
        "about_candidates": _about_candidates(report),
        "plot_in_words": description(null) if null else None,
        "held_out": _held_out(calibration.get("held_out")) if judged else None,
        "reliability_in_words": RELIABILITY if reliability_of(report) else None,
        "artists": [_artist(one) for one in report["artists"]],
        "reuse": _reuse(report["reuse"]),
        "nearest": [listed(entry, _place_of(entry)) for entry in report["nearest"]],
        "record": _record(report),
    }


def reliability_of(report: Mapping[str, Any]) -> list[dict[str, float]]:
    """Return the reliability of the calibration that a report rests on; nothing where none was worked out."""
    held_out = report["record"].get("calibration", {}).get("held_out") if report.get("conclusion") else None
    found: list[dict[str, float]] = (held_out or {}).get("reliability") or []
    return found


def terms(allowed: Mapping[str, bool | None] | None) -> str:
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


def _query(query: Mapping[str, Any]) -> str:
    text = f"{query['name']} · {query['width']} × {query['height']} px · {query['media_type']}"
    return f"{text} · {FIRST_OF_SEVERAL}" if query.get("first_of_several") else text


def _work(entry: Mapping[str, Any], line: str, picture: str | None) -> dict[str, Any]:
    if entry.get("withdrawn"):
        return {"withdrawn": True, "line": line, "overlay": None}
    rights = entry["image_rights"]
    artists = ", ".join(entry["artists"]) or "Unknown artist"
    return {
        "withdrawn": False,
        "picture": picture,
        "title": entry["title"],
        "artists": f"{artists}, {entry['date_text']}" if entry["date_text"] else artists,
        "about": " · ".join(filter(None, [entry["collection_title"], entry["medium"]])),
        "reuse": REUSE_LABELS[rights["reuse"]],
        "license": rights["label"],
        "license_uri": rights["uri"],
        "terms": terms(entry.get("terms")),
        "credit": entry["credit_line"],
        "line": line,
        "overlay": None,
    }


def _place_of(entry: Mapping[str, Any]) -> str:
    repeated = entry.get("same_as")
    text = f"Rank {entry['rank']} · score {fixed(entry['score'], 3)}"
    return text if repeated is None else f"{text} · the same picture as rank {repeated}"


def _file(evidence: Mapping[str, Any]) -> dict[str, Any]:
    found, stated = evidence["content_credentials"], evidence["metadata"]
    signed = ", ".join(filter(None, [found["signer"], found["issuer"]]))
    credentials = [
        ["Signed by", f"{signed} ({found['algorithm']})" if signed and found["algorithm"] else signed],
        ["Signed at", found["signed_at"]],
        ["Claimed by", found["generator"]],
        *(["Action", _action(one)] for one in found["actions"]),
        *(["Ingredient", _ingredient(one)] for one in found["ingredients"]),
        *(
            [_use(use), USES.get(allowed, allowed)]
            for use, allowed in sorted(found["training_mining"].items())
        ),
    ]
    licence = stated["rights_statement"]
    metadata = [
        ["Creator", ", ".join(stated["creators"])],
        ["Credit", stated["credit"]],
        ["Rights", stated["rights"]],
        ["Licence", licence if licence != stated["rights"] else None],
        ["Source type", stated["source_type_in_words"] or stated["source_type"]],
        *(
            ["Reserved", ": ".join(filter(None, [one["kind"], one.get("detail")]))]
            for one in stated["reservations"]
        ),
    ]
    return {
        "state": STATES[found["state"]],
        "bad": found["state"] in ("invalid", "unreadable"),
        "problems": [[one["code"], one["text"]] for one in found["problems"]],
        "credentials": _known(credentials) if found["manifests"] else [],
        "metadata": _known(metadata),
    }


def _use(name: str) -> str:
    return USED_FOR.get(name.rpartition(".")[2], name)


def _action(one: Mapping[str, Any]) -> str:
    source = one["digital_source_type"]
    text = ", ".join(
        filter(None, [one["action"], one["software"] and f"with {one['software']}", one["when"]])
    )
    return f"{text}: {source_type_in_words(source) or source}" if source else text


def _ingredient(one: Mapping[str, Any]) -> str:
    title: str = one["title"] or "untitled"
    return f"{title} ({one['relationship']})" if one["relationship"] else title


def _known(rows: Sequence[Sequence[str | None]]) -> list[Row]:
    return [[label or "", value] for label, value in rows if value]


def _calibration(calibration: Mapping[str, Any], *, judged: bool) -> str:
    text = CALIBRATION_STATES[calibration["status"]]
    if not judged:
        return text
    summary = calibration["summary"]
    return (
        f"{text} Findings are at a rate of false discoveries of {summary['rate']}; no p-value can be below"
        f" {small(summary['floor'])}, as the null has {summary['pairs']:,} pairs of artists."
    )


def _candidate(one: Mapping[str, Any]) -> Row:
    gap, log10 = one["gap"], one["log10_likelihood_ratio"]
    return [
        one["name"],
        f"{one['works']:,}",
        fixed(one["score"], 3),
        fixed(one["standard_score"], 2),
        small(one["p_value"]),
        small(one["q_value"]),
        "—" if log10 is None else significant(10**log10),
        one["in_words"] or "—",
        f"{fixed(gap['low'], 2)} to {fixed(gap['high'], 2)}",
        "yes" if one["found"] else "no" if gap["readable"] else "no: gap reaches 0",
    ]


def _about_candidates(report: Mapping[str, Any]) -> str:
    candidates = report.get("candidates")
    if not candidates:
        return ""
    matched = candidates[0]["null"]["matched_by"]
    how = f", for {candidates[0]['name']} matched by {', '.join(matched)}" if matched else ""
    return f"Each artist is compared with works by others{how}. Words for likelihood ratios: {report['record']['scale']}"


def _held_out(found: Mapping[str, Any] | None) -> str | None:
    if not found or found.get("cllr") is None:
        return None
    return (
        f"On works and artists held out, this calibration gave p ≤ 0.05 to {_percent(found['wrong_below_5'])} of wrong"
        f" artists, and found {_percent(found['recall'])} of the makers who were in the gallery. It named an artist or a group"
        f" for {_percent(found['named'])} of the works, among them works by makers who were not in the gallery; of these"
        f" names {_percent(found['answer_right'])} were right. The likelihood ratios cost {found['cllr']:.2f} (Cllr; 0 is"
        " perfect, 1 says nothing)."
    )


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{100 * share:.1f} %"


def _artist(one: Mapping[str, Any]) -> Row:
    return [
        one["name"],
        str(one["works_among_nearest"]),
        f"{one['works_in_gallery']:,}",
        str(one["best_rank"]),
        fixed(one["best_score"], 3),
        fixed(one["mean_score"], 3),
    ]


def _reuse(counted: Mapping[str, int]) -> str:
    parts = [f"{counted[name]} {name}" for name in REUSE_LABELS if counted.get(name)]
    return f"Reuse of the nearest works: {', '.join(parts)}." if parts else ""


def _record(report: Mapping[str, Any]) -> list[Row]:
    record, parameters = report["record"], report["parameters"]
    encoder, gallery, calibration = record["encoder"], record["gallery"], record.get("calibration", {})
    held = f"{gallery['images']:,} images, {gallery['works']:,} works, {gallery['artists']:,} artists"
    named = "Merkle root" if report["version"] > 1 else "digest"
    rows = [
        ["Report", report["id"]],
        ["Made", report["created_at"]],
        ["Image examined", f"SHA-256 {report['query']['sha256']}"],
        ["Encoder", f"{encoder['slug']} ({encoder['preprocessing']}), digest {encoder['digest']}"],
        ["Gallery", f"{held}, {named} {gallery['digest']}"],
        [
            "Calibration",
            f"{calibration['id']}, {calibration['created_at']}, {calibration['status']}"
            if "id" in calibration
            else "",
        ],
        [
            "Readout",
            f"{parameters['readout']}, {parameters['method']} search, {parameters['nearest']} nearest works",
        ],
        ["Software", f"{record['software']['name']} {record['software']['version']}"],
    ]
    return _known(rows)
