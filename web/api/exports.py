"""Result sets as CSV and as JSON Lines, sent while they are read."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Generic, TypeVar

from flask import Response, stream_with_context
from pydantic import BaseModel

from stylesearch.wire.works import Form, WorkTold
from web.api.answers import kept_private

CSV, JSON_LINES = "text/csv", "application/x-ndjson"
PIECE = 64 * 1024
"""Characters that are sent at a time."""
BETWEEN = "; "
"""Between several values in a cell."""

Row = TypeVar("Row", bound=BaseModel)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_WORK_COLUMNS: tuple[str, ...] = (
    "work_id", "image_id", "source_id", "collection", "collection_title", "title", "description", "artists", "date_text",
    "year_from", "year_to", "medium", "movement", "period", "object_type", "keywords", "source_url", "credit_line", "sha256",
    "width", "height", "media_type",
)  # fmt: skip
_RIGHTS_COLUMNS = ("label", "uri", "reuse", "spdx_id")
_LINK_COLUMNS = ("url", "page", "manifest", "thumbnail", "image")


@dataclass(frozen=True, slots=True)
class Table(Generic[Row]):
    """How rows of a kind become lines of CSV: the heads of the columns, and the cells of a row."""

    name: str
    columns: Sequence[str]
    cells: Callable[[Row], Sequence[object]]


def work_table(name: str, *first: str) -> Table[Any]:
    """Return the table of works; ``first`` are fields that stand before a work's own."""

    def cells(work: WorkTold) -> list[object]:
        return [
            *(getattr(work, name) for name in (*first, *_WORK_COLUMNS)),
            *(
                getattr(rights, name)
                for rights in (work.work_rights, work.image_rights)
                for name in _RIGHTS_COLUMNS
            ),
            *(getattr(work.links, name) for name in _LINK_COLUMNS),
        ]

    rights = [f"{of}_rights_{name}" for of in ("work", "image") for name in _RIGHTS_COLUMNS]
    return Table(name, (*first, *_WORK_COLUMNS, *rights, *(f"link_{name}" for name in _LINK_COLUMNS)), cells)


def exported(rows: Iterable[Row], form: Form, table: Table[Row]) -> Response:
    """Return rows as a file that is sent while they are read.

    The first row is read before anything is sent: an error until then is answered as one. A later error ends the
    connection before the end of the answer, which clients notice.
    """
    read = _in_context(rows)
    first = [row for row in [next(read, None)] if row is not None]
    whole = chain(first, read)
    lines = _csv(whole, table) if form == "csv" else (row.model_dump_json() + "\n" for row in whole)
    media_type, suffix = (
        (f"{CSV}; charset=utf-8; header=present", "csv") if form == "csv" else (JSON_LINES, "jsonl")
    )
    response = kept_private(Response(_pieces(lines), content_type=media_type))
    response.headers.set("Content-Disposition", "attachment", filename=f"{table.name}.{suffix}")
    return response


def _in_context(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield rows with the request still at hand, as their addresses need it."""
    held: Any = stream_with_context(iter(rows))
    return iter(held)


def cell(value: object) -> object:
    """Return a value as a cell; a text that a spreadsheet would take for a formula gets an apostrophe before it."""
    if isinstance(value, list | tuple):
        value = BETWEEN.join(map(str, value))
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value


def _csv(rows: Iterable[Row], table: Table[Row]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(table.columns)
    for row in rows:
        writer.writerow([cell(value) for value in table.cells(row)])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _pieces(lines: Iterable[str]) -> Iterator[bytes]:
    waiting: list[str] = []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= PIECE:
            yield "".join(waiting).encode()
            waiting, size = [], 0
    yield "".join(waiting).encode()
