"""From a training set to batches of view pairs, in worker processes or in this one."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from stylesearch.errors import InputError, NotFoundError, StylesearchError
from stylesearch.training.augment import Views, generators
from stylesearch.training.datasets import TrainingSet
from stylesearch.training.signals import ignore_interrupts


class Unreadable(NamedTuple):
    """A sample that could not be loaded: what it is called, and why."""

    name: str
    reason: str


class Batch(NamedTuple):
    """Two views of each of n samples.

    Attributes
    ----------
    first, second:
        ``[n, ...]``: the views, as the network takes them.
    samples:
        ``[n]`` int64: which samples they are of.
    unreadable:
        Samples that were to be in the batch and whose place others took; each is told of once.
    """

    first: Tensor
    second: Tensor
    samples: Tensor
    unreadable: list[Unreadable]


class _Loaded(NamedTuple):
    """One sample's views, or the error that kept all of its style from being loaded.

    An error raised in a worker process would reach the parent with the worker's traceback for a message.
    """

    views: tuple[NDArray[Any], NDArray[Any]] | None
    sample: int
    unreadable: list[Unreadable]
    error: StylesearchError | None = None


@dataclass
class _Pairs(Dataset[_Loaded]):
    """A map from (step, sample) to the sample's views at that step."""

    data: TrainingSet
    views: Views
    seed: int
    _broken: dict[int, Unreadable] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.data.labels.tags)

    def __getitem__(self, key: tuple[int, int]) -> _Loaded:
        step, wanted = key
        unreadable: list[Unreadable] = []
        for sample in self._candidates(wanted):
            if sample not in self._broken:
                try:
                    loaded = self.data.load(sample)
                except (InputError, NotFoundError, OSError) as error:
                    self._broken[sample] = Unreadable(self.data.name(sample), str(error))
                except StylesearchError as failure:
                    return _Loaded(None, wanted, unreadable, failure)
                else:
                    # The place in the batch decides the views: a stand-in that is in the batch already shows others.
                    return _Loaded(
                        self.views(loaded, generators(self.seed, step, wanted)), sample, unreadable
                    )
            unreadable.append(self._broken[sample])
        tag = self.data.labels.tag_names[self.data.labels.tags[wanted][0]]
        none_left = InputError(
            f"None of the pictures of {tag!r} can be read; the first says: {unreadable[0].reason}",
            hint="Mend or remove them.",
            code="style_unreadable",
        )
        return _Loaded(None, wanted, unreadable, none_left)

    def _candidates(self, wanted: int) -> Iterator[int]:
        """Yield a sample, then what may stand in for it: those of its style, from the next one on."""
        yield wanted
        members = self.data.labels.members[self.data.labels.tags[wanted][0]]
        yield from np.roll(members, -int(np.searchsorted(members, wanted)))[1:].tolist()


def _collate(loaded: list[_Loaded]) -> Batch | StylesearchError:
    pairs = []
    for one in loaded:
        if one.views is None:
            assert one.error is not None
            return one.error
        pairs.append(one.views)
    first, second = (torch.from_numpy(np.stack(views)) for views in zip(*pairs, strict=True))
    samples = torch.tensor([one.sample for one in loaded])
    return Batch(first, second, samples, [broken for one in loaded for broken in one.unreadable])


def _start_worker(number: int) -> None:  # noqa: ARG001 - the form that DataLoader calls
    ignore_interrupts()


def load_batches(
    data: TrainingSet,
    views: Views,
    batches: Iterable[list[tuple[int, int]]],
    *,
    seed: int,
    workers: int = 0,
    pinned: bool = False,
) -> Generator[Batch]:
    """Yield the batches that a sampler names.

    Neither the number of workers nor what was loaded before changes a batch. A sample that cannot be loaded is replaced
    by the next one of its style.

    Parameters
    ----------
    views:
        Makes two views of what the training set loads.
    batches:
        For each batch its (step, sample) pairs, as from
        :meth:`~stylesearch.training.samplers.ContentCrossedSampler.batches`.
    seed:
        Of the views.
    workers:
        Processes that load ahead; 0 loads in this one. They are started anew, not forked, since a process that has
        threads (libvips, CUDA) must not be forked.
    pinned:
        Whether to put batches where a copy to CUDA is quick.

    Raises
    ------
    InputError
        ``style_unreadable``, if no picture of a style can be read.
    """
    loader: DataLoader[Any] = DataLoader(
        _Pairs(data, views, seed),
        batch_sampler=batches,
        collate_fn=_collate,
        num_workers=workers,
        pin_memory=pinned,
        multiprocessing_context="spawn" if workers else None,
        worker_init_fn=_start_worker,
        generator=torch.Generator().manual_seed(seed),
    )
    told: set[Unreadable] = set()
    for batch in loader:
        if isinstance(batch, StylesearchError):
            raise batch
        found = dict.fromkeys(batch.unreadable)
        yield batch._replace(unreadable=[sample for sample in found if sample not in told])
        told.update(found)
