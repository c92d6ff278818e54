"""The form that a report is kept, signed and handed out in.

What is signed names each work by a digest only. What the digest is of stands beside it, with a salt. So a work can be taken
out of an old report without a trace, as nobody can guess from a salted digest what it was of, and the signature still holds.
"""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any

Document = dict[str, Any]
Works = dict[str, dict[str, Any]]

SALT_BYTES = 16
WITHDRAWN: dict[str, Any] = {"withdrawn": True}
DIGITS = 12
"""Digits that numbers in a report have: few enough to be the same wherever they are written and read."""


def canonical(value: Any) -> bytes:
    """Return JSON values as bytes in the one way that is signed: keys in order, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def settled(value: Any) -> Any:
    """Return JSON values with numbers that come back the same from every JSON reader and from the database."""
    match value:
        case dict():
            return {str(name): settled(one) for name, one in value.items()}
        case list() | tuple():
            return [settled(one) for one in value]
        case float():
            return _number(value)
    return value


def _number(value: float) -> float | int | None:
    if not math.isfinite(value):
        return None
    rounded = float(f"{value:.{DIGITS}g}")
    # Whole numbers have no point, as some readers drop it and others put it in.
    return int(rounded) if rounded == int(rounded) else rounded


def sealed_work(values: dict[str, Any], works: Works) -> str:
    """Put what is told of a work among a report's works, and return the digest that names it."""
    told = settled({**values, "salt": secrets.token_hex(SALT_BYTES)})
    digest = digest_of(told)
    works[digest] = told
    return digest


def digest_of(told: Mapping[str, Any]) -> str:
    """Return the digest of what is told of a work."""
    return sha256(canonical(told)).hexdigest()


def report_file(document: Document, works: Works) -> bytes:
    """Return a report as the file that is handed out."""
    return canonical({"document": document, "works": works}) + b"\n"


def listed(document: Document) -> Iterator[dict[str, Any]]:
    """Yield every place in a report that names a work."""
    yield from document["nearest"]
    for kind in ("exact", "near"):
        yield from document["copies"][kind]


def view(document: Document, works: Works) -> Document:
    """Return a report with each work's facts in its place, as pages show it."""

    def placed(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {**{name: one[name] for name in one if name != "work"}, **_facts(works, one)} for one in entries
        ]

    return {
        **document,
        "nearest": placed(document["nearest"]),
        "copies": {kind: placed(document["copies"][kind]) for kind in ("exact", "near")},
    }


def _facts(works: Works, entry: Mapping[str, Any]) -> dict[str, Any]:
    told = works.get(entry["work"], WITHDRAWN)
    return {name: value for name, value in told.items() if name != "salt"}


def masked(works: Works, is_shown: Callable[[int], bool]) -> Works:
    """Return a report's works without the facts of those that are not to be shown."""
    return {
        digest: told if "withdrawn" not in told and is_shown(told["work_id"]) else WITHDRAWN
        for digest, told in works.items()
    }
