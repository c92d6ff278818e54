"""From a ranking of images to a page of results: a work once, an artist only so often, and from a place on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from stylesearch.search.query import StyleQuery


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image that may be a result; ``artists`` are the ids of those whom its work is credited to."""

    image_id: int
    work_id: int
    score: float
    artists: tuple[int, ...] = ()

    @property
    def place(self) -> tuple[float, int]:
        """What results are ordered by: the best score first, of equal ones the smaller id."""
        return -self.score, self.image_id


def picked(candidates: Iterable[Candidate], query: StyleQuery) -> list[Candidate]:
    """Return the page that a query asks for, in order; shorter than ``k`` where there are no more candidates.

    Parameters
    ----------
    candidates:
        The nearest of all, in any order. What stood on earlier pages uses up its work and its artists too.
    """
    page: list[Candidate] = []
    works: set[int] = set()
    shown: Counter[int] = Counter()
    for one in sorted(candidates, key=lambda candidate: candidate.place):
        if query.group == "work" and one.work_id in works:
            continue
        most = query.per_artist
        if most is not None and any(shown[artist] >= most for artist in one.artists):
            continue
        works.add(one.work_id)
        shown.update(one.artists)
        if query.after is None or one.place > query.after.place:
            page.append(one)
            if len(page) == query.k:
                break
    return page
