"""How crowded it is around a descriptor: the density that CSLS takes off a score, with some artists left out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from stylesearch.attribution.sure_works import NOBODY, SureWorks
from stylesearch.encoders.protocol import Descriptors
from stylesearch.evaluation.csls import NEIGHBOURS
from stylesearch.evaluation.labels import Indices, Mask
from stylesearch.evaluation.ranking import cosines, row_chunks

Table = NDArray[np.float64]

LOOKED_AT = 128
"""Nearest works in which neighbours by others are looked for first; where there are too few, all works are looked at."""


def crowding(scores: NDArray[np.floating], works: SureWorks, *, neighbours: int = NEIGHBOURS) -> Table:
    """Return ``[queries, artists]``: mean cosine to the nearest works, were the works of that artist not there.

    CSLS asks how crowded it is around a descriptor, apart from the two whose likeness is in question. A descriptor among
    the works of its own artist is crowded by these. Had they a part in it, a picture by somebody who is not here would
    look less crowded than all that it is compared with, and score too high. The study that proposes CSLS for styles takes
    its densities from artists that are not measured; this does the same for each artist in turn.

    Parameters
    ----------
    scores:
        ``[queries, works]`` cosines; ``-inf`` where a work must not count for a query: its own artist's, its copies.
    works:
        The works, in the order of the columns.
    neighbours:
        How many nearest works; as many as there are where there are fewer. 0 where there are none.
    """
    count = scores.shape[1]
    nearest = min(count, max(LOOKED_AT, neighbours))
    chosen = np.argpartition(-scores, nearest - 1, axis=1)[:, :nearest]
    values = np.take_along_axis(scores, chosen, axis=1).astype(np.float64)
    order = np.argsort(-values, axis=1, kind="stable")
    values = np.take_along_axis(values, order, axis=1)
    companies = works.maker_artists[works.makers[np.take_along_axis(chosen, order, axis=1)]]
    counted = np.isfinite(values)
    base, _ = _mean_of_first(values, counted, neighbours)
    table = np.repeat(base[:, None], len(works.artists), axis=1)
    for rank in range(min(neighbours, nearest)):
        for seat in range(companies.shape[2]):
            artist = companies[:, rank, seat]
            by_others = counted & (companies != artist[:, None, None]).all(axis=2)
            mean, found = _mean_of_first(values, by_others, neighbours)
            rows = np.flatnonzero((artist != NOBODY) & counted[:, rank])
            table[rows, artist[rows]] = mean[rows]
            for row in rows[(found[rows] < neighbours) & (nearest < count)]:
                table[row, artist[row]] = _exact(scores[row], ~works.by(artist[row]), neighbours)
    return table


def _mean_of_first(values: Table, counted: Mask, neighbours: int) -> tuple[Table, Indices]:
    """Return ``[queries]`` mean of the first values that count, and how many those are."""
    first = counted & (np.cumsum(counted, axis=1) <= neighbours)
    found = first.sum(axis=1)
    return np.where(first, values, 0.0).sum(axis=1) / np.maximum(found, 1), found


def _exact(scores: NDArray[np.floating], counted: Mask, neighbours: int) -> float:
    left = scores[counted & np.isfinite(scores)].astype(np.float64)
    return float(np.sort(left)[::-1][:neighbours].mean()) if len(left) else 0.0


def own_crowding(works: SureWorks, chosen: Indices) -> Iterator[tuple[Indices, Table]]:
    """Yield some of the works, a part at a time, with their crowding by artist; their own artists are left out throughout.

    Parameters
    ----------
    works:
        All works, which are looked at for neighbours.
    chosen:
        ``[n]`` places of those that are asked about.
    """
    for start, stop in row_chunks(len(chosen), len(works)):
        part = chosen[start:stop]
        scores = cosines(works.rows[part], works.rows)
        for maker in np.unique(works.makers[part]):
            scores[np.ix_(works.makers[part] == maker, works.sharing(maker))] = -np.inf
        yield part, crowding(scores, works)


def crowding_of(query: Descriptors, works: SureWorks, *, leave_out: Mask | None = None) -> Table:
    """Return ``[queries, artists]`` crowding of descriptors that are not of these works.

    Parameters
    ----------
    query:
        ``[queries, dim]``.
    leave_out:
        ``[n]`` works that must not count: copies of what is asked about.
    """
    scores = cosines(query, works.rows)
    if leave_out is not None:
        scores[:, leave_out] = -np.inf
    return crowding(scores, works)
