"""Everything there is to say about how well descriptors tell the artists of a collection apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from stylesearch.errors import InputError
from stylesearch.evaluation.diagnostics import (
    GapReport,
    Readout,
    discrimination_gaps,
)
from stylesearch.evaluation.labels import Indices, label_sets
from stylesearch.evaluation.protocols import KS, RetrievalResult, leave_one_out
from stylesearch.evaluation.verification import VerificationResult, pair_verification, two_folds

FEWEST_TO_DIVIDE = 4
"""Artists with two works or more that are needed to divide them into halves that are worth measuring."""


@dataclass(frozen=True, slots=True)
class ArtistsResult:
    """Retrieval by artist, in artist-disjoint halves too, with the diagnostics.

    Attributes
    ----------
    retrieval:
        Leave-one-out over all images.
    folds:
        The same in two artist-disjoint halves, each by itself; ``None`` with fewer than four artists of two works.
    gaps:
        Discrimination gaps by cosine; ``csls_gaps`` by CSLS.
    verification:
        Pair verification; ``None`` likewise.
    artists:
        How many there are.
    """

    retrieval: RetrievalResult
    folds: tuple[RetrievalResult, RetrievalResult] | None
    gaps: GapReport
    csls_gaps: GapReport
    verification: VerificationResult | None
    artists: int


def measure_artists(
    descriptors: NDArray[np.floating],
    artists: Sequence[frozenset[str] | str],
    *,
    groups: Indices | None = None,
    ks: Sequence[int] = KS,
    seed: int = 0,
    resamples: int = 1000,
    splits: int = 25,
    on_progress: Callable[[int, int], None] | None = None,
) -> ArtistsResult:
    """Measure retrieval, folds, gaps and verification.

    Retrieval looks at every image. The rest looks at the first picture of each thing, at what one artist alone made, and at
    artists with two such works or more.

    Parameters
    ----------
    descriptors:
        ``[n, dim]``.
    artists:
        One artist or several an image.
    groups:
        ``[n]`` numbers; images of one group are pictures of one thing and no results for each other.
    ks, seed, resamples, splits:
        As for the functions of the protocols and diagnostics.
    on_progress:
        Called while gaps are worked out, which takes longest.

    Raises
    ------
    InputError
        As those functions do.
    """
    sets = label_sets(list(artists))
    numbers = np.arange(len(sets)) if groups is None else groups
    retrieval = leave_one_out(descriptors, sets, ks=ks, groups=numbers)
    firsts = np.sort(np.unique(numbers, return_index=True)[1]).tolist()
    alone = [place for place in firsts if len(sets[place]) == 1]
    rows, names = np.asarray(descriptors)[alone], [str(next(iter(sets[place]))) for place in alone]
    gaps, csls_gaps = (
        discrimination_gaps(
            rows, names, readout=readout, resamples=resamples, seed=seed, on_progress=_part(on_progress, part)
        )
        for part, readout in enumerate(_READOUTS)
    )
    counted = Counter(names)
    several = [place for place, name in enumerate(names) if counted[name] >= 2]
    rows, names = rows[several], [names[place] for place in several]
    enough = len(set(names)) >= FEWEST_TO_DIVIDE
    return ArtistsResult(
        retrieval=retrieval,
        folds=two_folds(rows, names, ks=ks, seed=seed) if enough else None,
        gaps=gaps,
        csls_gaps=csls_gaps,
        verification=pair_verification(rows, names, splits=splits, seed=seed) if enough else None,
        artists=len(set().union(*sets)),
    )


def with_enough_works(artists: Sequence[frozenset[str]], groups: Indices, works: int) -> list[frozenset[str]]:
    """Return each image's artists who have at least so many works; pictures of one thing count once.

    Parameters
    ----------
    artists, groups:
        As for :func:`measure_artists`.
    works:
        The fewest works.

    Returns
    -------
    list of frozenset
        Empty for an image that should be left out.

    Raises
    ------
    InputError
        ``one_artist``, if fewer than two artists have as many.
    """
    pairs = {(name, group) for names, group in zip(artists, groups.tolist(), strict=True) for name in names}
    counted = Counter(name for name, _ in pairs)
    enough = {name for name, count in counted.items() if count >= works}
    if len(enough) < 2:
        raise InputError(
            f"{len(enough)} of {len(counted)} artists here have {works} works or more; two are needed.",
            hint="Ask for fewer works an artist with --min-works, or give more works.",
            code="one_artist",
        )
    return [names & enough for names in artists]


_READOUTS: tuple[Readout, ...] = get_args(Readout)


def _part(on_progress: Callable[[int, int], None] | None, part: int) -> Callable[[int, int], None] | None:
    if on_progress is None:
        return None
    return lambda done, total: on_progress(part * total + done, len(_READOUTS) * total)
