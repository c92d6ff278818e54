"""A table of works: CSV, JSON lines or Parquet, with the paths or addresses of their images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stylesearch.catalog.records import WorkRecord, tidy
from stylesearch.errors import ImageError, InputError
from stylesearch.ingest.fetching.files import locator
from stylesearch.ingest.metadata.mapping import from_fields
from stylesearch.ingest.metadata.values import plain, web_address
from stylesearch.ingest.metadata.vocabulary import FIELD_NAMES, automatic
from stylesearch.ingest.sources.chosen import chosen_ids
from stylesearch.ingest.sources.local import NOWHERE, digest_file
from stylesearch.ingest.sources.protocol import Found, Page
from stylesearch.ingest.sources.rows import Row, Rows, digest_of, open_rows
from stylesearch.settings import Settings

PAGE = 500
"""Rows that are entered into the ledger at a time."""
SEPARATORS = ";|"
"""What parts several values in one text."""
LONGEST_ID = 500
_SEVERAL = ("artist", "contributor", "keywords")


@dataclass(frozen=True)
class TableSource:
    """The rows of a table, each a work with one image.

    Parameters
    ----------
    path:
        The table; its name's ending says what it is.
    columns:
        Field to column, for columns whose names are not the usual ones.
    images:
        The folder that paths are relative to, and that images must lie in; the table's own by default.
    delimiter:
        Of a CSV; found out where it is not given.
    max_bytes:
        Most bytes of an image file.
    only:
        Ids of the rows that are meant; ``None`` for all.

    Raises
    ------
    InputError
        If the table cannot be read or has no rows, or it cannot be told which column holds the images.
    """

    path: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    images: Path | None = None
    delimiter: str | None = None
    max_bytes: int = 256 * 1024**2
    only: frozenset[str] | None = None
    _rows: Rows = field(init=False, repr=False)
    _fields: Mapping[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", self.path.absolute())
        rows = open_rows(self.path, delimiter=self.delimiter)
        if not rows.total:
            raise InputError(
                f"The table {self.path} has no rows.", hint="Check the path.", code="table_empty"
            )
        object.__setattr__(self, "_rows", rows)
        object.__setattr__(self, "_fields", column_fields(rows.columns, self.columns, self.path.name))

    @property
    def uri(self) -> str:
        """What names this source in the ledger."""
        return locator(self.path)

    @property
    def kind(self) -> str:
        """``table``."""
        return "table"

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """Yield the rows in their order; a cursor is the table's digest and how many rows are done.

        A table that has changed since is gone through from its beginning. A row that cannot be taken, because it has no
        id or no image, or one that came before, is an error by itself.
        """
        digest = digest_of(self.path)[:32]
        done = _done(cursor, digest)
        root = (self.images or self.path.parent).resolve()
        seen: set[str] = set()
        page: list[Found] = []
        number = 0
        for number, row in enumerate(self._rows, 1):
            source_id, error = self._identify(row, seen)
            if number <= done or (self.only is not None and source_id not in self.only):
                continue
            page.append(self._found(row, source_id, error, root))
            if len(page) == PAGE:
                yield Page(tuple(page), f"{digest}:{number}", self._total)
                page = []
        yield Page(tuple(page), None, max(number, self._total or 0) if self.only is None else self._total)

    @property
    def _total(self) -> int | None:
        return self._rows.total if self.only is None else len(self.only)

    def _identify(self, row: Row, seen: set[str]) -> tuple[str, ImageError | None]:
        """Return a row's id, unique in the table, and what is wrong with it."""
        if row.problem is not None:
            problem = ImageError(f"Row {row.number} cannot be read: {row.problem}.", code="row_unreadable")
            return f"row {row.number}", problem
        column = self._column("id") or self._column("image")
        source_id = row_id(row.values.get(column)) if column else None
        if not source_id:
            return f"row {row.number}", ImageError(f"Row {row.number} has no id.", code="row_id_missing")
        if source_id in seen:
            problem = ImageError(f"The id {source_id[:80]!r} came in an earlier row.", code="row_id_twice")
            return f"{source_id} (row {row.number})", problem
        seen.add(source_id)
        return source_id, None

    def _found(self, row: Row, source_id: str, error: ImageError | None, root: Path) -> Found:
        record = self._record(row) if row.problem is None else WorkRecord()
        image = self._value(row, "image")
        if error is not None or not image:
            error = error or ImageError("The row names no image.", code="row_image_missing")
            return Found(source_id, NOWHERE, None, record, error=error)
        if address := web_address(image):
            return Found(source_id, address, None, record, version=self._version(row))
        if "://" in image:
            problem = ImageError(
                f"{image[:80]!r} is neither a path nor a web address.", code="row_image_invalid"
            )
            return Found(source_id, NOWHERE, None, record, error=problem)
        path = _path(root, image)
        try:
            digest = digest_file(path, root=root, max_bytes=self.max_bytes)
        except ImageError as problem:
            return Found(source_id, locator(path), None, record, error=problem)
        return Found(source_id, locator(path), digest, record)

    def _record(self, row: Row) -> WorkRecord:
        values = {
            name: _parts(value) if self._fields.get(name) in _SEVERAL else value
            for name, value in row.values.items()
        }
        return from_fields(values, self._fields).record()

    def _version(self, row: Row) -> str | None:
        stated = self._value(row, "version")
        return f"row:{stated[:200]}" if stated else None

    def _value(self, row: Row, target: str) -> str | None:
        """Return a value that names something: as it is, since a name may hold what looks like markup."""
        column = self._column(target)
        return _naming(row.values.get(column)) if column else None

    def _column(self, target: str) -> str | None:
        return next((name for name, one in self._fields.items() if one == target), None)


