"""What filters would leave, counted; in large archives remembered for a moment, since counting takes longer than searching."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stylesearch.catalog.access import Access
from stylesearch.search.facets import Facets
from stylesearch.search.filters import Filter
from stylesearch.search.grammar import write
from web.recent import Recent

LARGE = 5_000
"""Up to so many works are counted each time."""

FRESH_SECONDS, STALE_SECONDS = 10.0, 60.0
"""So old may counts be; and so old, while somebody is just counting anew."""

REMEMBERED = 200
Key = tuple[str, str, str]


class FacetMemory:
    """Remembers counts of many works for a moment; may be shared by threads.

    Parameters
    ----------
    clock:
        Returns seconds.
    changes:
        Returns what differs as soon as works may have been hidden or shown again: what was counted before is then forgotten.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, changes: Callable[[], str] = lambda: ""
    ) -> None:
        self._clock = clock
        self._changes = changes
        self._known: Recent[Key, tuple[float, Facets]] = Recent(REMEMBERED)
        self._counting: set[Key] = set()
        self._guard = threading.Lock()

    def counted(self, where: Filter, access: Access, count: Callable[[], Facets]) -> Facets:
        """Return what a filter leaves, counted now or a moment ago.

        Parameters
        ----------
        count:
            Counts it.
        """
        known = self.recall(where, access)
        if known is not None:
            return known
        with self.counting(where, access):
            found = count()
            self.remember(where, access, found)
        return found

    @contextmanager
    def counting(self, where: Filter, access: Access) -> Iterator[None]:
        """Let others know that a filter's choices are being counted, so that they do not do it too."""
        key = self._key(where, access)
        with self._guard:
            self._counting.add(key)
        try:
            yield
        finally:
            with self._guard:
                self._counting.discard(key)

    def recall(self, where: Filter, access: Access) -> Facets | None:
        """Return what was counted a moment ago, or what is being counted anew; ``None`` where it has to be counted."""
        key = self._key(where, access)
        at, found = self._known.get(key) or (float("-inf"), None)
        with self._guard:
            most = STALE_SECONDS if key in self._counting else FRESH_SECONDS
        return found if self._clock() - at <= most else None

    def remember(self, where: Filter, access: Access, found: Facets) -> None:
        """Remember counts, where they are of many works."""
        if sum(choice.count for choice in found["reuse"]) > LARGE:  # each work is in one class
            self._known.put(self._key(where, access), (self._clock(), found))

    def _key(self, where: Filter, access: Access) -> Key:
        return write(where), access.value, self._changes()
