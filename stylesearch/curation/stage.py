"""What every stage of a run is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from stylesearch.catalog.database import Database
from stylesearch.curation.folder import RunFolder
from stylesearch.curation.recipe import Recipe
from stylesearch.images.store import ImageStore
from stylesearch.settings import Settings

OnProgress = Callable[[int, int, str], None]
"""Told how much is done, how much there will be as far as is known, and what of."""

PART_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its stages see it.

    Attributes
    ----------
    part_rows:
        Captions, and images, after which progress is kept. What comes out does not hang on it.
    """

    folder: RunFolder
    recipe: Recipe
    database: Database
    store: ImageStore
    settings: Settings
    on_progress: OnProgress
    part_rows: int = PART_ROWS


class Stage(Protocol):
    """A stage: a module with these two."""

    def key(self, run: Run, before: str) -> str:
        """Return what tells that a stage would do the same as last time; ``before`` is the key of the one before."""

    def carry_out(self, run: Run, key: str) -> dict[str, Any]:
        """Do it, going on with what was done of it, and return its counts."""
