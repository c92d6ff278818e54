"""Describes the images of a listing with encoders and baselines, and keeps what was described for the next time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylesearch.encoders.checking import checked
from stylesearch.encoders.decoding import SHORTEST_SIDE, decode_for
from stylesearch.encoders.protocol import Descriptors, Pixels, PreparingEncoder
from stylesearch.encoders.registry import encode_checked, get_encoder
from stylesearch.errors import ImageError, InputError
from stylesearch.evaluation import kept
from stylesearch.evaluation.baselines import get_baseline
from stylesearch.images.decode import decode

BATCH = 16

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused before it is decoded: see :func:`stylesearch.images.decode.decode`."""

    max_bytes: int
    max_pixels: int


@dataclass(frozen=True, slots=True)
class Describer:
    """An encoder or a baseline, under its name.

    Attributes
    ----------
    slug:
        What it is called in tables.
    digest:
        Hex digest of all that makes its descriptors comparable.
    facts:
        What else a reader of a result should know: for an encoder its dim, weights, preprocessing and licence.
    decoding:
        Names the way it wants files decoded; describers of one name get the same pixels, decoded once.
    decode:
        Decodes a file within limits.
    prepare:
        Takes the pixels of one picture, returns what is kept of it until it is described.
    describe:
        Takes what was prepared of several, returns ``[n, dim]``.
    """

    slug: str
    digest: str
    facts: dict[str, Any]
    decoding: str
    decode: Callable[[bytes, Limits], Pixels]
    prepare: Callable[[Pixels], Pixels]
    describe: Callable[[Sequence[Pixels]], Descriptors]

    @property
    def identity(self) -> dict[str, Any]:
        """Slug, digest and facts, as a result keeps them."""
        return {"slug": self.slug, "digest": self.digest, **self.facts}


@dataclass(frozen=True, slots=True)
class Described:
    """Descriptors of those images that could be read.

    Attributes
    ----------
    places:
        Which images of the listing they are of, in order.
    descriptors:
        By describer, ``[places, dim]``, in the order in which the describers were given.
    failures:
        Place of each image that could not be read, with the reason.
    """

    places: tuple[int, ...]
    descriptors: tuple[Descriptors, ...]
    failures: dict[int, str]


def encoder_describer(
    slug: str,
    *,
    device: str = "auto",
    precision: str = "auto",
    weights: Path | None = None,
    folder: Path | None = None,
) -> Describer:
    """Return a registered encoder as a describer that gives what ``stylesearch encode`` gives.

    Parameters
    ----------
    slug, device, precision, weights, folder:
        As for :func:`~stylesearch.encoders.registry.get_encoder`.

    Raises
    ------
    StylesearchError
        As the registry does.
    """
    encoder = get_encoder(slug, device=device, precision=precision, weights=weights, folder=folder)
    spec = encoder.spec
    facts = asdict(spec)
    del facts["slug"]
    full = isinstance(encoder, PreparingEncoder) and encoder.full_size

    def decoded(data: bytes, limits: Limits) -> Pixels:
        return decode_for(
            encoder, data, max_bytes=limits.max_bytes, max_pixels=limits.max_pixels, full=full
        ).pixels

    size = max(SHORTEST_SIDE, encoder.input_size)
    if not isinstance(encoder, PreparingEncoder):
        return Describer(
            spec.slug, spec.digest, facts, str(size), decoded, _as_it_is, partial(encode_checked, encoder)
        )

    def describe(prepared: Sequence[Pixels]) -> Descriptors:
        return checked(encoder.encode_prepared(prepared), count=len(prepared), dim=spec.dim)

    return Describer(
        spec.slug,
        spec.digest,
        facts,
        f"{size}, full" if full else str(size),
        decoded,
        encoder.prepare,
        describe,
    )


