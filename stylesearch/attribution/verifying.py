"""Checks a report again: its signature, the gallery, and, given the image, every number."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from stylesearch.attribution.composing import FORMAT, FORMAT_VERSION, Subject
from stylesearch.attribution.gallery import difference, read_leaves
from stylesearch.attribution.keys import Signature, is_signed
from stylesearch.attribution.report import ReportMaker
from stylesearch.attribution.sealed import Document, Works, canonical, digest_of, listed, report_file, settled
from stylesearch.catalog.calibrations import CalibrationRow
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.errors import InputError, NotFoundError
from stylesearch.images.hashes import sha256
from stylesearch.search.query import StyleQuery

State = Literal["holds", "fails", "unknown"]
MOST_TOLD = 5
"""Differences that are told one by one."""


@dataclass(frozen=True, slots=True)
class Check:
    """What came of one check.

    Attributes
    ----------
    name:
        ``form``, ``signature``, ``works``, ``gallery``, ``image`` or ``numbers``.
    state:
        ``unknown`` where it could not be checked; a report that holds has none that fails.
    text:
        What was found.
    """

    name: str
    state: State
    text: str


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A report's file, read.

    Attributes
    ----------
    data:
        As it came.
    document, works:
        As :mod:`stylesearch.attribution.sealed` has them.
    """

    data: bytes
    document: Document
    works: Works


