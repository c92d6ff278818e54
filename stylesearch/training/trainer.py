"""Trains a style descriptor: the loop, and how it is stopped and gone on with."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from stylesearch.errors import InputError
from stylesearch.training.config import TrainingConfig
from stylesearch.training.datasets import TrainingSet
from stylesearch.training.distributed import Ranks
from stylesearch.training.learner import Evaluate, Learner
from stylesearch.training.loading import Unreadable, load_batches
from stylesearch.training.optimisers import resolve_precision
from stylesearch.training.runfolder import RunFolder
from stylesearch.training.samplers import build_sampler, rank_batches
from stylesearch.training.signals import stop_signals
from stylesearch.training.trainable import Trainable

_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run.

    Attributes
    ----------
    step:
        Steps done.
    finished:
        Whether these are all; else it was asked to stop, and the checkpoint has what is needed to go on.
    """

    step: int
    finished: bool


def _no_report(*of: object) -> None:
    """Tell nobody."""


def train(
    trainable: Trainable,
    data: TrainingSet,
    config: TrainingConfig,
    folder: RunFolder,
    *,
    ranks: Ranks,
    fresh: bool = False,
    workers: int = 0,
    checkpoint_every: int = 500,
    evaluate: Evaluate | None = None,
    evaluate_every: int = 1000,
    metadata: Mapping[str, Any] | None = None,
    on_step: Callable[[int, int, float], None] = _no_report,
    on_unreadable: Callable[[Unreadable], None] = _no_report,
) -> Outcome:
    """Train, from the folder's checkpoint if it has one, and write checkpoint, metrics and weights to the folder.

    On a processor a run that was killed and gone on with ends bit for bit like one that was not, as long as the number
    of ranks and of torch's threads stays the same. Random numbers are drawn from generators that are seeded anew at each
    step, from the seed, the step and the rank, so there is no state of theirs to be kept; torch's global one is among
    them.

    SIGINT and SIGTERM end the step, write a checkpoint and return; a second one acts as it does outside.

    Parameters
    ----------
    trainable:
        The network; it is changed in place and left on the device of the rank.
    data:
        Must be the same on all ranks, as must all else.
    ranks:
        From :func:`~stylesearch.training.distributed.joined_ranks`. The global batch, the loss and the gradients are
        the same however many there are.
    fresh:
        Whether to remove what an earlier run left in the folder, and begin anew.
    workers:
        Processes on each rank that load samples ahead; 0 loads between steps.
    checkpoint_every, evaluate_every:
        In steps; both are done at the end too.
    evaluate:
        Called on rank 0, while the others wait.
    metadata:
        JSON values, written into the weights file beside what the run itself knows of model, data and config.
    on_step:
        Called on rank 0 after each step with the steps done, those there will be, and the loss.
    on_unreadable:
        Called, on the rank that finds it, once for each sample that cannot be loaded.

    Raises
    ------
    InputError
        ``batch_not_divisible`` among ranks; ``other_config``, if the checkpoint is of another run, naming what differs;
        ``run_busy``; those of the sampler and of the loader.
    StylesearchError
        ``loss_not_finite``, naming the step; the last checkpoint stays as it was.
    ServiceError
        ``disk_full`` or ``not_writable``.
    """
    config = replace(config, precision=resolve_precision(config.precision, ranks.device))
    if config.batch % ranks.count:
        raise InputError(
            f"A batch of {config.batch} cannot be parted evenly among {ranks.count} ranks.",
            hint=f"Make the batch a multiple of {ranks.count}.",
            code="batch_not_divisible",
        )
    sampler = build_sampler(
        data.labels,
        worlds=config.worlds,
        styles=config.styles,
        contents=config.contents,
        seed=config.seed,
    )
    learner = Learner(trainable, data, config, ranks)
    with folder.held() if ranks.first else nullcontext():
        if fresh and ranks.first:
            folder.clear()
        ranks.wait()
        step = learner.resume(folder)
        if ranks.first:
            folder.forget_after(step)
        loading = load_batches(
            data,
            trainable.views,
            rank_batches(sampler, step, config.steps, rank=ranks.rank, ranks=ranks.count),
            seed=config.seed,
            workers=workers,
            pinned=ranks.device.type == "cuda",
        )
        scribe = _Scribe(learner, folder, config, checkpoint_every, evaluate, evaluate_every, on_step)
        with _deterministic(), stop_signals() as stop, closing(loading) as batches:
            for batch in batches:
                for sample in batch.unreadable:
                    on_unreadable(sample)
                record, stopping = learner.learn(step, batch, stop=stop.is_set())
                step += 1
                if ranks.first:
                    scribe.note(step, record, stopping=stopping)
                if stopping:
                    break
        finished = step == config.steps
        if finished and ranks.first:
            folder.save_weights(trainable.weights(), {**learner.describe(step), **(metadata or {})})
        ranks.wait()
    return Outcome(step, finished)


@dataclass(slots=True)
class _Scribe:
    """What rank 0 writes and tells after each step."""

    learner: Learner
    folder: RunFolder
    config: TrainingConfig
    checkpoint_every: int
    evaluate: Evaluate | None
    evaluate_every: int
    on_step: Callable[[int, int, float], None]
    _began: float = field(default_factory=time.monotonic)

    def note(self, step: int, record: Mapping[str, Any], *, stopping: bool) -> None:
        """Write down a step, and measure and keep the run when it is time to."""
        seconds, self._began = time.monotonic() - self._began, time.monotonic()
        rate = self.config.batch / max(seconds, _TINY)
        self.folder.log({**record, "images_per_second": rate})
        last = step == self.config.steps
        self.on_step(step, self.config.steps, record["loss"])
        if self.evaluate is not None and (last or step % self.evaluate_every == 0):
            self.folder.log({"step": step, "evaluation": self.learner.evaluate(self.evaluate)})
        if last or stopping or step % self.checkpoint_every == 0:
            self.folder.save_checkpoint(self.learner.state(step))


@contextmanager
def _deterministic() -> Iterator[None]:
    """Have torch use algorithms that give the same result each time, for as long as the block lasts."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when it is first used
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(mode=True)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]
