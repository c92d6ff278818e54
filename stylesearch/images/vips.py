"""libvips, imported when first needed and set up for untrusted files and worker processes."""

from __future__ import annotations

import logging
import threading
from functools import lru_cache
from typing import Any

_LOADERS = ("Jpeg", "Png", "Webp", "Nsgif", "Tiff", "Svg", "Heif", "Jp2k", "Jxl")


_guard = threading.Lock()


def libvips() -> Any:
    """Return the ``pyvips`` module, set up for this process.

    Only the loaders of the allow list stay usable, one thread does the work, and no result is cached. The import
    waits until the first call because libvips starts threads, which a process that forks later must not have: call
    this in the workers, not in their parent.

    Returns
    -------
    module
        ``pyvips``; it has no types of its own.
    """
    with _guard:  # setting it up blocks all loaders for a moment, which no other thread may fall into
        return _set_up()


@lru_cache(maxsize=1)
def _set_up() -> Any:
    logger = logging.getLogger("pyvips")
    logger.addHandler(logging.NullHandler())
    logger.setLevel(logging.ERROR)  # what matters about a file is raised; the rest is chatter
    import pyvips

    pyvips.block_untrusted_set(True)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for loader in _LOADERS:
        pyvips.operation_block_set(f"VipsForeignLoad{loader}", False)
    pyvips.concurrency_set(1)  # the workers are processes, one a core
    pyvips.cache_set_max(0)  # no file is decoded twice
    return pyvips


def has_loader(name: str) -> bool:
    """Return whether this build of libvips holds a loader such as ``jxlload``."""
    return bool(libvips().type_find("VipsForeignLoad", f"{name}_buffer"))


def reason(error: Exception) -> str:
    """Return the last telling line of a libvips error: ``loader: what is wrong``."""
    lines = [line.strip() for line in str(error).splitlines() if ": " in line]
    return lines[-1][:200] if lines else "no reason given"
