"""Simple describers to compare encoders with: each takes a batch of decoded images and returns unit float32 rows.

None of them is trained on style. Three read the ImageNet network that ``lite`` was made from:

- ``rgb-histogram``: how often each of 8 × 8 × 8 colours occurs.
- ``pooled``: the network's last feature map, averaged over the picture. What a picture shows, above all.
- ``statistics``: mean and standard deviation of each channel, at the stem and the first four stages. Each depth is brought
  to unit norm by itself, so that each counts alike, and nothing is standardised: no figure comes from any other picture.
- ``gram``: products of the channels with each other, averaged over positions, at the same five depths; after Gatys et al.,
  on this network in the place of VGG. The upper triangle stands for the whole matrix, what is off the diagonal weighted by
  the square root of two, so that inner products are those of whole matrices. Each depth is brought to unit norm, and the
  5,024 numbers are projected to 1,024 by a fixed random matrix, which keeps cosines to about 0.03.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stylesearch.encoders.backbone import MAP_CHANNELS, WEIGHTS_SHA256, load_backbone
from stylesearch.encoders.devices import resolve_device
from stylesearch.encoders.lite import PREPROCESSING
from stylesearch.encoders.preprocessing import LITE_DEVIATION, LITE_MEAN
from stylesearch.encoders.protocol import Descriptors, Pixels
from stylesearch.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

Describe = Callable[[Sequence[Pixels]], Descriptors]

DEPTHS = 5
"""Feature maps that statistics and Gram matrices are taken of: the stem and the first four stages."""

GRAM_DIM = 1024
_GRAM_SEED = 240401292
_LEVELS = 8
_BATCH = 8
_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Baseline:
    """A describer that no one trained for style.

    Attributes
    ----------
    name:
        One of :data:`BASELINES`.
    dim:
        Length of a row.
    digest:
        Hex SHA-256 over all that makes its rows what they are.
    describe:
        Takes decoded images, returns ``[n, dim]`` float32 of unit norm.
    """

    name: str
    dim: int
    digest: str
    describe: Describe


def rgb_histogram(images: Sequence[Pixels]) -> Descriptors:
    """Return ``[n, 512]``: how often each of 8 × 8 × 8 colours occurs, of unit norm."""
    rows = []
    for pixels in images:
        levels = (pixels // (256 // _LEVELS)).reshape(-1, 3).astype(np.int64)
        rows.append(np.bincount(levels @ [_LEVELS**2, _LEVELS, 1], minlength=_LEVELS**3))
    return _unit(np.array(rows, dtype=np.float64))


def pooled_feature(device: str = "cpu") -> Describe:
    """Return a describer by the last feature map's mean, ``[n, 320]``."""

    def pool(maps: list[Tensor]) -> Tensor:
        return maps[-1].mean(dim=(2, 3))

    return _on_maps(len(MAP_CHANNELS), pool, device)


def channel_statistics(device: str = "cpu") -> Describe:
    """Return a describer by the channels' means and standard deviations at five depths, ``[n, 384]``."""
    import torch

    def summarise(maps: list[Tensor]) -> Tensor:
        depths = []
        for one in maps:
            variance, mean = torch.var_mean(one, dim=(2, 3), correction=0)
            depths.append(torch.nn.functional.normalize(torch.cat([mean, variance.sqrt()], dim=1)))
        return torch.cat(depths, dim=1)

    return _on_maps(DEPTHS, summarise, device)


def gram_matrices(device: str = "cpu") -> Describe:
    """Return a describer by Gram matrices at five depths, randomly projected, ``[n, 1024]``."""
    import torch

    sizes = [channels * (channels + 1) // 2 for channels in MAP_CHANNELS[:DEPTHS]]
    dice = np.random.default_rng(_GRAM_SEED)
    projection = torch.from_numpy(
        dice.standard_normal((sum(sizes), GRAM_DIM), dtype=np.float32) / np.float32(np.sqrt(GRAM_DIM))
    ).to(device)

    def multiply(maps: list[Tensor]) -> Tensor:
        depths = []
        for one in maps:
            flat = one.flatten(2)
            gram = flat @ flat.transpose(1, 2) / flat.shape[2]
            rows, columns = torch.triu_indices(*gram.shape[1:], device=gram.device)
            weights = torch.where(rows == columns, 1.0, 2.0**0.5)
            depths.append(torch.nn.functional.normalize(gram[:, rows, columns] * weights))
        return torch.cat(depths, dim=1) @ projection

    return _on_maps(DEPTHS, multiply, device)


def _on_maps(depths: int, summarise: Callable[[list[Tensor]], Tensor], device: str) -> Describe:
    import torch

    network = torch.nn.ModuleList(list(load_backbone())[:depths]).to(device)

    def describe(images: Sequence[Pixels]) -> Descriptors:
        rows = []
        with torch.inference_mode():
            for start in range(0, len(images), _BATCH):
                batch = images[start : start + _BATCH]
                squares = np.concatenate([PREPROCESSING.squares(pixels) for pixels in batch])
                seen = torch.from_numpy(squares).to(device).permute(0, 3, 1, 2).float()
                maps: list[Any] = [(seen - LITE_MEAN) / LITE_DEVIATION]
                for part in network:
                    maps.append(part(maps[-1]))
                rows.append(summarise(maps[1:]).cpu().numpy().astype(np.float64))
        return _unit(np.concatenate(rows))

    return describe


_MAKERS: dict[str, tuple[int, Callable[[str], Describe]]] = {
    "rgb-histogram": (_LEVELS**3, lambda device: rgb_histogram),  # noqa: ARG005 - counting needs no device
    "pooled": (MAP_CHANNELS[-1], pooled_feature),
    "statistics": (2 * sum(MAP_CHANNELS[:DEPTHS]), channel_statistics),
    "gram": (GRAM_DIM, gram_matrices),
}

BASELINES = tuple(_MAKERS)
"""The names that :func:`get_baseline` knows."""


def get_baseline(name: str, *, device: str = "auto") -> Baseline:
    """Return a baseline by its name.

    Parameters
    ----------
    name:
        One of :data:`BASELINES`.
    device:
        As for encoders.

    Raises
    ------
    InputError
        ``unknown_baseline``, or as :func:`~stylesearch.encoders.devices.resolve_device` does.
    StylesearchError
        ``weights_missing`` without the extra ``train``, which brings the network; ``rgb-histogram`` needs none.
    """
    if name not in _MAKERS:
        raise InputError(
            f"There is no baseline {name!r}.", hint=f"Known: {', '.join(BASELINES)}.", code="unknown_baseline"
        )
    dim, make = _MAKERS[name]
    parts = (
        [name, _VERSION] if name == "rgb-histogram" else [name, _VERSION, WEIGHTS_SHA256, PREPROCESSING.name]
    )
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return Baseline(name, dim, digest, make(resolve_device(device)))


def _unit(rows: NDArray[np.float64]) -> Descriptors:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Descriptors = (rows / norms).astype(np.float32)
    return unit
