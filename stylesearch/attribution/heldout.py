"""Whether a calibration keeps what it promises, on works and artists that it was not fitted on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylesearch.attribution.calibration import Calibration, Judged, calibrate, judge
from stylesearch.attribution.findings import DISCOVERY_RATE, Conclusion, conclude, discoveries
from stylesearch.attribution.gaps import RESAMPLES
from stylesearch.attribution.sure_works import NOBODY, SureWorks
from stylesearch.encoders.protocol import Descriptors
from stylesearch.errors import InputError
from stylesearch.evaluation.labels import Indices, Mask
from stylesearch.evaluation.ranking import cosines

Numbers = NDArray[np.float64]

FOLDS = 5
HELD_SHARE = 0.25
"""Share of the works of artists who stay that is held out."""

MOST_QUERIES = 40
"""Works of one artist that are asked about in one fold."""


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
    passed, passed_wrong:
        How many artists pass the procedure, and how many of them are not the maker.
    found, wrong:
        How many artists were found, and how many of them are not the maker; none where nothing is said.
    found_right:
        Whether the maker was found.
    first_right:
        Whether the maker scores highest.
    outcome, reason:
        Of the conclusion.
    answer_right:
        Whether the maker is among the artists that the conclusion names.
    """

    artist: tuple[str, ...]
    known: Mask
    readable: Mask
    passed: Indices
    passed_wrong: Indices
    found: Indices
    wrong: Indices
    found_right: Mask
    first_right: Mask
    outcome: tuple[str, ...]
    reason: tuple[str | None, ...]
    answer_right: Mask


@dataclass(frozen=True, slots=True)
class Pairs:
    """Held-out works against the gallery's artists; one line a pair.

    Attributes
    ----------
    own:
        Whether the artist made the work.
    known:
        Whether the work's artist was in the gallery.
    query:
        Which of the queries it is about.
    p_values, log10:
        Of the pair.
    cosines, nearest:
        Raw cosine of the work with the artist's prototype, and with the nearest of the artist's works.
    weights:
        How much the pair counts where every artist is to count the same.
    """

    own: Mask
    known: Mask
    query: Indices
    p_values: Numbers
    log10: Numbers
    cosines: Numbers
    nearest: Numbers
    weights: Numbers


@dataclass(frozen=True, slots=True)
class Held:
    """All that was held out."""

    queries: Queries
    pairs: Pairs


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
    starts = np.cumsum([0, *(len(one.queries.known) for one in parts)])
    parts = [
        replace(one, pairs=replace(one.pairs, query=one.pairs.query + start))
        for one, start in zip(parts, starts[:-1], strict=True)
    ]
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
    return _told(
        calibration, judge(calibration, gallery, rows), makers, _raw_cosines(calibration, gallery, rows), rate
    )


def _raw_cosines(calibration: Calibration, gallery: SureWorks, rows: Descriptors) -> tuple[Numbers, Numbers]:
    """Return ``[rows, artists]`` cosines with each artist's prototype, and with the nearest of each artist's works."""
    means = calibration.prototypes.means
    directions = means / np.linalg.norm(means, axis=1, keepdims=True)
    scores = cosines(rows, gallery.rows).astype(np.float64)
    nearest = [
        scores[:, gallery.by(gallery.artists.index(name))].max(axis=1)
        for name in calibration.prototypes.artists
    ]
    return rows @ directions.T, np.stack(nearest, axis=1)


def _told(
    calibration: Calibration, judged: Judged, makers: list[str], raw: tuple[Numbers, Numbers], rate: float
) -> Held:
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
    queries = _queries(calibration, conclusions, judged, own, makers, discoveries(judged.p_values, rate))
    sizes = Counter(makers)
    width = own.shape[1]
    pairs = Pairs(
        own=own.ravel(),
        known=np.repeat(queries.known, width),
        query=np.repeat(np.arange(len(makers)), width),
        p_values=judged.p_values.ravel(),
        log10=judged.log10.ravel(),
        cosines=raw[0].ravel(),
        nearest=raw[1].ravel(),
        weights=np.repeat([1 / sizes[maker] for maker in makers], width),
    )
    return Held(queries, pairs)


def _queries(
    calibration: Calibration,
    conclusions: list[Conclusion],
    judged: Judged,
    own: Mask,
    makers: list[str],
    passed: Mask,
) -> Queries:
    right = [[bool(own[row, place]) for place in one.found] for row, one in enumerate(conclusions)]
    first = np.argmax(judged.standard, axis=1)
    return Queries(
        artist=tuple(makers),
        known=np.any(own, axis=1),
        readable=np.any(own & calibration.judged, axis=1),
        passed=passed.sum(axis=1),
        passed_wrong=(passed & ~own).sum(axis=1),
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
    )
