"""What a model generated: a table or a folder of images, each with the artist, prompt and seed it was made with."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

from stylesearch.attribution.model_study import Generated
from stylesearch.errors import InputError
from stylesearch.evaluation.listing import IMAGE_SUFFIXES

BASELINE = "_baseline"
"""Folder of images that were generated without any artist's name."""

COLUMNS = ("path", "artist", "prompt", "seed", "kind")
DEFAULT_KIND = "simple"
LONGEST = 1000


def read_generated(source: Path) -> tuple[Path, list[Generated]]:
    """List generated images.

    Parameters
    ----------
    source:
        A CSV file with the columns ``path`` (relative to the file's folder) and ``artist`` (empty for the baseline), and
        ``prompt``, ``seed`` and ``kind`` if known. Or a folder with a folder for each artist, named as credited, with the
        images in it or in folders named after the kind of prompt; ``_baseline`` is the baseline.

    Returns
    -------
    root, generated
        What paths are relative to, and the images.

    Raises
    ------
    InputError
        ``generated``, if it is neither, or holds no image.
    """
    if source.is_dir():
        root, found = source, list(_from_folder(source))
    else:
        root, found = source.parent, _from_table(source)
    if not found:
        raise _unusable(source, "it holds no image")
    return root, found


def _from_folder(root: Path) -> Iterator[Generated]:
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        artist = None if folder.name == BASELINE else folder.name
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
                inner = path.relative_to(folder).parts[:-1]
                yield Generated(
                    path.relative_to(root).as_posix(),
                    artist,
                    seed=path.stem,
                    kind=inner[0] if inner else DEFAULT_KIND,
                )


def _from_table(source: Path) -> list[Generated]:
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in ("path", "artist") if name not in (reader.fieldnames or ())]
            if missing:
                raise _unusable(source, f"it has no column {missing[0]!r}")
            lines = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unusable(source, getattr(error, "strerror", None) or "it is no CSV file in UTF-8") from error
    return [_generated(line) for line in lines if (line["path"] or "").strip()]


def _generated(line: dict[str, str]) -> Generated:
    def told(name: str) -> str:
        return " ".join((line.get(name) or "").split())[:LONGEST]

    path = os.path.normpath((line["path"] or "").strip())
    return Generated(path, told("artist") or None, told("prompt"), told("seed"), told("kind") or DEFAULT_KIND)


def _unusable(source: Path, what: str) -> InputError:
    return InputError(
        f"{source} cannot be used: {what}.",
        hint="Give a CSV file with the columns path and artist, or a folder with a folder for each artist.",
        code="generated",
    )
