"""From which score on two images are copies: learnt from copies made of a sample of the images themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylesearch.curation.copiers import Copier, Rows
from stylesearch.curation.made_copies import COPYINGS, made_copy
from stylesearch.images.decode import Pixels

SAMPLE = 150
"""Images that copies of each kind are made of."""

CAUTION = 4.0
"""How many images whose copy is missed one with a wrong copy weighs."""

FEWEST_COPIES = 0.02
"""Share of images that are taken to have a copy, at least."""

WITHIN = 0.25
"""Where between the lowest and the highest of the thresholds that are as good: nearer to the copies that are hard to find."""

HIGHEST, LOWEST = 0.95, 0.6
FEWEST = 5
"""With fewer images that something can be seen in, the threshold is :data:`USUAL`."""
USUAL = 0.8


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold and what it does.

    Attributes
    ----------
    value:
        The threshold.
    learnt:
        Whether it was learnt here.
    sample:
        Images that copies were made of.
    found:
        By kind, the share of made copies that score so high.
    others:
        Share of the images that have another one in the set that scores so high: copies, and errors.
    """

    value: float
    learnt: bool = False
    sample: int = 0
    found: dict[str, float] | None = None
    others: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def learn(
    copier: Copier,
    rows: Rows,
    pictures: Callable[[int], Pixels | None],
    places: Sequence[int],
    others: NDArray[np.float32],
    *,
    seed: int,
) -> Threshold:
    """Learn a threshold.

    Parameters
    ----------
    rows:
        What the copier keeps of each image.
    pictures:
        Returns an image's pixels by its number.
    places:
        The sample.
    others:
        For each image of the set, the score of the other one that comes nearest to it.
    seed:
        Of the copies.
    """
    seen: list[int] = []
    copied: list[Rows] = []
    for number, place in enumerate(places):
        pixels = pictures(place)
        if pixels is not None:
            made = [made_copy(pixels, kind, Random(f"{seed}/{number}/{kind}")) for kind in COPYINGS]
            copied.append(copier.describe(made))
            seen.append(place)
    scores: dict[str, list[float]] = {kind: [] for kind in COPYINGS}
    if copied:
        copies = np.concatenate(copied)
        found = copier.scores(np.repeat(rows[seen], len(COPYINGS), axis=0), copies)
        kinds = list(COPYINGS) * len(seen)
        for kind, score, blank in zip(kinds, found.tolist(), copier.blank(copies), strict=True):
            if not blank:
                scores[kind].append(score)
    every = np.array([score for of_kind in scores.values() for score in of_kind], np.float32)
    if len(seen) < FEWEST or not len(every):
        return Threshold(USUAL)
    value = _balanced(every, others)
    return Threshold(
        round(value, 4),
        learnt=True,
        sample=len(seen),
        found={kind: round(float((np.array(one) >= value).mean()), 4) for kind, one in scores.items() if one},
        others=round(float((others >= value).mean()), 4),
    )


def _balanced(copies: NDArray[np.float32], nearest: NDArray[np.float32]) -> float:
    """Return the threshold at which what is found of the copies weighs most against errors.

    How many images have a copy among the others is told by how many score as only copies do. As the threshold falls, those
    grow as the made copies do; what grows beyond that is errors.
    """
    candidates = np.arange(LOWEST, HIGHEST + 1e-9, 0.005)
    found = np.array([(copies >= one).mean() for one in candidates])
    near = np.array([(nearest >= one).mean() for one in candidates])
    share = near[-1] / max(found[-1], 1e-6)
    errors = np.clip(near - share * found, 0, None)
    gain = max(share, FEWEST_COPIES) * found - CAUTION * errors
    best = candidates[gain >= gain.max() - 1e-9]
    return float(np.quantile(best, WITHIN))
