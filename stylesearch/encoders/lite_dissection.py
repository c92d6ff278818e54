"""What ``lite`` would say of a picture had it seen less of it: some depths only, or all but a region."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from stylesearch.encoders.checkpoints import read_state
from stylesearch.encoders.lite_network import (
    CORRELATED,
    LiteHead,
    LiteNetwork,
    depth_of_statistics,
    map_statistics,
    statistics_length,
)
from stylesearch.encoders.protocol import Descriptors, Pixels
from stylesearch.errors import StylesearchError

ORDINARY = "statistics"
"""The one tensor of a file that says what is ordinary: ``[statistics_length()]``."""


def ordinary_of(weights: Path) -> Path:
    """Return where the file lies that says what is ordinary to a weights file.

    It is a file of its own, for it says nothing of what descriptors are: a better one explains the same descriptors
    better, and is no new encoder.
    """
    return weights.with_suffix(".ordinary.safetensors")


def read_ordinary(path: Path) -> Tensor:
    """Read the mean statistics of the pictures that the encoder's whitening was fitted on.

    Returns
    -------
    Tensor
        ``[statistics_length()]``.

    Raises
    ------
    StylesearchError
        ``weights_missing``, ``weights_mismatch``, or as :func:`~stylesearch.encoders.checkpoints.read_state`.
    """
    state = read_state(path)
    if set(state) != {ORDINARY} or state[ORDINARY].shape != (statistics_length(),):
        raise StylesearchError(
            f"The file {path} does not say what is ordinary to lite.",
            hint="Install stylesearch again.",
            code="weights_mismatch",
        )
    return state[ORDINARY].float()


class DissectedByLite:
    """A picture's feature maps, from which the head can be asked again; the network runs once.

    Parameters
    ----------
    network:
        In evaluation mode.
    ordinary:
        ``[statistics_length()]``, from :func:`read_ordinary`.
    square:
        ``[side, side, 3]``: the picture as the network sees it.
    """

    def __init__(self, network: LiteNetwork, ordinary: Tensor, square: Pixels) -> None:
        assert isinstance(network.head, LiteHead)
        self._head = network.head
        self._device = network.head.bent.weight.device
        self._ordinary = ordinary.to(self._device)
        with torch.inference_mode():
            maps = network.maps(torch.from_numpy(square[None].copy()).to(self._device))
            self._sizes = [(one.shape[2], one.shape[3]) for one in maps]
            self._maps = [one[0].flatten(1).contiguous() for one in maps]
            self._statistics = _described(self._maps)

    def with_depths(self, kept: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return ``[n, dim]`` unscaled descriptors for the depths that each row of ``[n, depths]`` keeps."""
        with torch.inference_mode():
            seen = torch.from_numpy(kept)[:, depth_of_statistics()].to(self._device)
            found = self._head.unscaled(torch.where(seen, self._statistics, self._ordinary))
            described: NDArray[np.float64] = found.double().cpu().numpy()
        return described

    def without_regions(self, grid: int) -> Descriptors:
        """Return ``[grid * grid, dim]``: in each, what the maps hold where one cell lies does not count.

        A place beside the cell has seen into it, by half of its depth's reach.
        """
        cells = [_cells(height, width, grid) for height, width in self._sizes]
        with torch.inference_mode():
            rows = []
            for cell in range(grid * grid):
                places = [(one != cell).nonzero().flatten().to(self._device) for one in cells]
                left = [one.index_select(1, where) for one, where in zip(self._maps, places, strict=True)]
                rows.append(_described(left))
            found = functional.normalize(self._head.unscaled(torch.cat(rows)), dim=1)
            descriptors: Descriptors = found.cpu().numpy()
        return descriptors


def _described(maps: list[Tensor]) -> Tensor:
    """Return ``[1, statistics_length()]`` for maps of any places, ``[c, places]`` each."""
    return torch.cat(
        [
            map_statistics(one[None, ..., None], correlated=depth < CORRELATED)
            for depth, one in enumerate(maps)
        ],
        dim=1,
    )


def _cells(height: int, width: int, grid: int) -> Tensor:
    """Return ``[height * width]``: the number of the cell that each place of a map lies in."""
    rows, columns = (torch.arange(side) * grid // side for side in (height, width))
    return (rows[:, None] * grid + columns).flatten()
