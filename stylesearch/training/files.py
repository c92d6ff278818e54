"""Pictures in files: a folder for each style, or a table that says which file has which tags."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylesearch.errors import InputError
from stylesearch.training.datasets import Decoding, PictureSet

SUFFIXES = frozenset(
    [
        ".apng",
        ".avif",
        ".gif",
        ".heic",
        ".heif",
        ".j2k",
        ".jp2",
        ".jpe",
        ".jpeg",
        ".jpg",
        ".jxl",
        ".png",
        ".svg",
        ".svgz",
        ".tif",
        ".tiff",
        ".webp",
    ]
)
"""How the names of files end that are taken for pictures."""

TAG_SEPARATOR = ";"


@dataclass(frozen=True, slots=True)
class _Files:
    paths: Sequence[Path]
    max_bytes: int

    def __call__(self, sample: int) -> bytes:
        with self.paths[sample].open("rb") as file:
            return file.read(self.max_bytes + 1)  # one more than is taken, so that the decoder refuses it


def picture_folder(folder: Path, *, decoding: Decoding) -> PictureSet:
    """Open ``FOLDER/<style>/<content>.<ext>``: the first folder is the tag, the rest of the path names the content.

    So pictures of the same name under two styles count as depicting the same. Hidden files and folders are left out,
    and linked folders are not entered.

    Raises
    ------
    InputError
        ``folder_missing``, ``no_pictures``, or ``tags_missing`` where all pictures lie in FOLDER itself.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", hint="Check the path.", code="folder_missing")
    found = sorted(_pictures(folder))
    samples = []
    for path in found:
        style, *below = path.relative_to(folder).with_suffix("").parts
        samples.append(
            (path.relative_to(folder).as_posix(), [style] if below else [], "/".join(below) or None)
        )
    return _of_files(f"the folder {folder}", samples, found, decoding)


def picture_table(table: Path, *, decoding: Decoding) -> PictureSet:
    """Open a table of pictures: CSV with the columns path, tags and content, or JSON Lines with those fields.

    Paths are relative to the table's folder; several tags are parted by ``;``, or a list in JSON Lines; the content may
    be left out.

    Raises
    ------
    InputError
        ``table``, with the line, if it cannot be read; ``no_pictures``, ``tags_missing``.
    """
    paths, samples = [], []
    for line, row in _rows(table):
        path, tags, content = row.get("path"), row.get("tags"), row.get("content")
        if not isinstance(path, str) or not path:
            raise _bad_table(table, f"has no path on line {line}")
        if isinstance(tags, str):
            tags = tags.split(TAG_SEPARATOR)
        if not isinstance(tags, list | None):
            raise _bad_table(table, f"has tags on line {line} that are neither text nor a list")
        names = [str(tag).strip() for tag in tags or () if str(tag).strip()]
        paths.append(table.parent / path)
        samples.append((path, names, str(content).strip() if content is not None else None))
    return _of_files(f"the table {table}", samples, paths, decoding)


def _of_files(
    source: str,
    samples: Sequence[tuple[str, Sequence[str], str | None]],
    paths: Sequence[Path],
    decoding: Decoding,
) -> PictureSet:
    return PictureSet.of(
        source,
        samples,
        reader=lambda kept: _Files([paths[number] for number in kept], decoding.max_bytes),
        decoding=decoding,
    )


def _pictures(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(parent, name)


def _rows(table: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield each row with its line."""
    try:
        text = table.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise _bad_table(table, f"cannot be read: {reason}") from error
    if table.suffix.lower() == ".csv":
        reader = csv.DictReader(text.splitlines())
        for row in reader:
            yield reader.line_num, row
        return
    for line, entry in enumerate(text.splitlines(), start=1):
        if not entry.strip():
            continue
        try:
            values = json.loads(entry)
        except json.JSONDecodeError:
            values = None
        if not isinstance(values, dict):
            raise _bad_table(table, f"has no JSON object on line {line}")
        yield line, values


def _bad_table(table: Path, what: str) -> InputError:
    return InputError(
        f"The table {table} {what}.",
        hint="It needs path, tags and, if known, content: columns of a .csv, or fields of a .jsonl.",
        code="table",
    )
