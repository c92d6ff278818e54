"""What encoders share that see a picture as squares, and what those with a large network share besides."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from stylesearch.encoders.checking import checked
from stylesearch.encoders.checkpoints import WeightsFile
from stylesearch.encoders.devices import in_halves, resolve_device, resolve_precision
from stylesearch.encoders.preprocessing import Preprocessing
from stylesearch.encoders.protocol import Descriptors, EncoderSpec, Pixels

if TYPE_CHECKING:
    from torch import Tensor, nn

UNKNOWN_LICENSE = "LicenseRef-unknown"
PROCESSOR_SQUARES = 4
"""Squares that go through the network together on a processor; more are no quicker and need more memory."""

DEVICE_SQUARES = 64
"""The same on a device of its own."""


class SquareEncoder(ABC):
    """An encoder whose network takes squares, which are cut from each picture by a policy.

    Weights are loaded by the first ``encode``; one object may be used from several threads.

    Parameters
    ----------
    slug, dim, license:
        For the encoder's identity.
    preprocessing:
        How pictures are cut and scaled.
    device:
        ``auto``, ``cpu``, ``mps``, ``cuda`` or ``cuda:N``.
    """

    full_size = True

    def __init__(
        self,
        *,
        slug: str,
        dim: int,
        preprocessing: Preprocessing,
        license: str = UNKNOWN_LICENSE,  # noqa: A002 - what the identity calls it
        device: str = "auto",
    ) -> None:
        self.preprocessing = preprocessing
        self._slug = slug
        self._dim = dim
        self._license = license
        self._device_name = device
        self._lock = threading.RLock()

    @property
    @abstractmethod
    def weights(self) -> WeightsFile:
        """The weights file."""

    @abstractmethod
    def load(self) -> None:
        """Load the weights, if that has not been done yet.

        Raises
        ------
        InputError
            If the device is not there.
        StylesearchError
            If the weights are missing, unsafe, damaged or do not fit.
        """

    @abstractmethod
    def describe_squares(self, squares: Sequence[Pixels]) -> Descriptors:
        """Return ``[len(squares), dim]`` unit descriptors of ``[size, size, 3]`` squares; the weights are loaded."""

    @cached_property
    def spec(self) -> EncoderSpec:
        """The encoder's identity; reads the weights file for its digest, unless that is known, and loads nothing."""
        return EncoderSpec(self._slug, self._dim, self.weights.sha256, self.preprocessing.name, self._license)

    @property
    def input_size(self) -> int:
        """Shortest side, in pixels, that an image should be decoded at."""
        return self.preprocessing.size

    def prepare(self, pixels: Pixels) -> Pixels:
        """Return ``[squares, size, size, 3]`` uint8: all that the network will see of a picture.

        Raises
        ------
        InputError
            If the array is not pixels.
        """
        return self.preprocessing.squares(pixels)

    def encode(self, images: Sequence[Pixels]) -> Descriptors:
        """Describe a batch.

        Parameters
        ----------
        images:
            Decoded images; sizes may differ.

        Returns
        -------
        Descriptors
            ``[len(images), dim]`` float32, unit norm, finite. A descriptor does not depend on its neighbours in the
            batch.

        Raises
        ------
        InputError
            If an array is not pixels, or the device is not there.
        StylesearchError
            If the weights cannot be used, a descriptor is not finite, or a single square is too much for the device.
        """
        return self.encode_prepared([self.prepare(pixels) for pixels in images])

    def encode_prepared(self, prepared: Sequence[Pixels]) -> Descriptors:
        """Describe what :meth:`prepare` returned for a batch. Result and errors as :meth:`encode`."""
        if not prepared:
            return np.empty((0, self._dim), np.float32)
        self.load()
        counts = [len(squares) for squares in prepared]
        of_squares = in_halves(self.describe_squares, [square for squares in prepared for square in squares])
        starts = np.cumsum([0, *counts[:-1]])
        sums = np.add.reduceat(of_squares, starts, axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):  # the check below names a row that is not finite
            descriptors = (sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype(np.float32)
        return checked(descriptors, count=len(prepared), dim=self._dim)


class TowerEncoder(SquareEncoder):
    """An encoder with a large network, which torch runs on a device and in a precision.

    Parameters
    ----------
    slug, dim, preprocessing, license, device:
        As for :class:`SquareEncoder`.
    precision:
        ``auto``, ``fp32``, ``bf16`` or ``fp16``.
    """

    def __init__(
        self,
        *,
        slug: str,
        dim: int,
        preprocessing: Preprocessing,
        license: str = UNKNOWN_LICENSE,  # noqa: A002
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        super().__init__(slug=slug, dim=dim, preprocessing=preprocessing, license=license, device=device)
        self._precision_name = precision
        self._network: Any = None
        self._device = ""

    @abstractmethod
    def build(self) -> nn.Module:
        """Return the network with its weights, on the processor.

        Raises
        ------
        StylesearchError
            If the weights are missing, unsafe, damaged or do not fit.
        """

    @abstractmethod
    def describe(self, network: nn.Module, images: Tensor) -> Tensor:
        """Return ``[n, dim]`` descriptors, not necessarily normalised, of ``[n, 3, size, size]``."""

    def load(self) -> None:
        import torch

        with self._lock:
            if self._network is not None:
                return
            device = resolve_device(self._device_name)
            self._precision = resolve_precision(self._precision_name, device)
            network = self.build().requires_grad_(requires_grad=False).eval().to(device)
            scale = (self.preprocessing.mean, self.preprocessing.std)
            self._mean, self._std = (
                torch.tensor(numbers, device=device).reshape(1, 3, 1, 1) for numbers in scale
            )
            self._device, self._network = device, network

    def describe_squares(self, squares: Sequence[Pixels]) -> Descriptors:
        import torch
        from torch.nn import functional

        size = PROCESSOR_SQUARES if self._device == "cpu" else DEVICE_SQUARES
        halved = self._precision != torch.float32
        parts = []
        for start in range(0, len(squares), size):
            with (
                torch.inference_mode(),
                torch.autocast(torch.device(self._device).type, self._precision, enabled=halved),
            ):
                batch = torch.from_numpy(np.stack(squares[start : start + size])).to(self._device)
                scaled = (batch.permute(0, 3, 1, 2).float() / 255 - self._mean) / self._std
                found = self.describe(self._network, scaled)
            parts.append(functional.normalize(found.float(), dim=1).cpu().numpy())
        return np.concatenate(parts)
