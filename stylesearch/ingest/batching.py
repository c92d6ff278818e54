"""How many pictures are described at a time: as many as make the device quicker, and no more."""

from __future__ import annotations

FIRST = 8
BETTER, WORSE = 1.05, 0.8
LONGEST_SECONDS = 4.0
"""A batch that takes longer than half of this is not doubled: what is lost with a killed worker is to stay small."""


class BatchSize:
    """Doubles while pictures a second rise, and goes back where they fall.

    They fall where a device has not enough memory for a batch, for the encoder then describes its halves.

    Parameters
    ----------
    most:
        Largest size.
    """

    def __init__(self, most: int) -> None:
        self.size = min(FIRST, most)
        self._most = most
        self._best = 0.0
        self._best_size = self.size
        self._settled = False
        self._batches = 0

    def record(self, number: int, seconds: float) -> None:
        """Take note of how long a batch took, all of it.

        Batches that were not full tell nothing, nor does the first, which loads the weights.
        """
        if number < self.size or seconds <= 0:
            return
        self._batches += 1
        if self._batches == 1 or self._settled:
            return
        rate = number / seconds
        if rate > self._best * BETTER:
            self._best, self._best_size = rate, self.size
            self._settled = self.size == self._most or 2 * seconds > LONGEST_SECONDS
            if not self._settled:
                self.size = min(self._most, 2 * self.size)
        else:
            self._settled = True
            if rate < self._best * WORSE:
                self.size = self._best_size
