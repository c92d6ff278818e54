"""Files of descriptors: as ``stylesearch encode`` writes them, and as an evaluation keeps them for the next time."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylesearch.encoders.protocol import Descriptors
from stylesearch.errors import InputError
from stylesearch.evaluation.ranking import unit

Stamp = tuple[int, int]
"""A file's size and time of change, by which a changed file is known."""

Table = dict[str, tuple[Stamp, NDArray[np.float32]]]

_TOLD = {
    "encoder": "slug",
    "encoder_digest": "digest",
    "weights_sha256": "weights_sha256",
    "preprocessing": "preprocessing",
}
"""What a file of descriptors tells of its encoder: array and what it is called in a result."""


def read_descriptors(path: Path) -> tuple[tuple[str, ...], Descriptors, dict[str, Any]]:
    """Read a file that ``stylesearch encode`` wrote.

    Returns
    -------
    paths, descriptors, identity
        Of the arrays ``paths`` and ``descriptors``, and the encoder's slug, digest and facts as far as the file tells; the
        slug is the file's name and the digest the file's own where it does not.

    Raises
    ------
    InputError
        ``descriptors_file``, if it is no such file; ``descriptors``, if a descriptor is not finite or all zero.
    """
    try:
        # Opened here, as numpy leaves a file open that turns out to be none of its own.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            paths, descriptors = arrays["paths"], arrays["descriptors"]
            told = {name: str(arrays[array]) for array, name in _TOLD.items() if array in arrays}
    except KeyError as error:
        raise _no_descriptors(path, f"it lacks an array: {error.args[0]}") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError, TypeError) as error:
        what = (
            error.strerror
            if isinstance(error, OSError) and error.strerror
            else "it is no npz file of plain arrays"
        )
        raise _no_descriptors(path, what) from None
    if paths.ndim != 1 or paths.dtype.kind != "U" or descriptors.ndim != 2 or len(paths) != len(descriptors):
        raise _no_descriptors(
            path,
            f"its arrays are {paths.dtype} {list(paths.shape)} and {descriptors.dtype} {list(descriptors.shape)}",
        )
    identity = {"slug": path.stem, "digest": hashlib.sha256(path.read_bytes()).hexdigest()} | told
    return tuple(paths.tolist()), unit(descriptors), {**identity, "dim": descriptors.shape[1]}


def _no_descriptors(path: Path, what: str) -> InputError:
    return InputError(
        f"{path} holds no descriptors: {what}.",
        hint="It must be as 'stylesearch encode' writes it: paths [n] and descriptors [n, dim].",
        code="descriptors_file",
    )


def stamp(path: Path) -> Stamp:
    """Return a file's size and time of change, by which a changed file is known; zeros where there is none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def cache_file(cache: Path, slug: str, digest: str) -> Path:
    """Return where a describer's descriptors are kept."""
    return cache / f"descriptors-{re.sub(r'[^A-Za-z0-9._-]+', '-', slug)}-{digest[:16]}.npz"


def load(cache: Path, slug: str, digest: str, root: Path) -> Table:
    """Return what is kept of images below a root, by path: what the file was and its descriptor. Nothing if it is damaged."""
    if not cache_file(cache, slug, digest).is_file():
        return {}
    try:
        with cache_file(cache, slug, digest).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if str(arrays["root"]) != str(root.absolute()) or str(arrays["encoder_digest"]) != digest:
                return {}
            stamps = [(int(size), int(time)) for size, time in arrays["stamps"]]
            return dict(
                zip(arrays["paths"].tolist(), zip(stamps, arrays["descriptors"], strict=True), strict=True)
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}  # a damaged cache is no cache


def save(
    cache: Path,
    slug: str,
    digest: str,
    root: Path,
    paths: Sequence[str],
    stamps: Sequence[Stamp],
    rows: dict[int, NDArray[np.float32]],
) -> None:
    """Keep descriptors by the places of their paths, in the place of what was kept before.

    Raises
    ------
    InputError
        ``not_writable``.
    """
    places = sorted(rows)
    target = cache_file(cache, slug, digest)
    half_made = target.with_name(f"{target.name}.part")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with half_made.open("wb") as file:
            np.savez(
                file,
                paths=np.array([paths[place] for place in places]),
                descriptors=np.stack([rows[place] for place in places]),
                stamps=np.array([stamps[place] for place in places], dtype=np.int64),
                root=np.array(str(root.absolute())),
                encoder=np.array(slug),
                encoder_digest=np.array(digest),
            )
        half_made.replace(target)
    except OSError as error:
        raise InputError(
            f"{target} cannot be written: {error.strerror}.", hint="Name another folder.", code="not_writable"
        ) from error
    finally:
        with suppress(OSError):  # nothing is there, most often, or the folder itself is none
            half_made.unlink()
