"""Pair verification over artist-disjoint splits, and retrieval in artist-disjoint halves.

After Frochte 2026, *When Style Similarity Scores Fail* (arXiv 2605.09030), whose harness is not published with its code;
what stands in for it is described at :func:`pair_verification`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stylesearch.encoders.protocol import Descriptors
from stylesearch.errors import InputError
from stylesearch.evaluation.csls import local_density
from stylesearch.evaluation.labels import Indices, Mask
from stylesearch.evaluation.pairs import compare_pairs
from stylesearch.evaluation.protocols import KS, RetrievalResult, leave_one_out
from stylesearch.evaluation.ranking import unit
from stylesearch.evaluation.splits import disjoint_halves


@dataclass(frozen=True, slots=True)
class VerificationResult:
    """How well a score tells pairs by one artist from pairs by two, over artist-disjoint splits.

    Attributes
    ----------
    cosine, csls:
        AUC of each split, for either readout.
    """

    cosine: tuple[float, ...]
    csls: tuple[float, ...]

    @property
    def splits(self) -> int:
        """How many splits there were."""
        return len(self.cosine)


def pair_verification(
    descriptors: NDArray[np.floating], artists: Sequence[str], *, splits: int = 25, seed: int = 0
) -> VerificationResult:
    """Measure how well cosine and CSLS tell pairs by one artist from pairs by two, over artist-disjoint splits.

    The paper reports the mean AUC over 25 splits, with CSLS densities from a reference gallery of training artists only;
    how it draws splits and pairs is not in its code. Here each split puts half of the artists, at random, into the
    reference gallery, and measures on the others: all pairs of their works, those by one artist against those by two. No
    label of the artists measured is used for anything but the measuring.

    Parameters
    ----------
    descriptors, artists, seed:
        As for :func:`~stylesearch.evaluation.diagnostics.discrimination_gaps`.
    splits:
        How many, at least 1.

    Raises
    ------
    InputError
        ``one_artist``, if there are not four artists, two of them with two works; ``parameter``, if there is no split; else
        as :func:`~stylesearch.evaluation.ranking.unit` does.
    """
    rows, names = by_artist(descriptors, artists)
    sizes = [len(places) for places in works_by_artist(names).values()]
    if splits < 1:
        raise InputError(f"There cannot be {splits} splits.", hint="Give 1 or more.", code="parameter")
    if len(sizes) < 4 or sum(size >= 2 for size in sizes) < 2:
        raise InputError(
            f"There are {len(sizes)} artists, {sum(size >= 2 for size in sizes)} of them with two works or more.",
            hint="Pair verification needs four artists, two of them with two works or more.",
            code="one_artist",
        )
    numbers = np.unique(names, return_inverse=True)[1]
    cosine: list[float] = []
    csls: list[float] = []
    attempt = 0
    while len(cosine) < splits:
        reference = disjoint_halves(names.tolist(), seed=_sub_seed(seed, attempt))
        attempt += 1
        ids = numbers[~reference]
        if np.bincount(ids).max() < 2:  # nobody measured has two works; another draw has
            continue
        measured = rows[~reference]
        density = local_density(measured, rows[reference], own=False)

        def kinds(start: int, stop: int, ids: Indices = ids) -> tuple[Mask, Mask]:
            same = ids[start:stop, None] == ids
            return same, ~same

        cosine.append(compare_pairs(measured, kinds).auc)
        csls.append(compare_pairs(measured, kinds, density=density).auc)
    return VerificationResult(tuple(cosine), tuple(csls))


def two_folds(
    descriptors: NDArray[np.floating],
    artists: Sequence[str],
    *,
    ks: Sequence[int] = KS,
    groups: Indices | None = None,
    seed: int = 0,
) -> tuple[RetrievalResult, RetrievalResult]:
    """Measure leave-one-out retrieval by artist in two artist-disjoint halves, each by itself.

    Parameters
    ----------
    descriptors, artists, seed:
        As for :func:`~stylesearch.evaluation.diagnostics.discrimination_gaps`.
    ks, groups:
        As for :func:`~stylesearch.evaluation.protocols.leave_one_out`.

    Raises
    ------
    InputError
        As :func:`~stylesearch.evaluation.protocols.leave_one_out` does, for either half.
    """
    rows, names = by_artist(descriptors, artists)
    first = disjoint_halves(names.tolist(), seed=seed)
    numbers = np.arange(len(rows)) if groups is None else groups
    one, other = (
        leave_one_out(rows[half], names[half].tolist(), ks=ks, groups=numbers[half])
        for half in (first, ~first)
    )
    return one, other


def by_artist(
    descriptors: NDArray[np.floating], artists: Sequence[str]
) -> tuple[Descriptors, NDArray[np.str_]]:
    """Return descriptors of unit norm with each one's artist.

    Raises
    ------
    InputError
        ``labels``, if there are not as many of both; else as :func:`~stylesearch.evaluation.ranking.unit` does.
    """
    rows = unit(np.asarray(descriptors))
    if len(rows) != len(artists):
        raise InputError(
            f"There are {len(rows)} descriptors and {len(artists)} artists.",
            hint="Each image needs its artist, in the order of the descriptors.",
            code="labels",
        )
    return rows, np.asarray(artists, dtype=np.str_)


def works_by_artist(names: NDArray[np.str_]) -> dict[str, Indices]:
    """Return where each artist's works stand, by artist in alphabetical order."""
    return {str(name): np.flatnonzero(names == name) for name in np.unique(names)}


def _sub_seed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence((seed, number)).generate_state(1)[0])
