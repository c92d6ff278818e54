"""Never more pixels being decoded at a time than memory has room for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class PixelBudget:
    """Lets threads decode side by side, as long as their pictures together have no more than some pixels.

    Parameters
    ----------
    most:
        Pixels. A single picture that has more is let through when no other is being decoded.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._used = 0
        self._freed = threading.Condition()

    @contextmanager
    def decoding(self, pixels: int) -> Iterator[None]:
        """Wait until there is room for a picture, and have it for as long as the block lasts."""
        share = min(pixels, self._most)
        with self._freed:
            self._freed.wait_for(lambda: self._used + share <= self._most)
            self._used += share
        try:
            yield
        finally:
            with self._freed:
                self._used -= share
                self._freed.notify_all()
