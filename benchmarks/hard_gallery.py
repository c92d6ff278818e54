"""A made gallery that is hard to search: clusters that run into each other, so that the nearest are hardly nearer than the rest.

Descriptors are drawn in a space of few dimensions, around centres that lie nearly as close to each other as their own points
do, and then turned into 768. Around a question they are as good as spread over 16 dimensions (the median of the local intrinsic
dimension by maximum likelihood over 100 neighbours, at 100,000), where real drawings under the encoder ``lite`` are over 8.5,
and the tenth neighbour is as near as there. Each has a number from 0 to 9,999 that hangs on nothing; a filter lets through those below a
bound. Everything hangs on the seed alone, and is made in blocks, so that any size is the beginning of every larger one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DIM, INNER, CENTRES, SEED, BLOCK = 768, 24, 2000, 20_240, 50_000
SPREAD, NOISE = 0.9, 0.02
CODES = 10_000
FILTERS: Mapping[str, int] = {"none": CODES, "50 %": 5000, "10 %": 1000, "1 %": 100, "0.1 %": 10, "0.01 %": 1}
"""By their names, below which number a row must be."""

K = 10


@dataclass(frozen=True)
class Hard:
    """A gallery with its questions and the right answers.

    Attributes
    ----------
    vectors:
        ``[n, 768]`` of unit norm, in half precision.
    codes:
        ``[n]``, 0 to 9,999.
    queries:
        ``[q, 768]``, likewise; none of them is in the gallery.
    nearest:
        By filter, ``[q, 10]`` rows, the nearest first; -1 where there are fewer.
    least:
        By filter, ``[q]``: the cosine of the last of them.
    """

    vectors: NDArray[np.float16]
    codes: NDArray[np.int64]
    queries: NDArray[np.float16]
    nearest: dict[str, NDArray[np.int64]]
    least: dict[str, NDArray[np.float64]]

    def recall(self, name: str, found: list[list[int]]) -> float:
        """Return the share of the right answers that was found; as near as the last of them is right, too."""
        hits = right = 0
        for number, ids in enumerate(found):
            expected = int((self.nearest[name][number] >= 0).sum())
            rows = np.array(ids[:K], dtype=np.int64)
            scores = self.vectors[rows].astype(np.float64) @ self.queries[number].astype(np.float64)
            hits += min(expected, int((scores >= self.least[name][number] - 1e-7).sum()))
            right += expected
        return hits / right if right else 1.0


def blocks(rows: int, *, queries: bool = False) -> Iterator[NDArray[np.float16]]:
    """Yield the descriptors of a gallery, or of its questions, block by block."""
    dice = np.random.default_rng(SEED)
    centres = dice.standard_normal((CENTRES, INNER)).astype(np.float32)
    turn = dice.standard_normal((INNER, DIM)).astype(np.float32) / np.sqrt(INNER)
    for number, start in enumerate(range(0, rows, BLOCK)):
        own = np.random.default_rng([SEED, queries, number])
        size = BLOCK if not queries else min(BLOCK, rows - start)
        inner = centres[own.integers(CENTRES, size=size)]
        inner = inner + SPREAD * own.standard_normal((size, INNER), dtype=np.float32)
        block = inner @ turn + NOISE * own.standard_normal((size, DIM), dtype=np.float32)
        block /= np.linalg.norm(block, axis=1, keepdims=True)
        yield block[: rows - start].astype(np.float16)


def make(folder: Path, rows: int, queries: int) -> Hard:
    """Make a gallery, or take it from a folder where it was made before."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"hard-{rows}.npy"
    if not path.exists():
        half_made = path.with_suffix(".part.npy")
        kept = np.lib.format.open_memmap(half_made, "w+", np.float16, (rows, DIM))
        for number, block in enumerate(blocks(rows)):
            kept[number * BLOCK : number * BLOCK + len(block)] = block
        kept.flush()
        half_made.rename(path)
    vectors = np.load(path, mmap_mode="r")
    codes = np.random.default_rng([SEED, 7]).integers(CODES, size=-(-rows // BLOCK) * BLOCK)[:rows]
    asked = np.concatenate(list(blocks(queries, queries=True)))
    answers = folder / f"hard-{rows}-{queries}-answers.npz"
    if not answers.exists():
        found = _answers(vectors, codes, asked)
        np.savez(answers, **found)
    known = np.load(answers)
    return Hard(
        vectors,
        codes,
        asked,
        {name: known[f"nearest {name}"] for name in FILTERS},
        {name: known[f"least {name}"] for name in FILTERS},
    )


def _answers(
    vectors: NDArray[np.float16], codes: NDArray[np.int64], queries: NDArray[np.float16]
) -> dict[str, NDArray]:
    asked = queries.astype(np.float32)
    best = {
        name: (np.full((len(asked), 4 * K), -np.inf, np.float32), np.full((len(asked), 4 * K), -1))
        for name in FILTERS
    }
    for start in range(0, len(vectors), BLOCK):
        scores = asked @ vectors[start : start + BLOCK].astype(np.float32).T
        for name, bound in FILTERS.items():
            places = np.flatnonzero(codes[start : start + BLOCK] < bound)
            held, rows = best[name]
            joined = np.hstack([held, scores[:, places]])
            numbers = np.hstack([rows, np.broadcast_to(places + start, (len(asked), len(places)))])
            first = np.argsort(-joined, axis=1, kind="stable")[:, : 4 * K] if len(places) < 10_000 else None
            if first is None:
                part = np.argpartition(-joined, 4 * K, axis=1)[:, : 4 * K]
                order = np.argsort(-np.take_along_axis(joined, part, 1), axis=1, kind="stable")
                first = np.take_along_axis(part, order, 1)
            best[name] = np.take_along_axis(joined, first, 1), np.take_along_axis(numbers, first, 1)
    found = {}
    for name, (_, rows) in best.items():
        exact = np.where(
            rows >= 0,
            np.einsum("qkd,qd->qk", vectors[rows].astype(np.float64), queries.astype(np.float64)),
            -np.inf,
        )
        order = np.argsort(-exact, axis=1, kind="stable")[:, :K]
        found[f"nearest {name}"] = np.take_along_axis(rows, order, 1).astype(np.int64)
        scores = np.take_along_axis(exact, order, 1)
        found[f"least {name}"] = np.where(np.isfinite(scores), scores, np.inf).min(axis=1)
    return found
