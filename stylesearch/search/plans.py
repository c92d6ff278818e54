"""Which way a search goes through the gallery: chosen from the catalogue's statistics by what each way would cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

from stylesearch.catalog.indexes import no_index
from stylesearch.catalog.shards import Part
from stylesearch.search.query import Mode

Method = Literal["exact", "hnsw", "binary"]

# What steps cost, in microseconds, at 768 numbers a descriptor on one core. Only their proportions matter.
SCANNED = 1.5
"""A descriptor that is compared where it lies, one after the other, with its work beside it."""
LOOKED_UP = 5.0
"""A descriptor that is looked up by the image that a filter lets through."""
VISITED = 35.0
"""A descriptor that the index leads to, with all that is compared on the way there, and its work looked up."""

QUICK = 4000.0
"""What takes no longer is done exactly, though an index might be quicker still."""

WIDEST = 1000
"""``hnsw.ef_search`` cannot be more."""
ABREAST = 2.5
"""So many times as many as have to be met until enough of them match are kept in view while the index is followed: further
scans, which bring what the first did not, are less thorough."""
MOST_VISITED = 20_000
"""How far a scan through the index goes before something else is thought of."""
WIDER = 10
"""How many times as far it goes where that is still the cheapest."""
FARTHEST = 5000
"""Most that a shard brings through its index."""
OVERSAMPLING = 20
"""How many times as many are looked at again, where an index only knows the signs of the numbers."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is known of a gallery without looking at it.

    Attributes
    ----------
    rows:
        About how many descriptors there are.
    matching:
        About how many of them the filters let through.
    hnsw, binary:
        Whether there is such an index, whole and valid.
    hnsw_bytes, cache_bytes:
        How large the first of them is, and how much the server expects to find in memory.
    parts:
        Where the gallery lies, if it is split over shards.
    """

    rows: float
    matching: float
    hnsw: bool = False
    binary: bool = False
    hnsw_bytes: int = 0
    cache_bytes: int = 0
    parts: tuple[Part, ...] = ()

    @property
    def share(self) -> float:
        """How much of the gallery the filters let through, above 0, at most 1."""
        return min(1.0, max(self.matching, 1.0) / max(self.rows, 1.0))


@dataclass(frozen=True, slots=True)
class Plan:
    """A way through the gallery.

    Attributes
    ----------
    ef:
        ``hnsw.ef_search``.
    visited:
        Most descriptors that a scan through the index goes on to look at; 0 where it ends with what it keeps in view.
    """

    method: Method
    ef: int = 0
    visited: int = MOST_VISITED

    @property
    def met(self) -> int:
        """About how many descriptors a scan through the index meets in all."""
        return max(self.visited, self.ef)


def exact_cost(statistics: Statistics) -> float:
    """Return what comparing every matching descriptor costs, in microseconds."""
    return min(statistics.rows * SCANNED, statistics.matching * LOOKED_UP)


def index_cost(statistics: Statistics, wanted: int, ef: int) -> float:
    """Return what a scan through an index costs until it has met so many that match, in microseconds."""
    return VISITED * max(ef, wanted / statistics.share)


def width(statistics: Statistics, wanted: int, ef: int) -> int:
    """Return how wide an index is followed: what is asked for, or more where few of those that it leads to match."""
    needed = wanted if statistics.share == 1 else ceil(ABREAST * wanted / statistics.share)
    return max(ef, min(needed, WIDEST))


def brought_by_part(statistics: Statistics, wanted: int) -> int:
    """Return how many each shard has to bring so that, after filtering, there are probably enough."""
    return ceil(wanted / statistics.share * (1.5 if statistics.share < 1 else 1.0))


def choose(statistics: Statistics, mode: Mode, *, wanted: int, ef: int, exact_rows: int, slug: str) -> Plan:
    """Choose the way that costs least.

    Parameters
    ----------
    wanted:
        How many are to be found.
    ef:
        ``hnsw.ef_search`` of a scan through the index, at least; see :func:`width`.
    exact_rows:
        Up to so many matching descriptors, the exact way is quick enough for anybody, and misses nothing.
    slug:
        Of the encoder, for messages.

    Raises
    ------
    ServiceError
        ``no_index``, if the mode asks for one that is not there.
    """
    ef = width(statistics, wanted, ef)
    if mode != "auto":
        if mode != "exact" and not getattr(statistics, mode):
            raise no_index(slug, mode)
        return Plan(mode, ef, visited=first_visited(statistics, mode, wanted, ef))
    if statistics.matching <= exact_rows or not (statistics.hnsw or statistics.binary):
        return Plan("exact", ef)
    if statistics.parts and brought_by_part(statistics, wanted) > FARTHEST:
        return Plan("exact", ef)
    if exact_cost(statistics) <= max(QUICK, index_cost(statistics, wanted, ef)):
        return Plan("exact", ef)
    spills = statistics.hnsw_bytes > statistics.cache_bytes
    use_binary = statistics.binary and (spills or not statistics.hnsw)
    method: Method = "binary" if use_binary else "hnsw"
    return Plan(method, ef, visited=first_visited(statistics, method, wanted, ef))


def first_visited(statistics: Statistics, method: Method, wanted: int, ef: int) -> int:
    """Return how far a scan goes at first: no farther than it keeps in view, where that is very probably enough.

    To be able to go on it has to remember all that it met, which takes a tenth of its time and more.
    """
    enough = method == "hnsw" and ABREAST * wanted / statistics.share <= ef
    return 0 if enough else MOST_VISITED


def after_running_dry(plan: Plan, statistics: Statistics, *, found: int, wanted: int) -> Plan:
    """Return how to go on when a scan through the index went as far as it may and met too few that match.

    What it met tells how many match in all: fewer than was thought. Either it is worth going on further, or all of them
    are compared.
    """
    share = max(found, 1) / plan.met
    learnt = replace(statistics, matching=min(statistics.rows, share * statistics.rows))
    if plan.visited == 0:
        wider = replace(plan, visited=MOST_VISITED)
    else:
        wider = replace(plan, visited=plan.visited * WIDER, ef=min(WIDEST, plan.ef * 2))
    enough = found * wider.met >= wanted * plan.met
    if plan.visited <= MOST_VISITED and enough and index_cost(learnt, wanted, wider.ef) < exact_cost(learnt):
        return wider
    return Plan("exact", plan.ef)
