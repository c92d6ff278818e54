"""Which images come near to which by their vectors: all compared, or through an index of the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text

from stylesearch.catalog.connections import raw_connection
from stylesearch.catalog.database import Database

if TYPE_CHECKING:
    from stylesearch.curation.copiers import Rows

EXACT_ROWS = 30_000
"""Up to so many images all are compared with all: that is quick, and the same each time."""

MOST_NEIGHBOURS = 12
"""Of each image's neighbours: groups hang together by a few."""

_M, _EF_CONSTRUCTION, _EF = 16, 128, 200
_QUERIES = 500
_CHUNK = 1024

Vectors = NDArray[np.float32]
Queries = Callable[["Rows"], Vectors]
"""From what is kept of images to ``[views, n, dim]``."""

OnDone = Callable[[int, int], None]
PairSet = NDArray[np.int64]


def halved(vectors: Vectors) -> Vectors:
    """Return vectors as half precision keeps them, so that both ways compare the same."""
    return vectors.astype(np.float16).astype(np.float32)


def in_chunks(function: Callable[[Rows], NDArray[Any]], rows: Rows) -> NDArray[Any]:
    """Return what a function makes of many rows, some at a time."""
    return np.concatenate([function(rows[begin : begin + _CHUNK]) for begin in range(0, len(rows), _CHUNK)])


def near_pairs(
    rows: Rows,
    keys: Vectors,
    queries: Queries,
    *,
    floor: float,
    way: str,
    database: Database,
    on_done: OnDone,
) -> PairSet:
    """Return ``[pairs, 2]``, ascending and each once: images of which a view of one comes near to the other.

    Parameters
    ----------
    rows:
        What is kept of each image.
    keys:
        ``[n, dim]`` unit vectors that images are found by.
    queries:
        Makes the unit vectors that are looked for.
    floor:
        Least inner product.
    way:
        ``exact``, ``index``, or ``auto``: by their number.
    """
    if way == "exact" or (way == "auto" and len(keys) <= EXACT_ROWS):
        found = _all_compared(rows, halved(keys), queries, floor, on_done)
    else:
        found = _through_index(rows, keys, queries, floor, database, on_done)
    return np.array(sorted(found), np.int64).reshape(-1, 2)


def _all_compared(
    rows: Rows, keys: Vectors, queries: Queries, floor: float, on_done: OnDone
) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    count = len(keys)
    for begin in range(0, count, _CHUNK):
        views = halved(queries(rows[begin : begin + _CHUNK]))
        best = views[0] @ keys.T
        for view in views[1:]:
            np.maximum(best, view @ keys.T, out=best)
        own = np.arange(len(best))
        best[own, own + begin] = -2
        nearest = np.argpartition(-best, min(MOST_NEIGHBOURS, count - 1), axis=1)[:, :MOST_NEIGHBOURS]
        scores = np.take_along_axis(best, nearest, axis=1)
        for place, column in zip(*np.nonzero(scores >= floor), strict=True):
            one, other = begin + int(place), int(nearest[place, column])
            found.add((min(one, other), max(one, other)))
        on_done(begin + len(best), count)
    return found


def _through_index(
    rows: Rows, keys: Vectors, queries: Queries, floor: float, database: Database, on_done: OnDone
) -> set[tuple[int, int]]:
    """Find them by an HNSW index on a table that goes with the session."""
    found: set[tuple[int, int]] = set()
    count, dim = keys.shape
    with database.session() as session:
        connection = raw_connection(session)
        connection.execute(f"CREATE TEMP TABLE near_key (place int8, vector halfvec({dim})) ON COMMIT DROP")
        with connection.cursor().copy("COPY near_key (place, vector) FROM STDIN") as copy:
            for place, vector in enumerate(keys):
                copy.write_row((place, _written(vector)))
        session.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
        connection.execute(
            "CREATE INDEX ON near_key USING hnsw (vector halfvec_ip_ops)"
            f" WITH (m = {_M}, ef_construction = {_EF_CONSTRUCTION})"
        )
        connection.execute("ANALYZE near_key")
        session.execute(text(f"SET LOCAL hnsw.ef_search = {_EF}"))
        session.execute(text("SET LOCAL enable_seqscan = off"))
        for begin in range(0, count, _QUERIES):
            views = queries(rows[begin : begin + _QUERIES])
            for view in views:
                for place, vector in enumerate(view, start=begin):
                    near = connection.execute(
                        "SELECT place, -(vector <#> %s::halfvec) AS score FROM near_key ORDER BY vector <#> %s::halfvec LIMIT %s",
                        [_written(vector), _written(vector), MOST_NEIGHBOURS + 1],
                    )
                    found |= {
                        (min(place, other), max(place, other))
                        for other, score in near
                        if other != place and score >= floor
                    }
            on_done(min(begin + _QUERIES, count), count)
    return found


def _written(vector: Vectors) -> str:
    return f"[{','.join(f'{value:.6g}' for value in vector.tolist())}]"
