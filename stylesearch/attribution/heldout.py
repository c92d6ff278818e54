"""Whether a calibration keeps what it promises, on works and artists that it was not fitted on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylesearch.attribution.calibration import FEWEST_WORKS, Calibration, Judged, calibrate, judge
from stylesearch.attribution.findings import DISCOVERY_RATE, Conclusion, conclude
from stylesearch.attribution.gaps import RESAMPLES
from stylesearch.attribution.likelihood import cllr
from stylesearch.attribution.sure_works import NOBODY, SureWorks
from stylesearch.errors import InputError
from stylesearch.evaluation.labels import Indices, Mask

Numbers = NDArray[np.float64]

FOLDS = 5
HELD_SHARE = 0.25
"""Share of the works of artists who stay that is held out."""

MOST_QUERIES = 40
"""Works of one artist that are asked about in one fold."""

RELIABILITY = 10
"""Bars of the reliability plot."""

RAW_THRESHOLD = 0.8
"""The cosine that is often taken to mean the same style."""

FEWEST_TO_CHECK = 2 * FEWEST_WORKS
"""Artists with as many works are needed to hold any out and judge by the others."""


@dataclass(frozen=True, slots=True)
class Queries:
    """Works that were held out, and what was said of them; one line a work.

    Attributes
    ----------
    artist:
        Who made it.
    known:
        Whether the artist's other works were in the gallery; else no artist of the gallery is right.
    readable:
        Whether the artist's gap lets scores be read.
    found, wrong:
        How many artists were found, and how many of them are not the maker.
    found_right:
        Whether the maker was found.
    first_right:
        Whether the maker scores highest.
    outcome, reason:
        Of the conclusion.
    answer_right:
        Whether the maker is among the artists that the conclusion names.
    raw_found, raw_wrong:
        How many artists the image has a raw cosine of 0.8 or more with, and how many of them are not the maker.
    """

    artist: tuple[str, ...]
    known: Mask
    readable: Mask
    found: Indices
    wrong: Indices
    found_right: Mask
    first_right: Mask
    outcome: tuple[str, ...]
    reason: tuple[str | None, ...]
    answer_right: Mask
    raw_found: Indices
    raw_wrong: Indices


@dataclass(frozen=True, slots=True)
class Pairs:
    """Held-out works against the gallery's artists; one line a pair.

    Attributes
    ----------
    own:
        Whether the artist made the work.
    known:
        Whether the work's artist was in the gallery.
    p_values, log10, cosines:
        Of the pair; ``cosines`` is the raw cosine of the work with the artist's prototype.
    weights:
        How much the pair counts where every artist is to count the same.
    """

    own: Mask
    known: Mask
    p_values: Numbers
    log10: Numbers
    cosines: Numbers
    weights: Numbers


@dataclass(frozen=True, slots=True)
class Held:
    """All that was held out."""

    queries: Queries
    pairs: Pairs


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of the works that were held out. Shares are 0 to 1, with every artist counting the same.

    Attributes
    ----------
    queries, artists, wrong_pairs:
        How many works were asked about, of how many artists, and against how many wrong artists.
    wrong_below_5, wrong_below_1:
        Share of p-values of wrong artists at or below 0.05 and 0.01.
    outside_below_5, outside_below_1:
        The same where the maker is not in the gallery at all.
    discovery_rate, outside_discovery_rate:
        Realised rate of false discoveries: mean share of wrong artists among those found.
    recall:
        Share of works whose maker is found, where the maker is in the gallery; ``readable_recall``: and the gap lets
        its scores be read.
    top1:
        Share of works whose maker scores highest, likewise.
    abstention:
        Share of works of which nothing is said; ``named``: of which an artist or a group is named.
    answer_right:
        Share of the answers that name an artist or a group and are right.
    cllr:
        Cost of the likelihood ratios.
    raw_wrong, raw_right:
        Share of wrong artists, and of makers, whose raw cosine is 0.8 or more.
    raw_discovery_rate:
        What the rate of false discoveries would be if those were taken for found.
    """

    queries: int
    artists: int
    wrong_pairs: int
    wrong_below_5: float
    wrong_below_1: float
    outside_below_5: float
    outside_below_1: float
    discovery_rate: float
    outside_discovery_rate: float
    recall: float
    readable_recall: float
    top1: float
    abstention: float
    named: float
    answer_right: float
    cllr: float
    raw_wrong: float
    raw_right: float
    raw_discovery_rate: float

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values; what cannot be worked out is null."""
        return {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in asdict(self).items()
        }


def hold_out(
    works: SureWorks,
    *,
    folds: int = FOLDS,
    seed: int = 0,
    rate: float = DISCOVERY_RATE,
    resamples: int = RESAMPLES,
    on_progress: Callable[[int, int], None] | None = None,
) -> Held:
    """Calibrate on parts of a gallery and ask about the rest.

    Artists are divided into folds. In each fold its artists are taken out of the gallery whole, and a quarter of the works
    of all others. What is left is calibrated; what was taken out is asked about.

    Parameters
    ----------
    works:
        The gallery.
    folds:
        At least 2.
    seed:
        The same seed divides the same way.
    rate:
        Of false discoveries.
    resamples:
        Of the gaps' intervals.
    on_progress:
        Called after each fold with how many are done and how many there are.

    Raises
    ------
    InputError
        ``too_few_artists``, if what is left cannot be calibrated.
    """
    if folds < 2:
        raise InputError(f"There cannot be {folds} folds.", hint="Give 2 or more.", code="parameter")
    turn = np.random.default_rng(seed).permutation(len(works.artists)) % folds
    parts = []
    for fold in range(folds):
        parts.append(_fold(works, turn == fold, (seed, fold), rate, resamples))
        if on_progress is not None:
            on_progress(fold + 1, folds)
    queries = Queries(
        *(_joined([getattr(one.queries, field.name) for one in parts]) for field in fields(Queries))
    )
    pairs = Pairs(*(_joined([getattr(one.pairs, field.name) for one in parts]) for field in fields(Pairs)))
    return Held(queries, pairs)


def _joined(values: list[Any]) -> Any:
    if isinstance(values[0], tuple):
        return tuple(one for value in values for one in value)
    return np.concatenate(values)


def _fold(works: SureWorks, outside: Mask, seed: tuple[int, int], rate: float, resamples: int) -> Held:
    dice = np.random.default_rng(seed)
    taken = np.zeros(len(works), dtype=bool)
    asked: list[int] = []
    alone = ((works.maker_artists != NOBODY).sum(axis=1) == 1)[works.makers]
    for artist in range(len(works.artists)):
        mine = dice.permutation(np.flatnonzero(works.by(artist) & alone))
        if outside[artist]:
            held = mine
            taken |= works.by(artist)
        else:
            held = mine[: int(HELD_SHARE * len(mine))]
            taken[held] = True
        asked += held[:MOST_QUERIES].tolist()
    gallery = works.only(~taken)
    calibration = calibrate(gallery, seed=seed[0], resamples=resamples)
    chosen = np.array(sorted(asked), dtype=np.int64)
    makers = [works.artists[works.maker_artists[works.makers[place]][0]] for place in chosen]
    rows = works.rows[chosen]
    judged = judge(calibration, gallery, rows)
    return _told(calibration, judged, rows @ _directions(calibration).T, makers, rate)


def _directions(calibration: Calibration) -> Numbers:
    means = calibration.prototypes.means
    directions: Numbers = means / np.linalg.norm(means, axis=1, keepdims=True)
    return directions


def _told(calibration: Calibration, judged: Judged, cosines: Numbers, makers: list[str], rate: float) -> Held:
    artists = np.array(calibration.prototypes.artists)
    own: Mask = np.equal(np.array(makers)[:, None], artists)
    conclusions = [
        conclude(
            calibration,
            standard=judged.standard[row],
            p_values=judged.p_values[row],
            crowding=float(judged.crowding[row]),
            rate=rate,
        )
        for row in range(len(makers))
    ]
    queries = _queries(calibration, conclusions, judged, own, cosines >= RAW_THRESHOLD, makers)
    sizes = Counter(makers)
    weights = np.array([1 / sizes[maker] for maker in makers])
    shape = own.shape
    pairs = Pairs(
        own.ravel(),
        np.repeat(queries.known, shape[1]),
        judged.p_values.ravel(),
        judged.log10.ravel(),
        cosines.astype(np.float64).ravel(),
        np.repeat(weights, shape[1]),
    )
    return Held(queries, pairs)


def _queries(
    calibration: Calibration,
    conclusions: list[Conclusion],
    judged: Judged,
    own: Mask,
    raw: Mask,
    makers: list[str],
) -> Queries:
    right = [[bool(own[row, place]) for place in one.found] for row, one in enumerate(conclusions)]
    first = np.argmax(judged.standard, axis=1)
    return Queries(
        artist=tuple(makers),
        known=np.any(own, axis=1),
        readable=np.any(own & calibration.judged, axis=1),
        found=np.array([len(one) for one in right], dtype=np.int64),
        wrong=np.array([len(one) - sum(one) for one in right], dtype=np.int64),
        found_right=np.array([any(one) for one in right], dtype=bool),
        first_right=own[np.arange(len(own)), first],
        outcome=tuple(one.outcome for one in conclusions),
        reason=tuple(one.reason for one in conclusions),
        answer_right=np.array(
            [
                one.outcome in ("artist", "group") and maker in one.names
                for one, maker in zip(conclusions, makers, strict=True)
            ],
            dtype=bool,
        ),
        raw_found=raw.sum(axis=1),
        raw_wrong=(raw & ~own).sum(axis=1),
    )


def figures(held: Held) -> Figures:
    """Sum up what was held out."""
    queries, pairs = held.queries, held.pairs
    every = np.ones(len(queries.known), dtype=bool)
    wrong, outside = ~pairs.own, ~pairs.known
    named = np.isin(queries.outcome, ("artist", "group"))
    rates = queries.wrong / np.maximum(queries.found, 1)
    raw = pairs.cosines >= RAW_THRESHOLD

    sizes = Counter(queries.artist)
    weights = np.array([1 / sizes[name] for name in queries.artist])

    def share(values: NDArray[Any], among: Mask) -> float:
        return _mean(values, weights, among)

    def pair_share(values: Mask, among: Mask) -> float:
        return _mean(values, pairs.weights, among)

    return Figures(
        queries=len(every),
        artists=len(set(queries.artist)),
        wrong_pairs=int(wrong.sum()),
        wrong_below_5=pair_share(pairs.p_values <= 0.05, wrong),
        wrong_below_1=pair_share(pairs.p_values <= 0.01, wrong),
        outside_below_5=pair_share(pairs.p_values <= 0.05, outside),
        outside_below_1=pair_share(pairs.p_values <= 0.01, outside),
        discovery_rate=share(rates, every),
        outside_discovery_rate=share(rates, ~queries.known),
        recall=share(queries.found_right, queries.known),
        readable_recall=share(queries.found_right, queries.readable),
        top1=share(queries.first_right, queries.known),
        abstention=share(np.array(queries.outcome) == "abstained", every),
        named=share(named, every),
        answer_right=share(queries.answer_right, named),
        cllr=cllr(pairs.log10[pairs.own], pairs.weights[pairs.own], pairs.log10[wrong], pairs.weights[wrong]),
        raw_wrong=pair_share(raw, wrong),
        raw_right=pair_share(raw, pairs.own),
        raw_discovery_rate=share(queries.raw_wrong / np.maximum(queries.raw_found, 1), every),
    )


def _mean(values: NDArray[Any], weights: Numbers, among: Mask) -> float:
    return float(np.average(values[among], weights=weights[among])) if among.any() else float("nan")
