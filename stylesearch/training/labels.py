"""Which tags and which content each sample of a training set has."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

NO_CONTENT = -1


@dataclass(frozen=True)
class Labels:
    """Tags say what shares a style; contents say what depicts the same.

    Attributes
    ----------
    tag_names:
        Names of all tags.
    tags:
        For each sample the numbers of its tags.
    contents:
        ``[n]`` int64: for each sample the number of its content, or :data:`NO_CONTENT`.
    worlds:
        ``[n]`` int64: for each sample the number of its world. Samples of one world are shown together; what could be
        told apart at a glance, such as letters and landscapes, need not be. ``None`` for a single world.
    shares:
        How often each world is drawn, compared with the others; empty for a single world.
    """

    tag_names: tuple[str, ...]
    tags: tuple[tuple[int, ...], ...]
    contents: NDArray[np.int64]
    worlds: NDArray[np.int64] | None = None
    shares: tuple[float, ...] = ()

    @classmethod
    def of(cls, tags: Sequence[Iterable[str]], contents: Sequence[str | None]) -> Labels:
        """Number the tags and contents of samples that are labelled by name, in alphabetical order.

        Parameters
        ----------
        tags:
            For each sample its tags.
        contents:
            For each sample what it depicts; ``None`` or empty where that is unknown.
        """
        names = sorted({name for of_sample in tags for name in of_sample})
        numbers = {name: number for number, name in enumerate(names)}
        kinds = {name: number for number, name in enumerate(sorted({name for name in contents if name}))}
        return cls(
            tuple(names),
            tuple(tuple(sorted({numbers[name] for name in of_sample})) for of_sample in tags),
            np.array([kinds[name] if name else NO_CONTENT for name in contents], np.int64),
        )

    def in_worlds(self, worlds: Sequence[str], shares: Mapping[str, float]) -> Labels:
        """Return the same labels with each sample's world.

        Parameters
        ----------
        worlds:
            For each sample the name of its world.
        shares:
            By the worlds' names.
        """
        names = sorted(shares)
        numbers = {name: number for number, name in enumerate(names)}
        places = np.array([numbers[name] for name in worlds], np.int64)
        return replace(self, worlds=places, shares=tuple(shares[name] for name in names))

    def part(self, samples: NDArray[np.int64]) -> Labels:
        """Return the labels of some samples, in a single world; tags and contents keep their numbers."""
        tags = tuple(self.tags[sample] for sample in samples.tolist())
        return Labels(self.tag_names, tags, self.contents[samples])

    @cached_property
    def members(self) -> list[NDArray[np.int64]]:
        """For each tag the samples that have it."""
        members: list[list[int]] = [[] for _ in self.tag_names]
        for sample, tags in enumerate(self.tags):
            for tag in tags:
                members[tag].append(sample)
        return [np.array(samples, np.int64) for samples in members]

    def matrix(self, samples: Iterable[int]) -> NDArray[np.bool_]:
        """Return the samples' tags as booleans ``[len(samples), len(tag_names)]``."""
        rows = [self.tags[sample] for sample in samples]
        marks = np.zeros((len(rows), len(self.tag_names)), np.bool_)
        for row, tags in enumerate(rows):
            marks[row, list(tags)] = True
        return marks

    @property
    def digest(self) -> str:
        """Hex SHA-256 over all of it."""
        fields: list[object] = [self.tag_names, self.tags, self.contents.tolist()]
        if self.worlds is not None:
            fields += [self.worlds.tolist(), self.shares]
        values = json.dumps(fields)
        return hashlib.sha256(values.encode()).hexdigest()

    def __str__(self) -> str:
        contents = len(np.unique(self.contents[self.contents != NO_CONTENT]))
        known = f"{contents} contents" if contents else "contents unknown"
        worlds = f", {len(self.shares)} worlds" if self.shares else ""
        return f"{len(self.tags)} samples, {len(self.tag_names)} tags, {known}{worlds}"
