"""The images of a collection and what is known of each, from a table or a folder."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylesearch.errors import InputError
from stylesearch.evaluation.protocols import DATABASE, QUERY

IMAGE_SUFFIXES = frozenset(
    {
        ".apng", ".avif", ".bmp", ".gif", ".heic", ".heif", ".j2k", ".jp2", ".jpe", ".jpeg", ".jpg", ".jxl", ".png", ".svg",
        ".svgz", ".tif", ".tiff", ".webp",
    }
)  # fmt: skip
TABLE_SUFFIXES = (".csv", ".jsonl", ".ndjson")
SEPARATOR = ";"
"""Parts several labels of one image in a table."""


_STYLE_COLUMNS = ("style", "artist", "domain", "label")
_CONTENT_COLUMNS = ("content", "class")


@dataclass(frozen=True, slots=True)
class Listing:
    """The images of a collection and what is known of each, in a fixed order.

    Attributes
    ----------
    root:
        Folder that the paths are relative to.
    paths:
        Image files; absolute ones stand for themselves.
    styles:
        The labels of each image: its style, its artist, its domain. One or more.
    contents:
        What each image shows; ``None`` where that is not known.
    splits:
        ``query`` or ``database`` for each image; ``None`` where the protocol has no split.
    notes:
        What a reader of the result should know of how this was made.
    """

    root: Path
    paths: tuple[str, ...]
    styles: tuple[frozenset[str], ...]
    contents: tuple[str, ...] | None = None
    splits: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, places: Iterable[int]) -> Listing:
        """Return the listing of some of the images."""
        chosen = list(places)
        return Listing(
            self.root,
            tuple(self.paths[place] for place in chosen),
            tuple(self.styles[place] for place in chosen),
            None if self.contents is None else tuple(self.contents[place] for place in chosen),
            None if self.splits is None else tuple(self.splits[place] for place in chosen),
            self.notes,
        )

    @property
    def single_styles(self) -> tuple[str, ...]:
        """Each image's one label.

        Raises
        ------
        InputError
            ``labels``, if an image has several.
        """
        for path, names in zip(self.paths, self.styles, strict=True):
            if len(names) != 1:
                raise InputError(
                    f"{path} has {len(names)} labels: {', '.join(sorted(names))}.",
                    hint="This protocol needs one label an image.",
                    code="labels",
                )
        return tuple(next(iter(names)) for names in self.styles)


def read_table(table: Path) -> Listing:
    """Read a table of images: CSV with a header, or JSON lines.

    Columns: ``path``, relative to the table; one of ``style``, ``artist``, ``domain``, ``label``, several parted by ``;``
    (or a list, in JSON); and perhaps ``content`` or ``class``, and ``split``.

    Raises
    ------
    InputError
        ``labels_table``, with the line, if it cannot be read or lacks something.
    """
    rows = read_rows(table)
    first = rows[0][1]
    style = next((name for name in _STYLE_COLUMNS if name in first), None)
    if "path" not in first or style is None:
        raise InputError(
            f"{table} needs a column path and one of {', '.join(_STYLE_COLUMNS)}; it has {', '.join(first) or 'none'}.",
            hint="Mend its first line.",
            code="labels_table",
        )
    content = next((name for name in _CONTENT_COLUMNS if name in first), None)
    splits = None
    if "split" in first:
        splits = tuple(split_in(cell(row, "split", line, table), line, table) for line, row in rows)
    paths = tuple(cell(row, "path", line, table) for line, row in rows)
    seen: set[str] = set()
    for (line, _), path in zip(rows, paths, strict=True):
        if path in seen:
            raise _at(table, line, f"names {path} a second time")
        seen.add(path)
    return Listing(
        table.parent,
        paths,
        tuple(names_in(row, style, line, table) for line, row in rows),
        None if content is None else tuple(cell(row, content, line, table) for line, row in rows),
        splits,
    )


def images_below(folder: Path) -> list[tuple[str, tuple[str, ...]]]:
    """Return the relative path of each image file below a folder and its parts, sorted by path; links to folders are not followed."""
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", hint="Check the path.", code="folder_missing")
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES:
                relative = Path(parent, name).relative_to(folder)
                found.append((relative.as_posix(), relative.parts))
    if not found:
        raise InputError(
            f"The folder {folder} holds no images.",
            hint=f"Images are files that end in {', '.join(sorted(IMAGE_SUFFIXES))}.",
            code="folder_empty",
        )
    return sorted(found)


def read_rows(table: Path) -> list[tuple[int, dict[str, Any]]]:
    """Return each row of a table with its line."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            if table.suffix.lower() in TABLE_SUFFIXES[1:]:
                rows = [(line, json.loads(text)) for line, text in enumerate(file, 1) if text.strip()]
            else:
                reader = csv.DictReader(file)
                reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or []]
                rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error, json.JSONDecodeError) as error:
        raise InputError(
            f"The table {table} cannot be read: {error}.",
            hint="It must be CSV with a header, or JSON lines, in UTF-8.",
            code="labels_table",
        ) from error
    if not rows or not all(isinstance(row, dict) for _, row in rows):
        raise InputError(
            f"The table {table} has no rows."
            if not rows
            else f"The table {table} has lines that are no objects.",
            hint="Give one image a line.",
            code="labels_table",
        )
    return rows


def cell(row: dict[str, Any], column: str, line: int, table: Path) -> str:
    """Return a row's text in a column.

    Raises
    ------
    InputError
        ``labels_table``, with the line, if there is none.
    """
    value = row.get(column)
    text = "" if value is None else str(value).strip()
    if not text:
        raise _at(table, line, f"has no {column}")
    return text


def names_in(row: dict[str, Any], column: str, line: int, table: Path) -> frozenset[str]:
    """Return a row's names in a column: a list, in JSON, or text with the names parted by ``;``.

    Raises
    ------
    InputError
        ``labels_table``, with the line, if there is none.
    """
    value = row.get(column)
    parts: Sequence[Any] = (
        value if isinstance(value, list) else cell(row, column, line, table).split(SEPARATOR)
    )
    names = frozenset(str(part).strip() for part in parts if str(part).strip())
    if not names:
        raise _at(table, line, f"has no {column}")
    return names


def split_in(text: str, line: int, table: Path) -> str:
    """Return the split that a text names.

    Raises
    ------
    InputError
        ``labels_table``, with the line, if it is neither query nor database.
    """
    if text.lower() not in (QUERY, DATABASE):
        raise _at(table, line, f"has the split {text!r}, which is neither query nor database")
    return text.lower()


def _at(table: Path, line: int, what: str) -> InputError:
    return InputError(f"Line {line} of {table} {what}.", hint="Mend or remove it.", code="labels_table")
