"""Batches crossed by content: the same content in many styles, the same style over many contents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from stylesearch.errors import InputError
from stylesearch.training.labels import NO_CONTENT, Labels

Indices = NDArray[np.int64]

_WORLDS = 1
"""Parts the choice of worlds from all else that is drawn at a step."""


class Sampler(Protocol):
    """Draws batches, each a function of a seed and the step alone."""

    @property
    def batch_size(self) -> int:
        """Samples in a batch."""

    def batch(self, step: int) -> Indices:
        """Return the samples of the global batch at a step, ``[batch_size]``, without repeats."""


@dataclass(frozen=True, slots=True)
class _Style:
    """The samples of one tag, by content.

    Attributes
    ----------
    contents:
        ``[k]``: those of its contents that other styles have too.
    starts:
        ``[k + 1]``: where the samples of each of these begin in ``samples``; the rest comes last.
    samples:
        All samples.
    """

    contents: Indices
    starts: Indices
    samples: Indices

    @classmethod
    def of(cls, samples: Indices, contents: Indices) -> _Style:
        """Group samples by their contents, of which those below 0 are none."""
        crossed = contents[samples] >= 0
        kinds = contents[samples[crossed]]
        distinct, counts = np.unique(kinds, return_counts=True)
        ordered = samples[crossed][np.argsort(kinds, kind="stable")]
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(distinct, starts, np.concatenate([ordered, samples[~crossed]]))

    def offer(self, keys: NDArray[np.float64], generator: Generator) -> Iterator[int]:
        """Yield one sample of each content in the order of the contents' keys, then all samples in any order."""
        for place in np.argsort(keys[self.contents]):
            yield int(self.samples[generator.integers(self.starts[place], self.starts[place + 1])])
        yield from generator.permutation(self.samples).tolist()


class ContentCrossedSampler:
    """Draws batches of ``styles`` times ``contents`` pictures: a grid, as far as the data have one.

    Within a batch every style shows, where it can, the same contents as the others. So a picture's hardest negatives,
    the same content in other styles, are beside it, and its positives show other contents. A style that lacks one of
    the contents gives another of its own instead; a style that has no content labels gives any of its pictures, so that
    without labels the batches are merely balanced by tag. All styles (tags of two pictures or more) are drawn alike
    often, however many pictures they have. No picture comes twice in a batch.

    A batch is a function of the seed and the step alone. So a run can go on at any step, and each of several ranks can
    take its part of the same global batch.

    Parameters
    ----------
    labels:
        Tags and contents of the training set.
    styles, contents:
        How many styles a batch holds, at least 2, and how many pictures of each, at least 2.
    seed:
        At least 0.

    Raises
    ------
    InputError
        ``one_style``, if there are no two tags with two pictures each; ``batch_too_large``, if there are fewer pictures
        than a batch holds; ``batch_too_small``.
    """

    def __init__(self, labels: Labels, *, styles: int, contents: int, seed: int) -> None:
        if styles < 2 or contents < 2:
            raise InputError(
                f"A batch of {styles} styles with {contents} pictures each leaves nothing to compare.",
                hint="Give at least 2 of both.",
                code="batch_too_small",
            )
        groups = [samples for samples in labels.members if len(samples) > 1]
        if len(groups) < 2:
            raise InputError(
                f"Of the tags {len(groups)} have two pictures or more; there must be at least 2 to tell apart.",
                hint="Add pictures of other styles.",
                code="one_style",
            )
        self.batch_size = styles * contents
        reachable = len(np.unique(np.concatenate(groups)))
        if reachable < self.batch_size:
            raise InputError(
                f"A batch of {self.batch_size} cannot be drawn from {reachable} pictures.",
                hint="Make the batch smaller, or add pictures.",
                code="batch_too_large",
            )
        contents_of = _crossed_contents(groups, labels.contents)
        self._kinds = int(contents_of.max()) + 1
        self._groups = [_Style.of(samples, contents_of) for samples in groups]
        self._styles = styles
        self._share = contents
        self._seed = seed

    def batch(self, step: int) -> Indices:
        """Return the samples of the global batch at a step, ``[batch_size]``, style by style."""
        generator = np.random.default_rng([self._seed, step])
        order = [self._groups[number] for number in generator.permutation(len(self._groups))]
        # Contents that many of the styles have come first more often; all styles then show what comes first of theirs.
        common = _styles_by_content([style.contents for style in order[: self._styles]], self._kinds)
        keys = generator.exponential(size=self._kinds) / np.maximum(common - 1, 1e-9) ** 2
        offers = [style.offer(keys, generator) for style in order]
        drawn: dict[int, None] = {}
        # Each style in turn gives its share, then further styles, then all of them again, until the batch is full.
        while True:
            for offer in offers:
                wanted = min(len(drawn) + self._share, self.batch_size)
                for sample in offer:
                    drawn[sample] = None
                    if len(drawn) == wanted:
                        break
                if len(drawn) == self.batch_size:
                    return np.array(list(drawn), np.int64)


