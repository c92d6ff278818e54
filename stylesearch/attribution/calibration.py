"""A calibration: all that turns a score against an artist into evidence, for one gallery and one encoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stylesearch.attribution.gaps import RESAMPLES, SetGap, set_gaps
from stylesearch.attribution.likelihood import LikelihoodRatios, fit_likelihood
from stylesearch.attribution.matching import Matching, match
from stylesearch.attribution.null import Null, Standards, fit_null
from stylesearch.attribution.prototypes import Prototypes, prototypes
from stylesearch.attribution.set_scores import SetScores, score_queries, score_works
from stylesearch.attribution.sure_works import SureWorks
from stylesearch.attribution.telling_apart import least_lead
from stylesearch.encoders.protocol import Descriptors
from stylesearch.errors import InputError
from stylesearch.evaluation.labels import Mask

FEWEST_WORKS = 5
"""Works that an artist must have here to be judged."""

FEWEST_ARTISTS = 3
"""Artists with so many works that a calibration needs."""

ORDINARY = 0.99
"""Share of the gallery's works, each maker weighing the same, that are less alone than the threshold of the domain."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a gallery's own works teach about scores.

    Attributes
    ----------
    prototypes:
        Of the artists that can be judged: those with at least :data:`FEWEST_WORKS` works.
    offsets, standards, matchings, gaps:
        Of each of them.
    null, likelihood:
        Of all of them together.
    lead:
        How far ahead, in standard scores, the first artist must be to be told apart from the second.
    loneliest:
        Least crowding of an image that belongs to the gallery's domain.
    few:
        Artists with too few works, and how many.
    works, makers:
        How many works and makers there are.
    """

    prototypes: Prototypes
    offsets: Numbers
    standards: Standards
    matchings: tuple[Matching, ...]
    gaps: tuple[SetGap, ...]
    null: Null
    likelihood: LikelihoodRatios
    lead: float
    loneliest: float
    few: dict[str, int]
    works: int
    makers: int

    @property
    def judged(self) -> Mask:
        """``[artists]``: whose gap lets their scores be read."""
        return np.array([gap.tells_apart for gap in self.gaps], dtype=bool)


@dataclass(frozen=True, slots=True)
class Judged:
    """Descriptors against a calibration.

    Attributes
    ----------
    scores, standard, p_values, log10:
        ``[queries, artists]``: set scores, standard scores, conformal p-values, decimal logarithms of likelihood ratios.
        NaN against an artist of whom nothing is left when copies are left out.
    crowding:
        ``[queries]`` mean cosine to the nearest works.
    """

    scores: Numbers
    standard: Numbers
    p_values: Numbers
    log10: Numbers
    crowding: Numbers


def calibrate(works: SureWorks, *, seed: int = 0, resamples: int = RESAMPLES) -> Calibration:
    """Calibrate the scores of a gallery.

    Parameters
    ----------
    works:
        The gallery: works whose artist is sure.
    seed:
        The same seed draws the same samples.
    resamples:
        Of the gaps' intervals.

    Raises
    ------
    InputError
        ``too_few_artists``, if there are not three artists with five works, or they made all of their works together.
    """
    counts = dict(zip(works.artists, works.counts().tolist(), strict=True))
    known = prototypes(works, fewest=FEWEST_WORKS)
    if len(known) < FEWEST_ARTISTS:
        raise InputError(
            f"{len(known)} artists here have {FEWEST_WORKS} works or more that are surely theirs.",
            hint=f"A calibration needs {FEWEST_ARTISTS} such artists. Take in more works, or credit them.",
            code="too_few_artists",
        )
    scores = score_works(works, known, seed=seed)
    compared, matchings = match(works, scores.chosen, known.artists)
    if not compared.any(axis=0).all():
        raise InputError(
            "Some artists here made nothing that others did not make with them, so nobody is there to compare with.",
            hint="Take in works by more artists.",
            code="too_few_artists",
        )
    null, standards = fit_null(works, scores, compared)
    own = (scores.own_scores - standards.centre[scores.own_columns]) / standards.spread[scores.own_columns]
    sizes = np.bincount(scores.own_columns, minlength=len(known))
    own_weights = 1 / sizes[scores.own_columns]
    return Calibration(
        prototypes=known,
        offsets=scores.offsets,
        standards=standards,
        matchings=tuple(matchings),
        gaps=tuple(set_gaps(works, known, scores, resamples=resamples, seed=seed)),
        null=null,
        likelihood=fit_likelihood(own, own_weights, null),
        lead=_lead(scores, standards),
        loneliest=_loneliest(works, scores),
        few={name: count for name, count in counts.items() if count < FEWEST_WORKS},
        works=len(works),
        makers=len(works.maker_artists),
    )


def judge(
    calibration: Calibration, works: SureWorks, queries: Descriptors, *, leave_out: Mask | None = None
) -> Judged:
    """Score descriptors against a gallery's artists and say what the scores are worth.

    Parameters
    ----------
    works:
        The gallery that was calibrated, and no other.
    queries:
        ``[queries, dim]`` of unit norm.
    leave_out:
        ``[n]`` works that are copies of what is asked about.
    """
    scores, crowding = score_queries(
        queries, works, calibration.prototypes, calibration.offsets, leave_out=leave_out
    )
    standard = calibration.standards.of(scores)
    return Judged(
        scores,
        standard,
        calibration.null.p_values(standard),
        calibration.likelihood.of(standard),
        crowding,
    )


def _lead(scores: SetScores, standards: Standards) -> float:
    standard = standards.of(scores.with_own().astype(np.float64))
    own: Mask = np.zeros(standard.shape, dtype=np.bool_)
    own[scores.own_rows, scores.own_columns] = True
    rows = own.any(axis=1)
    first = np.argmax(own[rows], axis=1)
    sizes = np.bincount(first, minlength=own.shape[1])
    return least_lead(standard[rows], own[rows], 1 / sizes[first])


def _loneliest(works: SureWorks, scores: SetScores) -> float:
    makers = works.makers[scores.chosen]
    weights = 1 / np.bincount(makers)[makers]
    order = np.argsort(scores.base)
    share = np.cumsum(weights[order]) / weights.sum()
    return float(scores.base[order][np.searchsorted(share, 1 - ORDINARY)])
