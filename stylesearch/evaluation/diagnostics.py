"""Whether scores may be read as "same artist" or "another": the discrimination gap.

After Frochte 2026, *When Style Similarity Scores Fail* (arXiv 2605.09030); the gap's definition is that of the paper's
reference code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from stylesearch.encoders.protocol import Descriptors
from stylesearch.errors import InputError
from stylesearch.evaluation.csls import Density, local_density
from stylesearch.evaluation.labels import Indices
from stylesearch.evaluation.ranking import cosines
from stylesearch.evaluation.resampling import Counts, resample_counts, resampled_medians
from stylesearch.evaluation.verification import by_artist, works_by_artist

Readout = Literal["cosine", "csls"]
Verdict = Literal["positive", "open", "negative"]
RIVALS = 10
"""Artists nearest to one by the point estimate, among whom each resample looks for the nearest."""


@dataclass(frozen=True, slots=True)
class ArtistGap:
    """One artist's discrimination gap.

    Attributes
    ----------
    works:
        How many of the artist's works were looked at.
    within:
        Median score over the pairs of the artist's own works.
    across, rival:
        Median score over the pairs of the artist's works with another artist's, for the artist where it is highest.
    gap:
        ``within - across``. Below 0, the works of another are on the whole nearer to the artist's than the artist's own.
    low, high:
        Interval of the gap from resampling works; NaN where there are too few works to resample.
    verdict:
        ``positive`` or ``negative`` where the whole interval is, ``open`` where it holds 0 or there is none.
    pooled:
        The gap where a work is scored by its mean score with all works of an artist, its own left out: the median of such
        scores of the artist's own works, less the highest median of another artist's works against the artist's.
    """

    artist: str
    works: int
    within: float
    across: float
    rival: str
    gap: float
    low: float
    high: float
    verdict: Verdict
    pooled: float


@dataclass(frozen=True, slots=True)
class GapReport:
    """The gaps of all artists, the lowest first, and how they were worked out.

    Attributes
    ----------
    left_out:
        Artists with fewer than two works, of whom nothing can be said; they are no one's rivals either.
    """

    gaps: tuple[ArtistGap, ...]
    readout: Readout
    resamples: int
    confidence: float
    left_out: int

    def count(self, verdict: Verdict) -> int:
        """Return how many artists have that verdict."""
        return sum(gap.verdict == verdict for gap in self.gaps)

    @property
    def below_zero(self) -> int:
        """How many gaps are below 0 by their point estimate."""
        return sum(gap.gap < 0 for gap in self.gaps)

    @property
    def pooled_below_zero(self) -> int:
        """How many pooled gaps are below 0."""
        return sum(gap.pooled < 0 for gap in self.gaps)


def discrimination_gaps(
    descriptors: NDArray[np.floating],
    artists: Sequence[str],
    *,
    readout: Readout = "cosine",
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> GapReport:
    """Work out every artist's discrimination gap with a bootstrap interval.

    For an interval, every artist's works are drawn anew with replacement, as many as there are; the gap is worked out from
    what was drawn, again and again; and the interval runs between two percentiles of the results. A pair counts as often
    as its two works were drawn. A work drawn twice is no pair with itself: that pair would score 1 and say nothing, and it
    is left out (the paper's reference code keeps it, which raises the gaps of artists with few works). Each resample looks
    for the nearest rival among the ten nearest by the point estimate. As the highest of medians that vary lies above the
    highest median, intervals reach further down than up; so the gap's verdict is careful, never bold.

    Parameters
    ----------
    descriptors:
        ``[n, dim]``.
    artists:
        One name an image. A picture of each work should be given once.
    readout:
        What a pair's score is: the cosine, or CSLS with the density taken over all the descriptors given.
    resamples:
        At least 1.
    confidence:
        Share of the results that the interval holds, above 0 and below 1.
    seed:
        The same seed gives the same intervals.
    on_progress:
        Called after each artist with the number done and the number there are.

    Raises
    ------
    InputError
        ``one_artist``, if there are not two artists with two works each; ``parameter``, if a number is out of range; else
        as :func:`~stylesearch.evaluation.ranking.unit` does.
    """
    if readout not in get_args(Readout) or resamples < 1 or not 0 < confidence < 1:
        raise InputError(
            f"A gap cannot be worked out with {readout}, {resamples} resamples and confidence {confidence}.",
            hint="Use cosine or csls, a resample at least, and a confidence between 0 and 1.",
            code="parameter",
        )
    rows, names = by_artist(descriptors, artists)
    works = works_by_artist(names)
    kept = [artist for artist, places in works.items() if len(places) >= 2]
    if len(kept) < 2:
        raise InputError(
            f"{len(kept)} artists have two works or more; a gap needs two such artists.",
            hint="Give more works.",
            code="one_artist",
        )
    density = local_density(rows, rows, own=True) if readout == "csls" else None
    corpus = _Corpus(rows, density, [works[artist] for artist in kept])
    medians, pooled = corpus.medians(), corpus.pooled_gaps()
    draws = [
        resample_counts(len(corpus.places[index]), resamples, seed=(seed, index))
        for index in range(len(kept))
    ]
    gaps = []
    for index, artist in enumerate(kept):
        across = medians[index].copy()
        within, across[index] = across[index], -np.inf
        rivals = np.argsort(-across, kind="stable")[: min(RIVALS, len(kept) - 1)]
        low, high = _interval(corpus.resampled_gaps(index, rivals, draws), confidence)
        gaps.append(
            ArtistGap(
                artist=artist,
                works=len(corpus.places[index]),
                within=float(within),
                across=float(across[rivals[0]]),
                rival=kept[rivals[0]],
                gap=float(within - across[rivals[0]]),
                low=low,
                high=high,
                verdict="positive" if low > 0 else "negative" if high < 0 else "open",
                pooled=float(pooled[index]),
            )
        )
        if on_progress is not None:
            on_progress(index + 1, len(kept))
    gaps.sort(key=lambda gap: (gap.gap, gap.artist))
    return GapReport(tuple(gaps), readout, resamples, confidence, left_out=len(works) - len(kept))


@dataclass(frozen=True, slots=True)
class _Corpus:
    """Descriptors by artist, and the scores between them."""

    rows: Descriptors
    density: Density | None
    places: list[Indices]

    def scores(self, one: int, other: int) -> NDArray[np.float64]:
        """Return ``[works of one, works of other]``."""
        left, right = self.places[one], self.places[other]
        table = cosines(self.rows[left], self.rows[right]).astype(np.float64)
        if self.density is not None:
            table = 2 * table - self.density[left, None] - self.density[right]
        return table

    def medians(self) -> NDArray[np.float64]:
        """Return ``[artists, artists]`` median scores over pairs; on the diagonal over pairs of different works."""
        count = len(self.places)
        table = np.empty((count, count))
        for one in range(count):
            own = self.scores(one, one)
            table[one, one] = np.median(own[np.triu_indices(len(own), 1)])
            for other in range(one):
                table[one, other] = table[other, one] = np.median(self.scores(one, other))
        return table

    def pooled_gaps(self) -> NDArray[np.float64]:
        """Return ``[artists]``: the gaps where a work is scored against all of an artist's works at once."""
        gaps = []
        wide = self.rows.astype(np.float64)
        for pool in self.places:
            size = len(pool)
            total = wide[pool].sum(axis=0)
            scores = wide @ total / size
            own = (wide[pool] @ total - (wide[pool] ** 2).sum(axis=1)) / (size - 1)
            if self.density is not None:
                dense = self.density[pool]
                scores = 2 * scores - self.density - dense.mean()
                own = 2 * own - dense - (dense.sum() - dense) / (size - 1)
            others = max(np.median(scores[other]) for other in self.places if other is not pool)
            gaps.append(np.median(own) - others)
        return np.array(gaps)

    def resampled_gaps(self, one: int, rivals: Indices, draws: list[Counts]) -> NDArray[np.float64]:
        """Return ``[resamples]`` gaps of one artist; NaN where no pair of the artist's works was drawn."""
        within = resampled_medians(self.scores(one, one), draws[one], draws[one], own=True)
        nearest = np.full(len(within), -np.inf)
        for rival in rivals.tolist():
            medians = resampled_medians(self.scores(one, rival), draws[one], draws[rival])
            nearest = np.maximum(nearest, medians)
        gaps: NDArray[np.float64] = within - nearest
        return gaps


def _interval(gaps: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    gaps = gaps[~np.isnan(gaps)]
    if not len(gaps):
        return float("nan"), float("nan")
    low, high = np.quantile(gaps, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
