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
"""How many copies that are missed one that is wrongly found weighs."""

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
        Share of the sample that has another image of the set that scores so high: copies that are there already, and
        errors.
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

    Where copies are among the images already, they score as made ones do, so they move the balance of both sides alike, and
    it stands at the same place.

    Parameters
    ----------
    rows:
        What the copier keeps of each image.
    pictures:
        Returns an image's pixels by its number.
    places:
        The sample.
    others:
        For each of the sample, the score of the other image that comes nearest to it.
    seed:
        Of the copies.
    """
    scores: dict[str, list[float]] = {kind: [] for kind in COPYINGS}
    seen = []
    for number, place in enumerate(places):
        pixels = pictures(place)
        if pixels is None:
            continue
        made = [made_copy(pixels, kind, Random(f"{seed}/{number}/{kind}")) for kind in COPYINGS]
        copies = copier.describe(made)
        found = copier.scores(np.repeat(rows[place : place + 1], len(made), axis=0), copies)
        for kind, score, blank in zip(COPYINGS, found.tolist(), copier.blank(copies), strict=True):
            if not blank:
                scores[kind].append(score)
        seen.append(number)
    every = np.array([score for of_kind in scores.values() for score in of_kind], np.float32)
    if len(seen) < FEWEST:
        return Threshold(USUAL)
    nearest = others[seen]
    candidates = np.arange(LOWEST, HIGHEST + 1e-9, 0.005)
    gain = [float((every >= one).mean() - CAUTION * (nearest >= one).mean()) for one in candidates]
    best = max(gain)
    value = float(np.mean([one for one, each in zip(candidates, gain, strict=True) if each >= best - 1e-9]))
    return Threshold(
        round(value, 4),
        learnt=True,
        sample=len(seen),
        found={kind: round(float((np.array(one) >= value).mean()), 4) for kind, one in scores.items() if one},
        others=round(float((nearest >= value).mean()), 4),
    )
