"""The fourth stage: copies found, and of each group of them one image kept, with the labels of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylesearch.catalog.duplicates import NEAR_BITS
from stylesearch.curation import fetching, matching
from stylesearch.curation.components import check_sizes, components
from stylesearch.curation.copiers import MODEL_THRESHOLD, Copier, Rows, open_copier
from stylesearch.curation.folder import Parts
from stylesearch.curation.neighbours import in_chunks, near_pairs
from stylesearch.curation.recipe import LARGEST_FREE, digest
from stylesearch.curation.stage import Run
from stylesearch.curation.thresholds import SAMPLE, USUAL, Threshold, learn
from stylesearch.curation.verdicts import CopyVerdicts, copy_verdicts
from stylesearch.errors import ImageError, InputError, NotFoundError
from stylesearch.images.decode import Pixels, decode
from stylesearch.images.hashes import hash_distance

VERSION = 1
STAGE = "copies"
DRAWING = "image/svg+xml"

ROWS_FILE = "4-copies-rows.npy"

_BATCH = 64
_SIDE = 400
_CHUNK = 2048


@dataclass(frozen=True, slots=True)
class _Images:
    """The distinct images, in the order in which captions first name them."""

    digests: list[str]
    rows: list[dict[str, Any]]
    captions: list[list[int]]


def key(run: Run, before: str) -> str:
    """Return the stage's key."""
    recipe = run.recipe
    copier = open_copier(recipe.copy_model, run.settings.device)
    with run.database.session() as session:
        verdicts = copy_verdicts(session, recipe.name)
    how = [recipe.copy_threshold, recipe.neighbours, recipe.largest_share, recipe.seed]
    return digest(STAGE, VERSION, before, copier.identity, how, verdicts.digest)


def carry_out(run: Run, key: str) -> dict[str, Any]:  # noqa: ARG001 - its parts hang on the copier alone
    """Find copies and merge them; return what was counted.

    Raises
    ------
    InputError
        ``copies_everywhere``, if a group holds too much; ``copy_model``; ``no_images``, if nothing is left.
    """
    images = _read_images(run)
    copier = open_copier(run.recipe.copy_model, run.settings.device)
    with run.database.session() as session:
        verdicts = copy_verdicts(session, run.recipe.name)
    described, unseen = _describe_all(run, copier, images)
    blank = in_chunks(copier.blank, described)
    dull = {place for place in range(len(images.digests)) if place in unseen or blank[place]}
    candidates, scores = _candidates(run, copier, described, dull)
    threshold = _threshold(run, copier, images, described, dull, candidates, scores)
    pairs = _judged(images, candidates, scores, threshold.value, verdicts, dull)
    groups = components(len(images.digests), [(pair.one, pair.other) for pair in pairs])
    largest = check_sizes(
        groups, largest_share=run.recipe.largest_share, free=LARGEST_FREE, threshold=threshold.value
    )
    kept = _best_of_each(images, groups, dull)
    if not kept:
        raise InputError(
            "There is nothing to be seen in any of the images.",
            hint="Look at the originals.",
            code="no_images",
        )
    numbers = {group: number for number, group in enumerate(sorted(set(groups.tolist())))}
    run.folder.write_table(STAGE, "pairs", _pair_table(images, pairs, groups, numbers))
    run.folder.write_table(STAGE, "members", _member_table(images, groups, numbers, kept, dull))
    run.folder.write_table(STAGE, "", _kept_table(run, images, groups, numbers, kept))
    (run.folder.path / ROWS_FILE).unlink(missing_ok=True)
    kinds = Counter(pair.kind for pair in pairs)
    sizes = np.bincount(groups)
    merged = len(images.digests) - len(dull) - len(kept)
    return {
        "captions": sum(map(len, images.captions)),
        "exact": sum(map(len, images.captions)) - len(images.digests),
        "images": len(images.digests),
        "unreadable": len(unseen),
        "blank": len(dull) - len(unseen),
        "pairs": {kind: kinds[kind] for kind in ("near", "copy", "asked")},
        "said_different": sum(
            pair in verdicts.different for pair in _named(images, candidates, scores, threshold.value)
        ),
        "groups": int((sizes > 1).sum()),
        "largest_group": largest,
        "merged": merged,
        "kept": len(kept),
        "copier": copier.identity,
        "threshold": threshold.to_json(),
        "sizes": {str(size): number for size, number in sorted(Counter(sizes[sizes > 1].tolist()).items())},
    }


