"""What an encoder is: model, weights and preprocessing under one name and one digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""One decoded image: ``[height, width, 3]``, sRGB, upright, alpha flattened on white."""

Descriptors = NDArray[np.float32]
"""``[batch, dim]``, each row of unit Euclidean norm."""


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """What makes an encoder's descriptors comparable: two encoders are one only if all of this is equal.

    Attributes
    ----------
    slug:
        Short name, unique in a catalogue.
    dim:
        Length of a descriptor.
    weights_sha256:
        Hex digest of the weights file, or of the digests of several in order.
    preprocessing:
        Name and version of what happens between decoded pixels and the network.
    license:
        SPDX id of the weights.
    """

    slug: str
    dim: int
    weights_sha256: str
    preprocessing: str
    license: str

    @property
    def digest(self) -> str:
        """Hex SHA-256 over all of the fields."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@runtime_checkable
class Encoder(Protocol):
    """Turns decoded images into style descriptors."""

    @property
    def spec(self) -> EncoderSpec:
        """The encoder's identity."""

    @property
    def input_size(self) -> int:
        """Shortest side, in pixels, that an image should be decoded at for this encoder."""

    def encode(self, images: Sequence[Pixels]) -> Descriptors:
        """Describe a batch.

        Parameters
        ----------
        images:
            Decoded images; sizes may differ.

        Returns
        -------
        Descriptors
            ``[len(images), dim]`` float32, unit norm, finite.

        Raises
        ------
        StylesearchError
            If a descriptor is not finite, or the device runs out of memory on a single image.
        """


@runtime_checkable
class PreparingEncoder(Encoder, Protocol):
    """An encoder that can be given what it needs of each picture, instead of the pictures.

    Preparing is the slow part that needs no network: it can be done in threads ahead of it, and what it leaves is small.
    """

    @property
    def full_size(self) -> bool:
        """Whether pictures are to be decoded at full size, since it scales them itself just as its reference does."""

    def prepare(self, pixels: Pixels) -> Pixels:
        """Return all that the network will see of a picture: ``[squares, side, side, 3]`` uint8."""

    def encode_prepared(self, prepared: Sequence[Pixels]) -> Descriptors:
        """Describe what :meth:`prepare` returned for a batch, as :meth:`Encoder.encode` would describe the pictures."""


@runtime_checkable
class ReadingEncoder(Encoder, Protocol):
    """An encoder that can be given words instead of a picture, in the same space."""

    def encode_words(self, words: Sequence[str]) -> Descriptors:
        """Describe what some texts say.

        Returns
        -------
        Descriptors
            ``[len(words), dim]`` float32, unit norm, finite.

        Raises
        ------
        InputError
            ``no_words``, if its weights have no text side, or none that can be used without the net.
        StylesearchError
            If the weights cannot be used.
        """


@dataclass(frozen=True, slots=True)
class Depth:
    """One of the depths that an encoder looks at a picture at.

    Attributes
    ----------
    name:
        What is seen there, in a few plain words.
    reach:
        How wide the patch is that each place of it has seen, in percent of the picture's side.
    """

    name: str
    reach: float


class Dissected(Protocol):
    """A picture inside an encoder, which can say what the descriptor would be had it seen less of the picture."""

    def with_depths(self, kept: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Describe the picture by some depths, as if it were ordinary at the others.

        Parameters
        ----------
        kept:
            ``[n, depths]``: which depths count, in each of n cases.

        Returns
        -------
        ndarray
            ``[n, dim]``, not brought to unit norm: a picture that is nearly ordinary has a short one.
        """

    def without_regions(self, grid: int) -> Descriptors:
        """Describe the picture without each cell of a grid in turn.

        Parameters
        ----------
        grid:
            Cells along each side, from 2; no more than the coarsest of the encoder's maps has places.

        Returns
        -------
        Descriptors
            ``[grid * grid, dim]``, the cells row by row.
        """


@runtime_checkable
class ExplainingEncoder(Encoder, Protocol):
    """An encoder that can be asked what a descriptor comes from."""

    @property
    def depths(self) -> tuple[Depth, ...]:
        """The depths, the one that sees the smallest patches first."""

    def dissect(self, pixels: Pixels) -> Dissected:
        """Look into a picture.

        Raises
        ------
        InputError
            If the array is not pixels.
        StylesearchError
            If the weights cannot be used.
        """
