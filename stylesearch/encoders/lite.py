"""The embedded encoder: channel statistics of a small network, whitened by the scatter within styles."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stylesearch.encoders import backbone
from stylesearch.encoders.checking import checked
from stylesearch.encoders.devices import in_halves, resolve_device
from stylesearch.encoders.preprocessing import SIDE, SQUASH_224, squash_batch
from stylesearch.encoders.protocol import Descriptors, EncoderSpec, Pixels
from stylesearch.errors import StylesearchError

if TYPE_CHECKING:
    from torch import nn

DEPTHS = 5
"""How many feature maps are described: the stem and the first four stages. Later stages tell what is depicted."""

STATISTICS = 2 * sum(backbone.MAP_CHANNELS[:DEPTHS])
"""Length of :func:`channel_statistics`: a mean and a standard deviation for each channel."""

PROCESSOR_BATCH = 2
"""Pictures that go through the network together on a processor: the maps of more do not fit its cache, and take twice as
long each."""

WHITENING_PATH = Path(__file__).with_name("weights") / "lite.safetensors"


def channel_statistics(
    network: nn.ModuleList, batch: NDArray[np.float32], device: str
) -> NDArray[np.float64]:
    """Summarise what each channel does over the picture, and forget where.

    Parameters
    ----------
    network:
        The first :data:`DEPTHS` parts of the backbone, on the device.
    batch:
        ``[n, 3, 224, 224]`` as preprocessing gives it.
    device:
        torch device.

    Returns
    -------
    ndarray
        ``[n, STATISTICS]``: for each depth the channels' means, then their standard deviations.
    """
    import torch

    statistics = []
    with torch.inference_mode():
        maps = torch.from_numpy(batch).to(device)
        for part in network:
            maps = part(maps)
            variance, mean = torch.var_mean(maps, dim=(2, 3), correction=0)
            statistics += [mean, variance.sqrt()]
        return torch.cat(statistics, dim=1).cpu().numpy().astype(np.float64)


@dataclass(frozen=True, slots=True)
class Whitening:
    """The linear map from channel statistics to a descriptor.

    Attributes
    ----------
    mean:
        ``[STATISTICS]`` float32, taken away first.
    projection:
        ``[STATISTICS, dim]`` float32; standardises, whitens and projects at once.
    sha256:
        Hex digest of the file they came from.
    """

    mean: NDArray[np.float32]
    projection: NDArray[np.float32]
    sha256: str

    @classmethod
    def read(cls, path: Path = WHITENING_PATH) -> Whitening:
        """Read and check a whitening.

        Raises
        ------
        StylesearchError
            If the file is missing, damaged, or not for these statistics.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            data = path.read_bytes()
            tensors = load(data)
            mean, projection = tensors["mean"], tensors["projection"]
        except (OSError, SafetensorError, KeyError) as error:
            raise _whitening_error(f"{path} cannot be read: {error}.") from None
        fits = mean.shape == (STATISTICS,) and projection.ndim == 2 and len(projection) == STATISTICS
        if not fits or not (np.isfinite(mean).all() and np.isfinite(projection).all()):
            raise _whitening_error(f"{path} is not a whitening of {STATISTICS} finite statistics.")
        return cls(mean, projection, hashlib.sha256(data).hexdigest())

    @property
    def dim(self) -> int:
        """Length of a descriptor."""
        return int(self.projection.shape[1])

    def apply(self, statistics: NDArray[np.float64]) -> Descriptors:
        """Return ``[n, dim]`` unit descriptors of ``[n, STATISTICS]`` channel statistics."""
        projected = (statistics - self.mean) @ self.projection.astype(np.float64)
        norms = np.linalg.norm(projected, axis=1, keepdims=True)
        with np.errstate(
            invalid="ignore", divide="ignore"
        ):  # the caller's check names a row that is not finite
            descriptors: Descriptors = (projected / norms).astype(np.float32)
        return descriptors


def _whitening_error(message: str) -> StylesearchError:
    return StylesearchError(message, hint="Install stylesearch again.", code="weights_mismatch")


class LiteEncoder:
    """Describes style on a processor, with weights that come with the installed packages.

    Weights are loaded by the first ``encode``; one object may be used from several threads.

    Parameters
    ----------
    device:
        ``auto``, ``cpu``, ``mps``, ``cuda`` or ``cuda:N``.
    backbone_path, whitening_path:
        Weights files, by default the installed ones. Another backbone file than the pinned one is refused.
    """

    def __init__(
        self,
        *,
        device: str = "auto",
        backbone_path: Path | None = None,
        whitening_path: Path = WHITENING_PATH,
    ) -> None:
        self._device_name = device
        self._backbone_path = backbone_path
        self._whitening_path = whitening_path
        self._lock = threading.RLock()
        self._network: Any = None
        self._device = ""

    @cached_property
    def _whitening(self) -> Whitening:
        return Whitening.read(self._whitening_path)

    @property
    def spec(self) -> EncoderSpec:
        """The encoder's identity; reads the whitening, not the network."""
        digests = f"{backbone.WEIGHTS_SHA256}\n{self._whitening.sha256}\n"
        return EncoderSpec(
            slug="lite",
            dim=self._whitening.dim,
            weights_sha256=hashlib.sha256(digests.encode()).hexdigest(),
            preprocessing=SQUASH_224,
            license="Apache-2.0",
        )

    @property
    def input_size(self) -> int:
        """Shortest side, in pixels, that an image should be decoded at."""
        return SIDE

    def _load(self) -> None:
        with self._lock:
            if self._network is None:
                self._device = resolve_device(self._device_name)
                network = backbone.load_backbone(self._backbone_path)[:DEPTHS]
                self._network = network.to(self._device)

    def statistics(self, images: Sequence[Pixels]) -> NDArray[np.float64]:
        """Return ``[len(images), STATISTICS]`` channel statistics: what the whitening is fitted on."""
        self._load()
        size = PROCESSOR_BATCH if self._device == "cpu" else len(images)
        parts = [images[start : start + size] for start in range(0, len(images), size)]
        return np.concatenate(
            [channel_statistics(self._network, squash_batch(part), self._device) for part in parts]
        )

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
            If weights are missing or wrong, a descriptor is not finite, or a single image is too much for the device.
        """
        dim = self._whitening.dim
        if not images:
            return np.empty((0, dim), np.float32)
        descriptors = in_halves(lambda part: self._whitening.apply(self.statistics(part)), images)
        return checked(descriptors, count=len(images), dim=dim)
