"""Progress of long work: a bar with rate and time left on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

LINE_SECONDS = 5.0

console = Console()
errors = Console(stderr=True)


class RateColumn(ProgressColumn):
    """Things a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


class Bar:
    """One piece of long work."""

    def __init__(self, progress: Progress | None, label: str, unit: str) -> None:
        self._progress = progress
        self._label = label
        self._unit = unit
        self._task = progress.add_task(label, total=None) if progress else None
        self._started = time.monotonic()
        self._first: int | None = None
        self._said = self._started

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Show that ``done`` of ``total`` are done."""
        if self._progress is not None and self._task is not None:
            label = f"{self._label} ({note})" if note else self._label
            self._progress.update(self._task, completed=done, total=total, description=label)
            return
        if self._first is None:
            self._first = done
        now = time.monotonic()
        if now - self._said >= LINE_SECONDS:
            self._said = now
            rate = (done - self._first) / (now - self._started)
            left = f", {(total - done) / rate:.0f} s left" if rate > 0 else ""
            about = f" ({note})" if note else ""
            errors.print(
                f"{self._label}: {done} of {total} {self._unit}, {rate:.1f}/s{left}{about}", highlight=False
            )


@contextmanager
def progress_bar(label: str, unit: str = "files") -> Iterator[Bar]:
    """Show progress on standard error for as long as the block lasts."""
    if not errors.is_terminal:
        yield Bar(None, label, unit)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, transient=False) as progress:
        yield Bar(progress, label, unit)


class Stopwatch:
    """How long a block took, in seconds."""

    seconds: float = 0.0

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self._began