def read_report_file(data: bytes) -> ReportFile:
    """Read a report's file.

    Raises
    ------
    InputError
        ``not_a_report``, or ``report_version`` for one of another format.
    """
    try:
        told: Any = json.loads(data)
        document, works = told["document"], told["works"]
        if document["format"] != FORMAT or not isinstance(works, dict):
            raise KeyError("format")
        version = document["version"]
        for entry in listed(document):
            str(entry["work"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(
            "This is no report, or it was cut off or changed so that it cannot be read.",
            hint="Give the file NAME.report.json as it was written or downloaded.",
            code="not_a_report",
        ) from None
    if version != FORMAT_VERSION:
        raise InputError(
            f"This report is of version {version}; version {FORMAT_VERSION} can be checked.",
            hint="Use the version of stylesearch that made it.",
            code="report_version",
        )
    return ReportFile(data, document, works)


def check_file(file: ReportFile, signature: Signature | None, keys: Mapping[str, bytes]) -> list[Check]:
    """Check what needs no catalogue: the file's form, its signature and its works.

    Parameters
    ----------
    signature:
        The detached one; ``None`` if there is none to be had.
    keys:
        The public keys that are believed, by id.
    """
    return [_form(file), _signature(file, signature, keys), _works(file)]


def _form(file: ReportFile) -> Check:
    if file.data.strip() == report_file(file.document, file.works).strip():
        return Check("form", "holds", "The file is as it was written.")
    return Check(
        "form", "fails", "The file was written anew or changed: it is not in the form that reports have."
    )


def _signature(file: ReportFile, signature: Signature | None, keys: Mapping[str, bytes]) -> Check:
    if signature is None:
        return Check("signature", "fails", "There is no signature beside the file.")
    match is_signed(canonical(file.document), signature, keys):
        case True:
            return Check("signature", "holds", f"Signed by the key {signature.key_id}.")
        case False:
            return Check(
                "signature",
                "fails",
                f"The signature by the key {signature.key_id} is not of this document: one of them was changed.",
            )
        case _:
            return Check(
                "signature",
                "fails",
                f"Signed by the key {signature.key_id}, which is none of the keys believed here.",
            )


def _works(file: ReportFile) -> Check:
    named = {str(entry["work"]) for entry in listed(file.document)}
    withdrawn = [digest for digest, told in file.works.items() if told == {"withdrawn": True}]
    false = [
        digest
        for digest, told in file.works.items()
        if digest not in withdrawn and (not isinstance(told, dict) or digest_of(told) != digest)
    ]
    if false or set(file.works) != named:
        wrong = len(false) + len(set(file.works) ^ named)
        return Check("works", "fails", f"What is told of {wrong} of the works is not what was signed.")
    masked = f", {len(withdrawn)} of them withdrawn since" if withdrawn else ""
    return Check("works", "holds", f"{len(named)} works{masked}; what is told of them is what was signed.")


def check_gallery(session: Session, file: ReportFile) -> Check:
    """Check whether the gallery is still the one that the report was computed against."""
    record = file.document["record"]
    encoder = session.scalar(select(EncoderRow).where(EncoderRow.digest == record["encoder"]["digest"]))
    if encoder is None or encoder.status == "retired":
        return Check("gallery", "unknown", "The encoder that described the gallery is not here any more.")
    leaves = read_leaves(session, encoder)
    if leaves.root() == record["gallery"]["digest"]:
        return Check("gallery", "holds", f"The gallery is the same: root {leaves.root()[:16]}.")
    by_leaf = {digest.hex() for digest in leaves.digests}
    told_of = [file.works.get(str(entry["work"]), {}) for entry in listed(file.document)]
    names = [
        f"“{told['title']}” (work {told['work_id']})"
        for told in told_of
        if "leaf" in told and told["leaf"] not in by_leaf
    ]
    text = "The gallery has changed since the report was made."
    former = session.scalar(
        select(CalibrationRow).where(
            CalibrationRow.encoder_id == encoder.id,
            CalibrationRow.gallery_root == record["gallery"]["digest"],
        )
    )
    if former is not None:
        found = difference(former.leaves, leaves)
        text += f" {found.added} images were added, {found.removed} removed, {len(found.changed)} changed."
    if names:
        told = "; ".join(names[:MOST_TOLD]) + (" and others" if len(names) > MOST_TOLD else "")
        text += f" Of the works in the report, changed or gone: {told}."
    return Check("gallery", "fails", text)


def recompute(session: Session, maker: ReportMaker, file: ReportFile, data: bytes) -> list[Check]:
    """Compute a report again from the image, and compare every number.

    Raises
    ------
    ImageError
        If the image cannot be taken.
    """
    document = file.document
    if sha256(data).hex() != document["query"]["sha256"]:
        return [
            Check("image", "fails", "This is not the image that the report is on: its SHA-256 is another.")
        ]
    checks = [Check("image", "holds", "This is the image that the report is on.")]
    subject = Subject(
        data,
        document["query"]["name"],
        maker.style_search.describe(data),
        StyleQuery.from_json(document["parameters"]["query"]).where,
    )
    if subject.example.encoder.digest != document["record"]["encoder"]["digest"]:
        return [
            *checks,
            Check("numbers", "unknown", "Another encoder serves here, so nothing can be computed again."),
        ]
    try:
        again, works = maker.compose(
            session,
            subject,
            public_id=document["id"],
            created_at=document["created_at"],
            calibration_id=document["record"]["calibration"].get("id"),
        )
    except NotFoundError as error:
        return [*checks, Check("numbers", "fails", f"It cannot be computed again: {error.message}")]
    found = list(differences(_comparable(document, file.works), _comparable(again, works)))
    if not found:
        return [*checks, Check("numbers", "holds", "Computed again, everything is the same.")]
    told = "; ".join(found[:MOST_TOLD]) + (
        f"; {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
    )
    return [*checks, Check("numbers", "fails", f"Computed again, this differs: {told}.")]


def _comparable(document: Document, works: Works) -> Document:
    """Return a report without what is new each time: salts, and the digests that hang on them; and without versions."""

    def placed(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {**entry, "work": {k: v for k, v in works.get(entry["work"], {}).items() if k != "salt"}}
            for entry in entries
        ]

    record = {name: value for name, value in document["record"].items() if name != "software"}
    whole: Document = settled(
        {
            **document,
            "nearest": placed(document["nearest"]),
            "copies": {kind: placed(entries) for kind, entries in document["copies"].items()},
            "record": record,
        }
    )
    return whole


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Yield where two JSON values differ, by their paths; a withdrawn work differs from nothing."""
    if isinstance(one, dict) and isinstance(other, dict):
        if "withdrawn" in one or "withdrawn" in other:
            return
        for name in sorted(one.keys() | other.keys()):
            yield from differences(one.get(name), other.get(name), f"{path}.{name}" if path else name)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differences(left, right, f"{path}[{place}]")
    elif one != other:
        yield f"{path} ({_short(one)} before, {_short(other)} now)"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}…"