@dataclass(frozen=True, slots=True)
class _Pair:
    one: int
    other: int
    score: float | None
    kind: str


def _read_images(run: Run) -> _Images:
    found: dict[str, int] = {}
    rows: list[dict[str, Any]] = []
    captions: list[list[int]] = []
    ids = {
        source_id: row
        for row, source_id in enumerate(run.folder.table(matching.STAGE).column("id").to_pylist())
    }
    for row in run.folder.table(fetching.STAGE).to_pylist():
        place = found.setdefault(row["sha256"], len(found))
        if place == len(rows):
            rows.append(row)
            captions.append([])
        captions[place].append(ids[row["id"]])
    return _Images(list(found), rows, captions)


class _Described:
    """What the copier keeps of each image, in a file: a million looks take more than memory has.

    Attributes
    ----------
    rows:
        ``[n, ...]``; of an image that cannot be read, zeros.
    known, unseen:
        Numbers of the images that have been put in, and of those among them that cannot be read.
    """

    def __init__(self, path: Path, count: int) -> None:
        self._path = path
        self._count = count
        self.rows: NDArray[Any] | None = None
        self.known: set[int] = set()
        self.unseen: set[int] = set()

    def put(self, place: int, row: NDArray[Any] | None) -> None:
        """Put an image in."""
        self.known.add(place)
        if row is None:
            self.unseen.add(place)
            return
        if self.rows is None:
            self.rows = np.lib.format.open_memmap(
                self._path, mode="w+", dtype=row.dtype, shape=(self._count, *row.shape)
            )
        self.rows[place] = row


def _describe_all(run: Run, copier: Copier, images: _Images) -> tuple[Rows, set[int]]:
    """Return what the copier keeps of each image, and which cannot be read; what was described before is taken from there.

    Raises
    ------
    InputError
        ``no_images``, if none can be read.
    """
    parts = run.folder.parts(STAGE, digest(copier.identity))
    places = {sha256: place for place, sha256 in enumerate(images.digests)}
    found = _Described(run.folder.path / ROWS_FILE, len(images.digests))
    number = 0
    for part in parts:
        for sha256, row in _unpacked(part):
            if sha256 in places:
                found.put(places[sha256], row)
        number += 1
    missing = [place for place in range(len(images.digests)) if place not in found.known]
    for begin in range(0, len(missing), run.part_rows):
        chosen = missing[begin : begin + run.part_rows]
        fresh: dict[str, NDArray[Any] | None] = {}
        for start in range(0, len(chosen), _BATCH):
            batch = chosen[start : start + _BATCH]
            fresh |= _described(run, copier, [(images.digests[one], images.rows[one]) for one in batch])
            done = len(images.digests) - len(missing) + begin + start + len(batch)
            run.on_progress(done, len(images.digests), "images described for copies")
        _write_part(parts, number, fresh)
        number += 1
        for sha256, row in fresh.items():
            found.put(places[sha256], row)
    if found.rows is None:
        raise InputError("None of the images can be read.", hint="Look at the image store.", code="no_images")
    return found.rows, found.unseen


def _described(
    run: Run, copier: Copier, images: Sequence[tuple[str, dict[str, Any]]]
) -> dict[str, NDArray[Any] | None]:
    pictures = [(sha256, _pixels(run, sha256, row)) for sha256, row in images]
    seen = [(sha256, pixels) for sha256, pixels in pictures if pixels is not None]
    rows = list(copier.describe([pixels for _, pixels in seen])) if seen else []
    found: dict[str, NDArray[Any] | None] = dict.fromkeys([sha256 for sha256, _ in pictures])
    return found | {sha256: row for (sha256, _), row in zip(seen, rows, strict=True)}