def row_id(value: object) -> str | None:
    """Return the id that a row's value gives its work; ``None`` for none."""
    return tidy((_naming(value) or "")[:LONGEST_ID])


def _naming(value: object) -> str | None:
    value = next(iter(value), None) if isinstance(value, list) else value
    return (value.strip() or None) if isinstance(value, str) else plain(value)


def column_fields(columns: Sequence[str], given: Mapping[str, str], table: str) -> dict[str, str]:
    """Return which column stands for which field: as given, and for the rest by the usual names.

    Raises
    ------
    InputError
        ``table_columns``, if a given field or column does not exist, or no column holds images.
    """
    for target, column in given.items():
        if target not in FIELD_NAMES:
            raise InputError(
                f"There is no field {target!r}.",
                hint=f"Fields: {', '.join(sorted(FIELD_NAMES))}.",
                code="table_columns",
            )
        if column not in columns:
            raise _columns_error(f"The table {table} has no column {column!r}", columns)
    usual = automatic(name for name in columns if name not in given.values())
    fields = {name: target for name, target in usual.items() if target not in given}
    fields |= {column: target for target, column in given.items()}
    if "image" not in fields.values():
        raise _columns_error(f"No column of the table {table} is known to hold images", columns)
    return fields


def _columns_error(what: str, columns: Sequence[str]) -> InputError:
    shown = ", ".join(name[:40] for name in columns[:30] if name) or "none"
    return InputError(
        f"{what}; its columns are: {shown}.", hint="Name it with --map image=COLUMN.", code="table_columns"
    )


def _done(cursor: str | None, digest: str) -> int:
    before, _, done = (cursor or "").partition(":")
    return int(done) if before == digest and done.isdecimal() else 0


def _path(root: Path, image: str) -> Path:
    path = root / image
    # Tables from Windows part folders with backslashes; a name that really has one is left alone.
    return path if "\\" not in image or path.exists() else root / image.replace("\\", "/")


def _parts(value: object) -> object:
    if not isinstance(value, str):
        return value
    for separator in SEPARATORS[1:]:
        value = value.replace(separator, SEPARATORS[0])
    return [part.strip() for part in value.split(SEPARATORS[0]) if part.strip()]


def from_options(options: Mapping[str, Any], settings: Settings) -> TableSource:
    """Return the source that a run's options describe: ``path``, ``columns``, ``images``, ``delimiter`` and ``only_file``.

    Raises
    ------
    InputError
        As :class:`TableSource`.
    """
    images = options.get("images")
    return TableSource(
        Path(options["path"]),
        columns=options.get("columns") or {},
        images=Path(images) if images else None,
        delimiter=options.get("delimiter"),
        max_bytes=settings.max_file_bytes,
        only=chosen_ids(options),
    )
