"""What a statement brought: candidates, scored in double precision, and what is known of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Row

from stylesearch.catalog.halfvecs import unpack_halfvecs
from stylesearch.search.facets import Facets, read_facets
from stylesearch.search.grouping import Candidate
from stylesearch.search.readout import Readout
from stylesearch.search.scoring import Ask, scores
from stylesearch.search.statements import Wanted, base_score
from stylesearch.search.vectors import rounded


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement brought.

    Attributes
    ----------
    boundary:
        The best score, in single precision, that anything can have which it did not bring.
    exhausted:
        Whether there is nothing more to bring that way.
    matching:
        How many images the filters let through, where they were counted.
    """

    candidates: list[Candidate]
    boundary: float
    exhausted: bool
    matching: int | None = None
    facets: Facets | None = None


def read(rows: Sequence[Row[Any]], ask: Ask, readout: Readout, wanted: Wanted) -> Answer:
    """Return the answer in a statement's rows."""
    counted = wanted.counted or wanted.facets
    found = [row for row in rows if row.image_id is not None] if counted or wanted.parted else rows
    # Beyond it, one of several servers may have more that was not brought.
    relied_on = rows[0].relied_on if wanted.parted else None
    matching = int(rows[0].matching) if counted else None
    facets = read_facets(rows[0].facets or []) if wanted.facets else None
    if not found:
        return Answer([], -np.inf, exhausted=relied_on is None, matching=matching, facets=facets)
    csls = readout.measure == "csls"
    crowding = np.array([row.crowding for row in found]) if csls else np.zeros(len(found))
    stored = unpack_halfvecs([bytes(row.vector) for row in found])
    candidates = [
        Candidate(row.image_id, row.work_id, score, tuple(row.artists) if wanted.artists else ())
        for row, score in zip(found, rounded(scores(ask, readout, stored, crowding)), strict=True)
    ]
    nearest: dict[int, float] = {}
    for row in found:
        key = row.work_id if wanted.by_work else row.image_id
        nearest[key] = min(row.distance, nearest.get(key, np.inf))
    return Answer(
        candidates,
        boundary=base_score(ask, readout)
        - min(max(nearest.values()), np.inf if relied_on is None else relied_on),
        exhausted=len(nearest) < wanted.limit and relied_on is None,
        matching=matching,
        facets=facets,
    )
