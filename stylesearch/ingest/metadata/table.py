"""Metadata in a CSV file beside the images."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from stylesearch.catalog.artists import QUALIFIERS
from stylesearch.catalog.records import EARLIEST_YEAR, LATEST_YEAR, Credit, WorkRecord, tidy, years
from stylesearch.errors import InputError

SIDECAR = "metadata.csv"
PATH_COLUMNS = ("path", "file", "filename", "image")
TEXT_COLUMNS = {
    "title": "title",
    "description": "description",
    "date": "date_text",
    "medium": "medium",
    "movement": "movement",
    "period": "period",
    "object_type": "object_type",
    "source_url": "source_url",
    "license": "work_rights",
    "image_license": "image_rights",
    "credit_line": "credit_line",
}
LIST_SEPARATOR = ";"
LARGEST_FIELD = 1_000_000


def read_table(path: Path) -> dict[str, WorkRecord]:
    """Read a metadata table; return a record for each relative image path.

    Columns: ``path`` (or ``file``, ``filename``, ``image``) and any of ``title``, ``description``, ``artist``,
    ``qualifier``, ``date``, ``year_from``, ``year_to``, ``medium``, ``movement``, ``period``, ``object_type``,
    ``keywords``, ``source_url``, ``license``, ``image_license``, ``credit_line``. Several artists or keywords are parted by ``;``.
    Other columns are kept with the work.

    Raises
    ------
    InputError
        If the file cannot be read, has no path column, or names an image twice; with the line.
    """
    csv.field_size_limit(LARGEST_FIELD)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _read_rows(csv.DictReader(file), path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"The metadata table {path} cannot be read: {error}.",
            hint="It must be a CSV file in UTF-8.",
            code="metadata_table",
        ) from error


def _read_rows(reader: csv.DictReader[str], path: Path) -> dict[str, WorkRecord]:
    columns = [(tidy(name) or "").lower() for name in reader.fieldnames or []]
    reader.fieldnames = columns
    twice = sorted({name for name in columns if columns.count(name) > 1})
    key = next((name for name in PATH_COLUMNS if name in columns), None)
    if key is None or twice:
        what = f"has the column {twice[0]!r} twice" if twice else "has no column named path"
        raise InputError(
            f"The metadata table {path} {what}; its columns are: {', '.join(columns) or 'none'}.",
            hint="Mend its first line.",
            code="metadata_table",
        )
    records: dict[str, WorkRecord] = {}
    for row in reader:
        name = (row.pop(key) or "").strip()
        if not name or name in records:
            what = f"names {name!r} a second time" if name else f"has no {key}"
            raise InputError(
                f"Line {reader.line_num} of {path} {what}.", hint="Mend or remove it.", code="metadata_table"
            )
        records[name] = _read_row(row, reader.line_num, path)
    return records


def _read_row(row: dict[str | Any, Any], line: int, path: Path) -> WorkRecord:
    row.pop(None, None)  # more fields than columns
    values = {name: tidy(value) for name, value in row.items()}
    fields: dict[str, Any] = {field: values.pop(name, None) for name, field in TEXT_COLUMNS.items()}
    fields["title"] = fields["title"] or ""
    artists, qualifier = _parts(values.pop("artist", None)), values.pop("qualifier", None)
    if qualifier is not None and qualifier.lower() not in QUALIFIERS:
        raise InputError(
            f"Line {line} of {path} has the unknown qualifier {qualifier!r}.",
            hint=f"Use one of: {', '.join(QUALIFIERS)}.",
            code="metadata_table",
        )
    read_from, read_to = years(fields["date_text"])
    year_from = _year(values.pop("year_from", None), line, path) or read_from
    year_to = _year(values.pop("year_to", None), line, path) or read_to
    if year_from is not None and year_to is not None and year_from > year_to:
        raise InputError(f"Line {line} of {path} ends in a year before it begins.", code="metadata_table")
    return WorkRecord(
        **fields,
        credits=tuple(Credit(name, qualifier=qualifier.lower() if qualifier else None) for name in artists),
        year_from=year_from,
        year_to=year_to,
        keywords=tuple(dict.fromkeys(word.lower() for word in _parts(values.pop("keywords", None)))),
        extra={name: value for name, value in values.items() if value and name},
    )


def _parts(text: str | None) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in (text or "").split(LIST_SEPARATOR) if part.strip()))


def _year(text: str | None, line: int, path: Path) -> int | None:
    if text is None:
        return None
    try:
        year = int(text)
    except ValueError:
        year = None
    if year is None or not EARLIEST_YEAR <= year <= LATEST_YEAR:
        raise InputError(
            f"Line {line} of {path} has {text[:40]!r} for a year.",
            hint="Write a whole number such as 1890.",
            code="metadata_table",
        )
    return year
