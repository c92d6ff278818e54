"""Metadata of a package's files, from its machine-readable ``debian/copyright``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from stylesearch.catalog.debian_copyright import Copyright, read_copyright
from stylesearch.catalog.records import Credit, WorkRecord, tidy
from stylesearch.errors import ImageError
from stylesearch.ingest.fetching.files import open_file
from stylesearch.ingest.metadata.attribution import read_credit
from stylesearch.ingest.metadata.mapping import MOST_CREDITS

LARGEST_FILE = 4 * 1024**2
NOTED = "debian_copyright"
"""Under this name a record keeps what a package says of its file."""
LONGEST_HOLDERS = 20_000
_SOURCE = "debian/copyright"
_INSTALLED = "usr/share/doc/*/copyright"
_MAIL = re.compile(r"\s*<[^<>]*>|\s*\([^()\s]*@[^()\s]*\)")
_MARK = re.compile(r"^(?:copyright|\(c\)|©|:|\s)+", re.IGNORECASE)
_YEARS = re.compile(
    r"^(?:\d{4}(?:\s*[-–]\s*(?:\d{2,4}|present)?)?[\s,;:]*(?:and\s+)?)+(?:by\s+)?", re.IGNORECASE
)
_NOBODY = re.compile(r"none|n/?a|public domain|see .*|unknown|various.*|\W*", re.IGNORECASE)
# Names of licences that are other in Debian than in SPDX.
_SPDX = {
    "expat": "MIT",
    "gpl-2": "GPL-2.0-only",
    "gpl-2.0": "GPL-2.0-only",
    "gpl-3": "GPL-3.0-only",
    "gpl-3.0": "GPL-3.0-only",
    "lgpl-3": "LGPL-3.0-only",
    "lgpl-3.0": "LGPL-3.0-only",
    "cc0": "CC0-1.0",
    "public-domain": "public domain",
    "publicdomain": "public domain",
    "free-art-license-1.3": "LAL-1.3",
}


@dataclass(frozen=True)
class PackageMetadata:
    """What a package's copyright file says of its files."""

    statements: Copyright

    def said(self, path: str) -> dict[str, str]:
        """Return what is said of a file, as it is said: its ``license``, and its ``copyright``, one holder a line.

        Parameters
        ----------
        path:
            Relative to the package's folder, with slashes.
        """
        statement = self.statements.statement(path)
        if statement is None:
            return {}
        holders = (tidy(line) for line in statement.holders[:LONGEST_HOLDERS].splitlines())
        return {"license": tidy(statement.licence) or "", "copyright": "\n".join(filter(None, holders))}

    def record(self, path: str) -> WorkRecord:
        """Return what is said of a file: its licence, and the holders of its copyright as its makers."""
        return package_record(self.said(path))


def noted(record: WorkRecord, said: Mapping[str, str]) -> WorkRecord:
    """Return a record that keeps what a package says of its file, without believing it yet."""
    return replace(record, extra={**record.extra, NOTED: dict(said)}) if said else record


def package_metadata(folder: Path) -> PackageMetadata | None:
    """Return what a folder's copyright file says: a source package's own, or that of an unpacked package.

    ``None`` where there is none, or where it is prose that no machine can read.
    """
    for path in (folder / _SOURCE, *sorted(folder.glob(_INSTALLED))):
        try:
            if not path.resolve(strict=True).is_relative_to(folder.resolve()):
                continue  # a link to what is not the package's
            with open_file(path) as file:
                text = file.read(LARGEST_FILE).decode("utf-8", "replace")
        except (OSError, RuntimeError, ImageError):
            continue
        found = read_copyright(text)
        if found.statements:
            return PackageMetadata(found)
    return None


def package_record(said: object) -> WorkRecord:
    """Return what a package said, in the catalogue's terms; empty for anything else than :func:`noted` has kept."""
    if not isinstance(said, Mapping):
        return WorkRecord()
    license_, holders = tidy(str(said.get("license", ""))), str(said.get("copyright", "")).splitlines()
    rights = _SPDX.get((license_ or "").lower(), license_)
    credits_ = dict.fromkeys(credit for line in holders if (credit := _holder(line)))
    return WorkRecord(
        credits=tuple(credits_)[:MOST_CREDITS],
        work_rights=rights,
        image_rights=rights,
        credit_line=tidy(_MAIL.sub("", "; ".join(holders))),
    ).clipped()


def _holder(line: str) -> Credit | None:
    name = _YEARS.sub("", _MARK.sub("", _MAIL.sub("", tidy(line[:1000]) or "")))
    return None if _NOBODY.fullmatch(name) else read_credit(name)
