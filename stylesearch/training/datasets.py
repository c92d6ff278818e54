"""What can be trained on: labelled pictures, or what a frozen network said of labelled pictures."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from stylesearch.errors import InputError
from stylesearch.images.decode import Pixels, decode
from stylesearch.training.labels import Labels


class TrainingSet(Protocol):
    """Labelled samples, each loaded by its number.

    An instance is sent to worker processes, so it must be picklable.
    """

    @property
    def source(self) -> str:
        """Where the samples come from, for people."""

    @property
    def labels(self) -> Labels:
        """Tags and contents."""

    @property
    def digest(self) -> str:
        """Hex SHA-256 over what the samples are called and labelled; a run goes on only with the same."""

    def name(self, sample: int) -> str:
        """Return what a person knows a sample by."""

    def load(self, sample: int) -> NDArray[Any]:
        """Return a sample: pixels ``[height, width, 3]`` uint8, or features ``[views, dim]`` float32.

        Raises
        ------
        InputError, NotFoundError, OSError
            If this one sample cannot be had; it is then reported, and another of its style takes its place.
        """


@dataclass(frozen=True, slots=True)
class Decoding:
    """How a picture's file becomes pixels; see :func:`stylesearch.images.decode.decode`.

    Attributes
    ----------
    shortest_side:
        In pixels.
    max_bytes, max_pixels:
        Larger files and pictures count as unreadable.
    """

    shortest_side: int = 448
    max_bytes: int = 256 * 1024**2
    max_pixels: int = 200_000_000

    def __call__(self, data: bytes) -> Pixels:
        """Return a file's pixels; raises what ``decode`` does."""
        return decode(
            data,
            max_bytes=self.max_bytes,
            max_pixels=self.max_pixels,
            shortest_side=self.shortest_side,
            longest_side=8 * self.shortest_side,
        ).pixels


@dataclass(frozen=True)
class PictureSet:
    """Labelled pictures.

    Attributes
    ----------
    source:
        Where they come from, for people.
    names:
        What each is called, wherever the whole lies.
    labels:
        Tags and contents.
    read:
        Returns the file of a picture by its number.
    decoding:
        How it becomes pixels.
    """

    source: str
    names: Sequence[str]
    labels: Labels
    read: Callable[[int], bytes]
    decoding: Decoding

    @classmethod
    def of(
        cls,
        source: str,
        samples: Sequence[tuple[str, Sequence[str], str | None]],
        *,
        reader: Callable[[list[int]], Callable[[int], bytes]],
        decoding: Decoding,
    ) -> PictureSet:
        """Make a set of the samples that have a tag.

        Parameters
        ----------
        samples:
            Name, tags and content (or ``None``) of each.
        reader:
            Is given which of the samples were kept, and returns what reads those.

        Raises
        ------
        InputError
            ``no_pictures`` if there are no samples at all, ``tags_missing`` if none has a tag.
        """
        if not samples:
            raise InputError(f"{source} holds no pictures.", hint="Check the path.", code="no_pictures")
        kept = [number for number, (_, tags, _) in enumerate(samples) if tags]
        if not kept:
            raise InputError(
                f"None of the {len(samples)} pictures of {source} has a tag.",
                hint="Without tags nothing says which pictures share a style.",
                code="tags_missing",
            )
        if len(kept) < len(samples):
            source = f"{source} ({len(samples) - len(kept)} without a tag left out)"
        labels = Labels.of([samples[number][1] for number in kept], [samples[number][2] for number in kept])
        return cls(source, [samples[number][0] for number in kept], labels, reader(kept), decoding)

    @property
    def digest(self) -> str:
        """Hex SHA-256 over names and labels."""
        return hashlib.sha256(json.dumps([list(self.names), self.labels.digest]).encode()).hexdigest()

    def name(self, sample: int) -> str:
        return self.names[sample]

    def load(self, sample: int) -> Pixels:
        return self.decoding(self.read(sample))


@dataclass(frozen=True)
class FeatureSet:
    """What a frozen network said of labelled pictures, for training a head alone.

    Attributes
    ----------
    features:
        ``[n, views, dim]`` float32: of each sample one or more views, such as the whole picture and cuts of it. Two
        of a sample's views are drawn each time it is shown.
    labels:
        Tags and contents of the n samples.
    source:
        Where they come from, for people.
    """

    features: NDArray[np.float32]
    labels: Labels
    source: str = "features"

    def __post_init__(self) -> None:
        if self.features.ndim != 3 or self.features.dtype != np.float32 or 0 in self.features.shape:
            raise _bad_features(
                self.source,
                f"are {self.features.dtype} {list(self.features.shape)}, not float32 [n, views, dim]",
            )
        worlds = self.labels.tags if self.labels.worlds is None else self.labels.worlds
        if not len(self.features) == len(self.labels.tags) == len(self.labels.contents) == len(worlds):
            raise _bad_features(self.source, "and their labels are not equally many")
        if not np.isfinite(self.features).all():
            raise _bad_features(self.source, "are not all finite")

    @classmethod
    def open(cls, path: Path) -> FeatureSet:
        """Read the file that :meth:`save` writes.

        Raises
        ------
        InputError
            ``features``, if it cannot be read or does not hold such features and labels.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                names = tuple(arrays["tag_names"].tolist())
                tags = tuple(tuple(np.flatnonzero(row).tolist()) for row in arrays["tags"])
                worlds = (arrays["worlds"], tuple(arrays["shares"].tolist())) if "worlds" in arrays else ()
                return cls(arrays["features"], Labels(names, tags, arrays["contents"], *worlds), str(path))
        except (OSError, ValueError, TypeError, KeyError, EOFError, BadZipFile, zlib.error) as error:
            raise InputError(
                f"{path} holds no features: {next(iter(str(error).splitlines()), type(error).__name__)}.",
                hint="Give an .npz with features, tags, tag_names and contents.",
                code="features",
            ) from error

    def save(self, path: Path) -> None:
        """Write an ``.npz`` with ``features``, ``tags`` (booleans ``[n, tags]``), ``tag_names`` and ``contents``.

        Where samples are in worlds, it has ``worlds`` and ``shares`` too.
        """
        arrays: dict[str, Any] = {
            "features": self.features,
            "tags": self.labels.matrix(range(len(self.features))),
            "tag_names": np.array(self.labels.tag_names),
            "contents": self.labels.contents,
        }
        if self.labels.worlds is not None:
            arrays |= {"worlds": self.labels.worlds, "shares": np.array(self.labels.shares)}
        np.savez(path, **arrays)

    @property
    def digest(self) -> str:
        """Hex SHA-256 over features and labels."""
        data = hashlib.sha256(np.ascontiguousarray(self.features).data)
        data.update(self.labels.digest.encode())
        return data.hexdigest()

    def name(self, sample: int) -> str:
        return f"sample {sample}"

    def load(self, sample: int) -> NDArray[np.float32]:
        loaded: NDArray[np.float32] = self.features[sample]
        return loaded


def _bad_features(source: str, what: str) -> InputError:
    return InputError(f"The features of {source} {what}.", hint="Write them anew.", code="features")
