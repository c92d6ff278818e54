"""Scores of works against artists: how near each is to the whole of an artist's works, by CSLS."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stylesearch.attribution.crowding import Table, crowding_of, own_crowding
from stylesearch.attribution.prototypes import Prototypes
from stylesearch.attribution.sure_works import NOBODY, SureWorks
from stylesearch.encoders.protocol import Descriptors
from stylesearch.evaluation.csls import NEIGHBOURS
from stylesearch.evaluation.labels import Indices, Mask
from stylesearch.evaluation.ranking import cosines

MOST_WORKS = 80
"""Works of one maker that are scored for a calibration: they are alike, so more of them tell little more."""

MOST_SCORES = 4 * 10**7
"""Scores that a calibration holds at a time: 160 MB."""

SCORE_DIGITS = 9


@dataclass(frozen=True, slots=True)
class SetScores:
    """Scores of some works of a gallery against its artists.

    The score of a work against an artist is the mean of its CSLS with each of the artist's works: twice the cosine, less
    how crowded it is around the one and around the other; see :func:`~stylesearch.attribution.crowding.crowding`.

    Attributes
    ----------
    chosen:
        ``[n]`` places of the works that were scored.
    table:
        ``[n, artists]``. A work stands among the works of its own artist here.
    offsets:
        ``[artists]`` how crowded it is around each artist's works, which is taken off in the table.
    own_rows, own_columns, own_scores:
        Each work against its own artist, as if it were none of the artist's works. An artist's only work has none.
    base:
        ``[n]`` how crowded it is around each work, its own artist's works left out.
    """

    chosen: Indices
    table: NDArray[np.float32]
    offsets: Table
    own_rows: Indices
    own_columns: Indices
    own_scores: Table
    base: Table

    def with_own(self) -> NDArray[np.float32]:
        """Return the table with each work's score against its own artist as if it were none of the artist's works."""
        table = self.table.copy()
        table[self.own_rows, self.own_columns] = self.own_scores
        return table


def score_works(works: SureWorks, prototypes: Prototypes, *, seed: int = 0) -> SetScores:
    """Score a sample of the works against every artist who has a prototype.

    Parameters
    ----------
    works:
        The gallery.
    prototypes:
        Of some or all of its artists.
    seed:
        The same seed draws the same sample.
    """
    chosen = _sample(works, len(prototypes), seed)
    columns = works.numbers_of(prototypes.artists)
    column_of = np.full(len(works.artists) + 1, NOBODY, dtype=np.int64)
    column_of[columns] = np.arange(len(columns))
    table = np.empty((len(chosen), len(columns)), dtype=np.float32)
    base = np.empty(len(chosen))
    own: dict[str, list[float]] = defaultdict(list)
    at = 0
    for part, crowded in own_crowding(works, chosen):
        rows = works.rows[part].astype(np.float64)
        table[at : at + len(part)] = 2 * (rows @ prototypes.means.T) - crowded[:, columns]
        for row, place in enumerate(part):
            company = works.maker_artists[works.makers[place]]
            first = company[0]
            base[at + row] = crowded[row, first]  # as its own artists are left out, the same for each of them
            for column in column_of[company]:
                mean = None if column == NOBODY else prototypes.without(column, works.rows[place : place + 1])
                if mean is not None:
                    own["row"].append(at + row)
                    own["column"].append(column)
                    own["score"].append(2 * float(rows[row] @ mean) - crowded[row, columns[column]])
        at += len(part)
    offsets = np.array([base[works.by(artist)[chosen]].mean() for artist in columns])
    own_columns = np.array(own["column"], dtype=np.int64)
    return SetScores(
        chosen,
        (table - offsets).astype(np.float32),
        offsets,
        np.array(own["row"], dtype=np.int64),
        own_columns,
        np.array(own["score"]) - offsets[own_columns],
        base,
    )


def score_queries(
    queries: Descriptors,
    works: SureWorks,
    prototypes: Prototypes,
    offsets: Table,
    *,
    leave_out: Mask | None = None,
) -> tuple[Table, Table]:
    """Score descriptors that are not of the gallery against its artists.

    Parameters
    ----------
    queries:
        ``[queries, dim]``.
    works, prototypes, offsets:
        The gallery, its prototypes, and the offsets of its :class:`SetScores`.
    leave_out:
        ``[n]`` works that are copies of what is asked about: no neighbours, and not among their artist's works.

    Returns
    -------
    scores, base
        ``[queries, artists]``; NaN against an artist of whom no work would be left. ``[queries]`` how crowded it is.
    """
    columns = works.numbers_of(prototypes.artists)
    crowded = crowding_of(queries, works, leave_out=leave_out)
    means = prototypes.means
    if leave_out is not None and leave_out.any():
        means = means.copy()
        for column, artist in enumerate(columns):
            copies = works.rows[leave_out & works.by(artist)]
            if len(copies):
                mean = prototypes.without(column, copies)
                means[column] = np.nan if mean is None else mean
    likeness = queries.astype(np.float64) @ means.T
    scores = np.round(2 * likeness - crowded[:, columns] - offsets, SCORE_DIGITS)
    return scores, _base(queries, works, leave_out)


def _base(queries: Descriptors, works: SureWorks, leave_out: Mask | None) -> Table:
    scores = cosines(queries, works.rows)
    if leave_out is not None:
        scores[:, leave_out] = -np.inf
    count = min(NEIGHBOURS, scores.shape[1])
    nearest = np.partition(scores, -count, axis=1)[:, -count:].astype(np.float64)
    known = np.isfinite(nearest)
    means: Table = np.where(known, nearest, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return means


def _sample(works: SureWorks, artists: int, seed: int) -> Indices:
    """Draw works, of no maker more than a few, so that the scores fit."""
    sizes = np.bincount(works.makers)
    most = MOST_WORKS
    while most > 1 and np.minimum(sizes, most).sum() * artists > MOST_SCORES:
        most -= 1
    dice = np.random.default_rng(seed)
    drawn = [
        dice.permutation(np.flatnonzero(works.makers == maker))[:most] for maker in np.unique(works.makers)
    ]
    return np.sort(np.concatenate(drawn))