class WorldsSampler:
    """Draws a few worlds for each batch, and of each what a :class:`ContentCrossedSampler` of that world draws.

    Parameters
    ----------
    labels:
        With worlds.
    worlds:
        How many of them a batch holds, at least 1.
    styles, contents:
        Styles of each world, and pictures of each style.
    seed:
        At least 0.

    Raises
    ------
    InputError
        ``too_few_worlds``; of any of the worlds, as :class:`ContentCrossedSampler` does.
    """

    def __init__(self, labels: Labels, *, worlds: int, styles: int, contents: int, seed: int) -> None:
        assert labels.worlds is not None
        shares = np.array(labels.shares)
        if not 0 < worlds <= int((shares > 0).sum()):
            raise InputError(
                f"A batch of {worlds} worlds cannot be drawn from {int((shares > 0).sum())}.",
                hint="Put fewer worlds into a batch.",
                code="too_few_worlds",
            )
        self._members = [np.flatnonzero(labels.worlds == world) for world in range(len(shares))]
        self._samplers = [
            ContentCrossedSampler(labels.part(members), styles=styles, contents=contents, seed=seed)
            for members in self._members
        ]
        self._shares = shares / shares.sum()
        self._worlds = worlds
        self._seed = seed
        self.batch_size = worlds * styles * contents

    def batch(self, step: int) -> Indices:
        """Return the samples of the global batch at a step, ``[batch_size]``, world by world."""
        generator = np.random.default_rng([self._seed, step, _WORLDS])
        drawn = generator.choice(len(self._shares), self._worlds, replace=False, p=self._shares)
        return np.concatenate([self._members[world][self._samplers[world].batch(step)] for world in drawn])


def build_sampler(labels: Labels, *, worlds: int, styles: int, contents: int, seed: int) -> Sampler:
    """Return what draws batches of such a shape; without worlds in the labels all is one world.

    Raises
    ------
    InputError
        As the samplers do; ``too_few_worlds`` if several are asked for and there is one.
    """
    if labels.worlds is not None:
        return WorldsSampler(labels, worlds=worlds, styles=styles, contents=contents, seed=seed)
    if worlds > 1:
        raise InputError(
            f"A batch of {worlds} worlds cannot be drawn from pictures that are in none.",
            hint="Put one world into a batch.",
            code="too_few_worlds",
        )
    return ContentCrossedSampler(labels, styles=styles, contents=contents, seed=seed)


def rank_batches(
    sampler: Sampler, start: int, stop: int, *, rank: int = 0, ranks: int = 1
) -> Iterator[list[tuple[int, int]]]:
    """Yield one rank's part of each batch from step ``start`` up to, not including, ``stop``.

    Parameters
    ----------
    rank, ranks:
        Which of how many equal parts; the parts in order are the global batch.

    Yields
    ------
    list of (step, sample)
        What a worker process needs to load a sample and draw its views.
    """
    size = sampler.batch_size // ranks
    for step in range(start, stop):
        part = sampler.batch(step)[rank * size : (rank + 1) * size]
        yield [(step, sample) for sample in part.tolist()]


def _crossed_contents(groups: list[Indices], contents: Indices) -> Indices:
    """Return all samples' contents, numbered anew; what a single style has cannot be crossed and counts as none."""
    styles = _styles_by_content([np.unique(contents[samples]) for samples in groups], int(contents.max()) + 1)
    numbers = np.where(styles > 1, np.cumsum(styles > 1) - 1, NO_CONTENT)
    return np.append(numbers, NO_CONTENT)[contents]


def _styles_by_content(contents_of_styles: list[Indices], kinds: int) -> Indices:
    """Count for each content the styles that have it."""
    counts = np.zeros(kinds, np.int64)
    for contents in contents_of_styles:
        counts[contents[contents >= 0]] += 1
    return counts
