"""A run from its first stage to its last: what is done already stays, as long as what it depended on does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from stylesearch.curation import banking, deduplication, exporting, fetching, matching, splitting
from stylesearch.curation.folder import STAGES
from stylesearch.curation.stage import Run

MODULES: dict[str, ModuleType] = {
    "tags": banking,
    "matches": matching,
    "images": fetching,
    "copies": deduplication,
    "splits": splitting,
    "export": exporting,
}


@dataclass(frozen=True, slots=True)
class StageResult:
    """What became of a stage; ``fresh`` where it was carried out just now."""

    stage: str
    counts: dict[str, Any]
    fresh: bool


def carry_out(
    run: Run, *, until: str = STAGES[-1], on_begin: Callable[[str], None] | None = None
) -> Iterator[StageResult]:
    """Carry out the stages of a run that are not done, or whose conditions have changed; yield each when it is done.

    A run that was interrupted, wherever that was, goes on from there, and what comes out is the same to the byte.

    Parameters
    ----------
    until:
        The last stage to carry out.
    on_begin:
        Told of each stage that is about to be carried out.

    Raises
    ------
    StylesearchError
        If a stage cannot be carried out; what was done stays.
    """
    before = ""
    for stage in STAGES[: STAGES.index(until) + 1]:
        module = MODULES[stage]
        key: str = module.key(run, before)
        done = run.folder.done(stage)
        if done is not None and done.key == key:
            yield StageResult(stage, done.counts, fresh=False)
        else:
            if on_begin is not None:
                on_begin(stage)
            run.folder.forget(stage)
            counts = module.carry_out(run, key)
            run.folder.finish(stage, key, counts)
            yield StageResult(stage, counts, fresh=True)
        before = key