def _pixels(run: Run, sha256: str, row: dict[str, Any]) -> Pixels | None:
    """Return an image from its thumbnail, or from the original where there is none; ``None`` if it cannot be read."""
    store, settings = run.store, run.settings
    for name in (store.thumbnail_key(bytes.fromhex(sha256)), row["storage_key"]):
        try:
            return decode(
                store.read(name),
                max_bytes=settings.max_file_bytes,
                max_pixels=settings.max_pixels,
                shortest_side=_SIDE // 2,
                longest_side=_SIDE,
            ).pixels
        except (ImageError, NotFoundError):
            continue
    return None


def _unpacked(part: Any) -> Iterator[tuple[str, NDArray[Any] | None]]:
    shape = tuple(map(int, part.schema.metadata[b"shape"].split(b",")))
    kind = part.schema.metadata[b"dtype"].decode()
    for sha256, data in zip(part.column("sha256").to_pylist(), part.column("row").to_pylist(), strict=True):
        yield sha256, None if data is None else np.frombuffer(data, kind).reshape(shape)


def _write_part(parts: Parts, number: int, fresh: dict[str, NDArray[Any] | None]) -> None:
    import pyarrow as pa

    shape = next((one for one in fresh.values() if one is not None), np.zeros(0, np.uint8))
    table = pa.table(
        {
            "sha256": pa.array(list(fresh), pa.string()),
            "row": pa.array([None if one is None else one.tobytes() for one in fresh.values()], pa.binary()),
        }
    )
    about = {"shape": ",".join(map(str, shape.shape)), "dtype": shape.dtype.str}
    parts.write(number, table.replace_schema_metadata(about))


