"""The rows of a table in a file: CSV, JSON lines or Parquet, read one after the other."""

from __future__ import annotations

import codecs
import csv
import hashlib
import itertools
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from stylesearch.catalog.records import tidy
from stylesearch.errors import InputError

DELIMITERS = (",", ";", "\t", "|")
LONGEST_LINE = 1_000_000
_STEP = 1024**2
_SAMPLE = 200
_BATCH = 500
_MARKS = {
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"PK\x03\x04": "a spreadsheet or an archive",
    b"\x1f\x8b": "gzip",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes
    ----------
    number:
        From 1: of a CSV or of JSON lines, the line it ends on; of Parquet, the row.
    values:
        Column to value; empty where the row could not be read.
    problem:
        Why it could not be read, in one line.
    """

    number: int
    values: Mapping[str, Any]
    problem: str | None = None


class Rows(Protocol):
    """A table that can be gone through again and again."""

    columns: tuple[str, ...]
    """As far as they are known before every row is read."""
    total: int | None

    def __iter__(self) -> Iterator[Row]: ...


def open_rows(path: Path, *, delimiter: str | None = None) -> Rows:
    """Open a table, by the ending of its name.

    Parameters
    ----------
    delimiter:
        Of a CSV; found out from its beginning where it is not given.

    Raises
    ------
    InputError
        ``table_missing``, ``table_format``, ``table_encoding``, ``table_columns``, ``table_unreadable``.
    """
    if not path.is_file():
        raise InputError(f"The table {path} does not exist.", hint="Check the path.", code="table_missing")
    suffix = path.suffix.lower()
    try:
        if suffix in (".csv", ".tsv", ".txt", ".tab"):
            return _CsvRows(path, "\t" if suffix in (".tsv", ".tab") and delimiter is None else delimiter)
        if suffix in (".jsonl", ".ndjson", ".jsonlines"):
            return _JsonRows(path)
        if suffix in (".parquet", ".pq"):
            return ParquetRows(path)
    except OSError as error:
        raise unreadable(path, error.strerror or str(error)) from None
    raise InputError(
        f"{path.name} is no table that can be read.",
        hint="Give a file that ends in .csv, .tsv, .jsonl or .parquet.",
        code="table_format",
    )


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path, error.strerror or str(error)) from None


def unreadable(path: Path, why: str) -> InputError:
    """Return the error that a table cannot be read."""
    return InputError(f"The table {path} cannot be read: {why.rstrip('.')}.", code="table_unreadable")


def _check_text(path: Path) -> None:
    """Raise if a file is no UTF-8, and say where."""
    with path.open("rb") as file:
        beginning = file.read(4)
        file.seek(0)
        kind = next((name for mark, name in _MARKS.items() if beginning.startswith(mark)), None)
        if kind is not None:
            raise _encoding(path, f"is {kind}")
        decoder = codecs.getincrementaldecoder("utf-8")()
        line, chunk = 1, b"-"
        while chunk:
            chunk = file.read(_STEP)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                where, byte = line + error.object[: error.start].count(b"\n"), error.object[error.start]
                raise _encoding(path, f"is not in UTF-8: line {where} has the byte 0x{byte:02x}") from None
            if "\0" in text:
                where = line + text[: text.index("\0")].count("\n")
                raise _encoding(path, f"is no text: line {where} has a zero byte")
            line += chunk.count(b"\n")


def _encoding(path: Path, what: str) -> InputError:
    return InputError(
        f"The table {path.name} {what}.", hint="Save it as text in UTF-8.", code="table_encoding"
    )


def check_columns(path: Path, columns: tuple[str, ...]) -> None:
    """Raise if a table has a column twice, or none."""
    twice = next((name for number, name in enumerate(columns) if name and name in columns[:number]), None)
    if twice is not None:
        raise InputError(
            f"The table {path.name} has the column {twice!r} twice.", hint="Rename one.", code="table_columns"
        )
    if not any(columns):
        raise InputError(
            f"The table {path.name} has no columns.",
            hint="Its first line must name them.",
            code="table_columns",
        )


class _CsvRows:
    """A CSV with a line of names."""

    def __init__(self, path: Path, delimiter: str | None) -> None:
        self._path = path
        _check_text(path)
        csv.field_size_limit(LONGEST_LINE)
        self._delimiter = delimiter or _sniff(path)
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, delimiter=self._delimiter)
            try:
                self.columns = tuple(tidy(name) or "" for name in next(reader, []))
                check_columns(path, self.columns)
                self.total: int | None = sum(1 for row in reader if row)
            except csv.Error as error:
                raise unreadable(path, f"line {reader.line_num}: {error}") from None

    def __iter__(self) -> Iterator[Row]:
        with self._path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, delimiter=self._delimiter)
            next(reader, None)
            for values in reader:
                if values:
                    yield self._row(values, reader.line_num)

    def _row(self, values: list[str], number: int) -> Row:
        if any(value.strip() for value in values[len(self.columns) :]):
            return Row(number, {}, f"it has {len(values)} fields, and the table {len(self.columns)} columns")
        return Row(number, {name: value for name, value in zip(self.columns, values, strict=False) if name})


def _sniff(path: Path) -> str:
    """Return the sign between a CSV's fields: the one that parts its first rows into the most fields, all alike."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        sample = [line for line in itertools.islice(file, _SAMPLE) if len(line) < LONGEST_LINE]
    scores = []
    for delimiter in DELIMITERS:
        try:
            rows = [row for row in csv.reader(sample, delimiter=delimiter) if row]
        except csv.Error:
            continue
        width = len(rows[0]) if rows else 0
        alike = sum(len(row) == width for row in rows)
        scores.append((width > 1, alike / max(1, len(rows)), width, delimiter))
    best = max(scores, default=None, key=lambda score: score[:3])
    return best[3] if best and best[0] else DELIMITERS[0]


class _JsonRows:
    """A file with a JSON object on each line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        _check_text(path)
        columns: dict[str, None] = {}
        for row in itertools.islice(self, _SAMPLE):
            columns |= dict.fromkeys(row.values)
        self.columns = tuple(columns)
        check_columns(path, self.columns)
        with path.open("rb") as file:
            self.total: int | None = sum(1 for line in file if line.strip())

    def __iter__(self) -> Iterator[Row]:
        with self._path.open("rb") as file:
            number = 0
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                if len(line) > LONGEST_LINE:
                    _skip_line(file, line)
                    yield Row(number, {}, f"it is longer than {LONGEST_LINE:,} bytes")
                elif line.strip():
                    yield _json_row(line, number)


def _skip_line(file: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(_STEP)


def _json_row(line: bytes, number: int) -> Row:
    try:
        values = json.loads(line.decode("utf-8-sig"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        return Row(number, {}, next(iter(str(error).splitlines()), "it is no JSON")[:200])
    if not isinstance(values, dict):
        return Row(number, {}, "it is no JSON object")
    return Row(number, values)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for number, name in enumerate(names) if name in names[:number])
        raise ValueError(f"it has {twice[:60]!r} twice")
    return values


class ParquetRows:
    """A Parquet file, read a batch of rows at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as file:
            self.columns = tuple(file.schema_arrow.names)
            self.total: int | None = file.metadata.num_rows
        check_columns(path, self.columns)

    def _open(self) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return pq.ParquetFile(self._path)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise unreadable(
                self._path, next(iter(str(error).splitlines()), "it is no Parquet")[:200]
            ) from None

    def __iter__(self) -> Iterator[Row]:
        return self.narrowed(None)

    def narrowed(self, columns: Collection[str] | None) -> Iterator[Row]:
        """Yield the rows with some columns only; all of them for ``None``."""
        import pyarrow as pa

        chosen = None if columns is None else [name for name in self.columns if name in columns]
        number = 0
        with self._open() as file:
            batches = file.iter_batches(batch_size=_BATCH, columns=chosen)
            while True:
                try:
                    batch = next(batches, None)
                    values = batch.to_pylist() if batch is not None else []
                except (pa.ArrowException, OSError, ValueError) as error:
                    why = next(iter(str(error).splitlines()), "it is damaged")[:200]
                    raise unreadable(self._path, f"after row {number}: {why}") from None
                if batch is None:
                    return
                for row in values:
                    number += 1
                    yield Row(number, {name: _json_like(value) for name, value in row.items()})


def _json_like(value: Any) -> Any:
    """Return a value of Parquet as one of JSON; ``None`` for bytes."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list):
        return [_json_like(one) for one in value]
    if isinstance(value, dict):
        return {str(name): _json_like(one) for name, one in value.items()}
    if isinstance(value, Decimal):
        return str(value)
    return value if isinstance(value, str | int | float) else None