def baseline_describer(name: str, *, device: str = "auto") -> Describer:
    """Return a baseline as a describer.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    baseline = get_baseline(name, device=device)
    facts = {"dim": baseline.dim}
    return Describer(
        baseline.name, baseline.digest, facts, str(SHORTEST_SIDE), _small, _as_it_is, baseline.describe
    )


def _small(data: bytes, limits: Limits) -> Pixels:
    limited = {"max_bytes": limits.max_bytes, "max_pixels": limits.max_pixels}
    return decode(data, **limited, shortest_side=SHORTEST_SIDE).pixels


def _as_it_is(pixels: Pixels) -> Pixels:
    return pixels


def describe_images(
    describers: Sequence[Describer],
    root: Path,
    paths: Sequence[str],
    *,
    limits: Limits,
    cache: Path | None = None,
    on_progress: Progress | None = None,
) -> Described:
    """Describe images with several describers, each image decoded once for all that want it decoded alike.

    Parameters
    ----------
    describers:
        At least one.
    root, paths:
        The images; paths are relative to the root.
    limits:
        What is refused.
    cache:
        Folder that keeps descriptors, one file a describer, named after its slug and digest. An image is described anew
        only if its file has another size or time than when it was described.
    on_progress:
        Called with the number of images dealt with and the number there are, over all ways of decoding.

    Raises
    ------
    InputError
        ``nothing_readable``, if no image could be read.
    StylesearchError
        If a describer fails.
    """
    stamps = [kept.stamp(root / path) for path in paths]
    tables = [
        {} if cache is None else kept.load(cache, describer.slug, describer.digest, root)
        for describer in describers
    ]
    known = [
        {place for place, path in enumerate(paths) if table.get(path, (None,))[0] == stamps[place]}
        for table in tables
    ]
    rows: list[dict[int, NDArray[np.float32]]] = [
        {place: table[paths[place]][1] for place in places}
        for table, places in zip(tables, known, strict=True)
    ]
    failures: dict[int, str] = {}
    try:
        _describe_missing(describers, known, rows, failures, root, paths, limits, on_progress)
    finally:  # also when it is interrupted: what has been described need not be again
        if cache is not None:
            for describer, table in zip(describers, rows, strict=True):
                if table:
                    kept.save(cache, describer.slug, describer.digest, root, paths, stamps, table)
    places = [place for place in range(len(paths)) if all(place in table for table in rows)]
    if not places:
        raise InputError(
            f"None of the {len(paths)} images could be read; the first: {next(iter(failures.values()))}",
            hint="Check the folder.",
            code="nothing_readable",
        )
    descriptors = tuple(np.stack([table[place] for place in places]) for table in rows)
    return Described(tuple(places), descriptors, dict(sorted(failures.items())))


def readable_name(path: str | Path) -> str:
    """Return a path as text that can be printed and stored; bytes that are no UTF-8 are written as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _describe_missing(
    describers: Sequence[Describer],
    known: Sequence[set[int]],
    rows: Sequence[dict[int, NDArray[np.float32]]],
    failures: dict[int, str],
    root: Path,
    paths: Sequence[str],
    limits: Limits,
    on_progress: Progress | None,
) -> None:
    """Fill in, by describer, the descriptors of the places that are not known, and the reasons of failures."""
    ways: dict[str, list[int]] = {}
    for member, describer in enumerate(describers):
        ways.setdefault(describer.decoding, []).append(member)
    total, done = len(paths) * len(ways), 0
    for members in ways.values():
        for batch in _batches(range(len(paths))):
            wanted = {member: [place for place in batch if place not in known[member]] for member in members}
            prepared = _prepared(wanted, describers, root, paths, limits, failures)
            for member, pictures in prepared.items():
                if pictures:
                    found = describers[member].describe(list(pictures.values()))
                    rows[member].update(zip(pictures, found, strict=True))
            done += len(batch)
            if on_progress is not None:
                on_progress(done, total)


def _batches(places: range) -> Iterator[range]:
    for start in range(0, len(places), BATCH):
        yield places[start : start + BATCH]


def _prepared(
    wanted: dict[int, list[int]],
    describers: Sequence[Describer],
    root: Path,
    paths: Sequence[str],
    limits: Limits,
    failures: dict[int, str],
) -> dict[int, dict[int, Pixels]]:
    """Return by describer and place what is to be described; these describers want files decoded alike.

    One picture is held at a time in all its pixels, as some want it at full size.
    """
    prepared: dict[int, dict[int, Pixels]] = {member: {} for member in wanted}
    for place in sorted({place for places in wanted.values() for place in places}):
        members = [member for member, places in wanted.items() if place in places]
        try:
            data = _read(root / paths[place], limits.max_bytes)
            pixels = describers[members[0]].decode(data, limits)
        except ImageError as error:
            failures[place] = error.message
            continue
        for member in members:
            prepared[member][place] = describers[member].prepare(pixels)
    return prepared


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(max_bytes + 1)
    except OSError as error:
        raise ImageError(f"The file cannot be read: {error.strerror}.", code="file_unreadable") from None
