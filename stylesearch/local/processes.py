"""Child processes that do not outlive us."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable


def die_with_parent(how: signal.Signals) -> Callable[[], None] | None:
    """Return a ``preexec_fn`` that has Linux send the child a signal when its parent ends, however that ends.

    ``None`` on other systems, where a killed parent's children are found and ended by the next start.
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up here: after the fork only the call itself is safe
    set_parent_death_signal = 1

    def arrange() -> None:
        prctl(set_parent_death_signal, int(how), 0, 0, 0)

    return arrange
