"""Groups of images that hang together by pairs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from stylesearch.errors import InputError

Indices = NDArray[np.int64]


def components(count: int, pairs: Iterable[tuple[int, int]]) -> Indices:
    """Return ``[count]``: for each thing the lowest number that a chain of pairs leads to."""
    leader = list(range(count))

    def lead(place: int) -> int:
        while leader[place] != place:
            leader[place] = leader[leader[place]]
            place = leader[place]
        return place

    for one, other in pairs:
        first, second = sorted((lead(one), lead(other)))
        leader[second] = first
    return np.array([lead(place) for place in range(count)], np.int64)


def check_sizes(groups: Indices, *, largest_share: float, free: int, threshold: float) -> int:
    """Return the size of the largest group.

    Parameters
    ----------
    largest_share:
        The largest share, 0 to 1, of all that one group may have.
    free:
        Groups of no more than this are never too large.

    Raises
    ------
    InputError
        ``copies_everywhere``, if one is larger: then the threshold holds too much for copies.
    """
    if not len(groups):
        return 0
    sizes = np.bincount(groups)
    largest = int(sizes.max())
    if largest > max(free, largest_share * len(groups)):
        raise InputError(
            f"One group of copies holds {largest:,} of {len(groups):,} images at a threshold of {threshold:.3f}.",
            hint="Raise it with --copy-threshold, or allow such a group with --largest-share.",
            code="copies_everywhere",
        )
    return largest
