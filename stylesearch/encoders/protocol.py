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
    Such an encoder scales pictures as its reference does, so it is to be given them at full size.
    """

    def prepare(self, pixels: Pixels) -> Pixels:
        """Return all that the network will see of a picture: ``[squares, side, side, 3]`` uint8."""

    def encode_prepared(self, prepared: Sequence[Pixels]) -> Descriptors:
        """Describe what :meth:`prepare` returned for a batch, as :meth:`Encoder.encode` would describe the pictures."""
