"""What every contender of the benchmark of searching is, and how its building is watched.

A contender that is not installed says so when it is made; it is then left out by name.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from hard_gallery import Hard
from numpy.typing import NDArray

Setting = dict[str, Any]


@dataclass
class Built:
    """What building took: seconds by step, bytes on disk by what they are for, and the most memory at a time."""

    seconds: dict[str, float] = field(default_factory=dict)
    disk_bytes: dict[str, int] = field(default_factory=dict)
    peak_bytes: int = 0


class Searcher(ABC):
    """Something that searches a hard gallery."""

    name: str
    settings: Sequence[Setting] = ({},)
    """What to try, the quickest first; the first one is what it does unless it is told otherwise."""

    def __init__(self, folder: Path, hard: Hard) -> None:
        self.folder = folder / self.name.replace(" ", "-")
        self.hard = hard

    @abstractmethod
    def build(self) -> Built:
        """Take the gallery in, and index it."""

    @abstractmethod
    def ready(self, setting: Setting, bound: int) -> Callable[[NDArray[np.float16]], list[int]]:
        """Return what answers one question under a filter: rows, the nearest first."""

    def warm(self) -> None:  # noqa: B027 - most hold everything in memory
        """Read what is searched into memory."""

    def close(self) -> None:  # noqa: B027 - most have nothing open
        """Let go of what is open."""


@contextmanager
def watched(built: Built, processes: Callable[[], list[psutil.Process]]) -> Iterator[None]:
    """Note the most memory that some processes have to themselves at a time."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.5):
            total = 0
            for process in processes():
                try:
                    total += process.memory_full_info().uss
                except psutil.Error:
                    continue
            built.peak_bytes = max(built.peak_bytes, total)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def timed(built: Built, step: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    built.seconds[step] = time.monotonic() - began


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