def _candidates(
    run: Run, copier: Copier, described: Rows, dull: set[int]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return pairs of images that may be copies, and how near they are."""
    given = run.recipe.copy_threshold
    floor = copier.floor if copier.floor is not None else MODEL_THRESHOLD
    if given is not None:
        floor = given if copier.floor is None else min(floor, given)
    keys = in_chunks(copier.keys, described)
    keys[sorted(dull)] = 0
    pairs = near_pairs(
        described,
        keys,
        copier.queries,
        floor=floor,
        way=run.recipe.neighbours,
        database=run.database,
        on_done=lambda done, total: run.on_progress(done, total, "images compared"),
    )
    bright = ~np.isin(pairs, sorted(dull)).any(axis=1)
    pairs = pairs[bright]
    scores = [np.empty(0, np.float32)]
    for begin in range(0, len(pairs), _CHUNK):
        part = pairs[begin : begin + _CHUNK]
        scores.append(copier.scores(described[part[:, 0]], described[part[:, 1]]))
        run.on_progress(begin + len(part), len(pairs), "pairs looked at")
    return pairs, np.concatenate(scores)


def _threshold(
    run: Run,
    copier: Copier,
    images: _Images,
    described: Rows,
    dull: set[int],
    candidates: NDArray[np.int64],
    scores: NDArray[np.float32],
) -> Threshold:
    given = run.recipe.copy_threshold
    if given is not None or not copier.calibrated:
        return Threshold(given if given is not None else MODEL_THRESHOLD)
    nearest = np.full(len(images.digests), -1.0, np.float32)
    for column in (0, 1):
        np.maximum.at(nearest, candidates[:, column], scores)
    bright = sorted(
        (place for place in range(len(images.digests)) if place not in dull), key=images.digests.__getitem__
    )
    if not bright:
        return Threshold(USUAL)
    places = sorted(Random(run.recipe.seed).sample(bright, min(SAMPLE, len(bright))))
    run.on_progress(0, len(places), "copies made to learn from")
    return learn(
        copier,
        described,
        lambda place: _pixels(run, images.digests[place], images.rows[place]),
        places,
        nearest[bright],
        seed=run.recipe.seed,
    )


def _named(
    images: _Images, candidates: NDArray[np.int64], scores: NDArray[np.float32], threshold: float
) -> Iterator[tuple[str, str]]:
    for one, other in candidates[scores >= threshold].tolist():
        first, second = sorted((images.digests[one], images.digests[other]))
        yield first, second


def _judged(
    images: _Images,
    candidates: NDArray[np.int64],
    scores: NDArray[np.float32],
    threshold: float,
    verdicts: CopyVerdicts,
    dull: set[int],
) -> list[_Pair]:
    """Return the pairs of copies: those that score so high but for what people said is different, and what they said is the same."""
    found: dict[tuple[str, str], _Pair] = {}
    for (one, other), score in zip(candidates.tolist(), scores.tolist(), strict=True):
        first, second = sorted((images.digests[one], images.digests[other]))
        if score >= threshold and (first, second) not in verdicts.different:
            bits = hash_distance(images.rows[one]["hash"], images.rows[other]["hash"])
            found[first, second] = _Pair(one, other, round(score, 4), "near" if bits <= NEAR_BITS else "copy")
    places = {sha256: place for place, sha256 in enumerate(images.digests) if place not in dull}
    for first, second in sorted(verdicts.same):
        if (first, second) not in found and first in places and second in places:
            found[first, second] = _Pair(places[first], places[second], None, "asked")
    return list(found.values())


def _best_of_each(images: _Images, groups: NDArray[np.int64], dull: set[int]) -> list[int]:
    """Return of each group the image of the best resolution: a drawing, else the most pixels, else the first."""
    best: dict[int, tuple[tuple[bool, int, int], int]] = {}
    for place, row in enumerate(images.rows):
        if place not in dull:
            rank = (row["media_type"] == DRAWING, row["width"] * row["height"], -place)
            group = int(groups[place])
            if group not in best or rank > best[group][0]:
                best[group] = (rank, place)
    return sorted(place for _, place in best.values())


def _pair_table(
    images: _Images, pairs: list[_Pair], groups: NDArray[np.int64], numbers: dict[int, int]
) -> Any:
    import pyarrow as pa

    ordered = [
        (
            *sorted((images.digests[pair.one], images.digests[pair.other])),
            pair.score,
            pair.kind,
            numbers[int(groups[pair.one])],
        )
        for pair in pairs
    ]
    ordered.sort()
    kinds = (pa.string(), pa.string(), pa.float64(), pa.string(), pa.int64())
    names = ("a", "b", "score", "kind", "component")
    return pa.table(
        {
            name: pa.array([row[column] for row in ordered], kind)
            for column, (name, kind) in enumerate(zip(names, kinds, strict=True))
        }
    )


def _member_table(
    images: _Images, groups: NDArray[np.int64], numbers: dict[int, int], kept: list[int], dull: set[int]
) -> Any:
    import pyarrow as pa

    chosen = set(kept)
    became = [
        "kept" if place in chosen else "dull" if place in dull else "merged" for place in range(len(groups))
    ]
    return pa.table(
        {
            "sha256": pa.array(images.digests, pa.string()),
            "component": pa.array([numbers[int(group)] for group in groups], pa.int64()),
            "became": pa.array(became, pa.string()),
        }
    )


def _kept_table(
    run: Run, images: _Images, groups: NDArray[np.int64], numbers: dict[int, int], kept: list[int]
) -> Any:
    """Return the kept images with the labels and captions of their groups."""
    import pyarrow as pa

    matched = run.folder.table(matching.STAGE).to_pylist()
    members: dict[int, list[int]] = {}
    for place, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(place)
    rows = []
    for place in kept:
        group = [place, *(one for one in members[int(groups[place])] if one != place)]
        captions = [row for one in group for row in images.captions[one]]
        tags = sorted({tag for row in captions for tag in matched[row]["tags"]})
        own = matched[images.captions[place][0]]
        content = next((text for row in captions if (text := matched[row]["content"])), "")
        rows.append(
            {
                "sha256": images.digests[place],
                "component": numbers[int(groups[place])],
                "tags": tags,
                "own_tags": len({tag for row in images.captions[place] for tag in matched[row]["tags"]}),
                "ids": [matched[row]["id"] for row in captions],
                "copies": [images.digests[one] for one in group[1:]],
                "caption": own["caption"],
                "content": content,
                "reserved": any(images.rows[one]["reserved"] for one in group),
            }
        )
    texts, numerals = pa.list_(pa.string()), pa.list_(pa.int32())
    kinds = {
        "sha256": pa.string(), "component": pa.int64(), "tags": numerals, "own_tags": pa.int64(), "ids": texts, "copies": texts,
        "caption": pa.string(), "content": pa.string(), "reserved": pa.bool_(),
    }  # fmt: skip
    return pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in kinds.items()})
