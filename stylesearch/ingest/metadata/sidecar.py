"""Metadata in a JSON file beside an image: ``barn.json`` or ``barn.jpg.json`` for ``barn.jpg``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stylesearch.catalog.records import WorkRecord
from stylesearch.errors import ImageError
from stylesearch.ingest.metadata.mapping import from_fields
from stylesearch.ingest.metadata.vocabulary import automatic

LARGEST_SIDECAR = 1024**2
SUFFIX = ".json"


def sidecar_of(image: Path) -> Path | None:
    """Return the JSON file that belongs to an image, if there is one."""
    candidates = (image.with_name(image.name + SUFFIX), image.with_suffix(SUFFIX))
    # Unlike Path.is_file, this is not put out by a name that is too long with the ending.
    return next((path for path in candidates if os.path.isfile(path)), None)  # noqa: PTH113


def read_sidecar(path: Path, *, root: Path) -> WorkRecord:
    """Read a sidecar.

    Parameters
    ----------
    root:
        The folder, with links resolved, that it must lie in, through all links.

    Raises
    ------
    ImageError
        ``sidecar_unreadable``, if it lies elsewhere, cannot be read, is larger than a mebibyte, or is no JSON object in
        UTF-8.
    """
    try:
        if not path.resolve(strict=True).is_relative_to(root):
            raise _unreadable(path, "it is a link that leads out of the folder")
        with path.open("rb") as file:
            data = file.read(LARGEST_SIDECAR + 1)
    except OSError as error:
        raise _unreadable(path, error.strerror or "it cannot be opened") from None
    if len(data) > LARGEST_SIDECAR:
        raise _unreadable(path, f"it has more than {LARGEST_SIDECAR:,} bytes")
    return read_object(read_json_object(data, path.name))


def read_json_object(data: bytes, name: str) -> dict[str, Any]:
    """Return the object that some JSON is.

    Raises
    ------
    ImageError
        ``sidecar_unreadable``, if it is none.
    """
    try:
        values = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _unreadable(name, next(iter(str(error).splitlines()), "it is no JSON")) from None
    if not isinstance(values, dict):
        raise _unreadable(name, "it is no JSON object")
    return values


def read_object(values: Mapping[str, Any]) -> WorkRecord:
    """Read a JSON object by the usual names of its keys; what has another name is kept with the work."""
    return from_fields(values, automatic(values)).record()


def _unreadable(path: Path | str, why: str) -> ImageError:
    name = path.name if isinstance(path, Path) else path
    return ImageError(f"The metadata {name} cannot be read: {why[:200]}.", code="sidecar_unreadable")
