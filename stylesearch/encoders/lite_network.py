"""The network of the encoder ``lite``: how each channel of a small network behaves over a picture, and what that means."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from stylesearch.encoders.backbone import MAP_CHANNELS, empty_backbone
from stylesearch.encoders.checkpoints import load_strictly
from stylesearch.encoders.preprocessing import LITE_DEVIATION, LITE_MEAN

DEPTHS = 5
"""How many feature maps are described: the stem and the first four stages. Later stages tell what is depicted."""

CORRELATED = 4
"""How many of these are described by how their channels go together, too."""

_LEAST_VARIANCE = 1e-6
_LEAST_PRODUCT = 1e-4


def statistics_length() -> int:
    """Return how many statistics describe a picture."""
    pairs = sum(channels * (channels - 1) // 2 for channels in MAP_CHANNELS[:CORRELATED])
    return 2 * sum(MAP_CHANNELS[:DEPTHS]) + pairs


def depth_of_statistics() -> Tensor:
    """Return ``[statistics_length()]`` integers: which feature map each statistic is of, 0 for the stem."""
    depths = []
    for depth, channels in enumerate(MAP_CHANNELS[:DEPTHS]):
        pairs = channels * (channels - 1) // 2 if depth < CORRELATED else 0
        depths.append(torch.full((2 * channels + pairs,), depth))
    return torch.cat(depths)


def map_statistics(feature_map: Tensor, *, correlated: bool) -> Tensor:
    """Describe a feature map without regard to where things are.

    Parameters
    ----------
    feature_map:
        ``[n, c, h, w]``.
    correlated:
        Whether the channels' correlations are wanted too.

    Returns
    -------
    Tensor
        ``[n, 2c]``: the channels' means, then their standard deviations; with correlations ``[n, 2c + c(c-1)/2]``,
        those of the pairs i < j following row by row.
    """
    flat = feature_map.flatten(2)
    mean = flat.mean(dim=2, keepdim=True)
    centred = flat - mean
    deviation = (centred.square().mean(dim=2) + _LEAST_VARIANCE).sqrt()
    statistics = [mean.squeeze(2), deviation]
    if correlated:
        channels = flat.shape[1]
        covariance = centred @ centred.transpose(1, 2) / flat.shape[2]
        correlation = covariance / (deviation[:, :, None] * deviation[:, None] + _LEAST_PRODUCT)
        rows, columns = torch.triu_indices(channels, channels, offset=1)
        statistics.append(correlation.flatten(1)[:, rows * channels + columns])
    return torch.cat(statistics, dim=1)


class LiteHead(nn.Module):
    """What statistics mean: whitened, then a straight map and a bent one, added up.

    Parameters
    ----------
    inputs:
        Length of the statistics.
    kept:
        Directions that the whitening keeps.
    hidden:
        Width of the bent map's hidden layer.
    dim:
        Length of a descriptor.
    dropout:
        Share of the whitened numbers that is left out in training.
    """

    def __init__(self, inputs: int, *, kept: int, hidden: int, dim: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.whitening = nn.Linear(inputs, kept)
        self.dropout = nn.Dropout(dropout)
        self.straight = nn.Linear(kept, dim, bias=False)
        self.bend = nn.Linear(kept, hidden)
        self.bent = nn.Linear(hidden, dim)

    def unscaled(self, statistics: Tensor) -> Tensor:
        """Return ``[n, dim]`` descriptors of ``[n, inputs]`` statistics, not yet brought to length 1."""
        whitened = self.dropout(self.whitening(statistics))
        described: Tensor = self.straight(whitened) + self.bent(functional.gelu(self.bend(whitened)))
        return described

    def forward(self, statistics: Tensor) -> Tensor:
        """Return ``[n, dim]`` unit descriptors of ``[n, inputs]`` statistics."""
        return functional.normalize(self.unscaled(statistics), dim=1)


class LiteNetwork(nn.Module):
    """Takes pixels ``[n, side, side, 3]`` uint8 and returns unit descriptors ``[n, dim]``.

    Parameters
    ----------
    parts:
        As :func:`stylesearch.encoders.backbone.load_backbone` returns them, or the first :data:`DEPTHS` of them.
    head:
        From statistics to descriptors.
    """

    def __init__(self, parts: nn.ModuleList, head: nn.Module) -> None:
        super().__init__()
        self.parts = parts[:DEPTHS]
        self.head = head

    def maps(self, pixels: Tensor) -> list[Tensor]:
        """Return the feature maps ``[n, c, h, w]`` of pixels, the stem's first."""
        seen = (pixels.permute(0, 3, 1, 2).float() - LITE_MEAN) / LITE_DEVIATION
        found = []
        for part in self.parts:
            seen = part(seen)
            found.append(seen)
        return found

    def statistics(self, pixels: Tensor) -> Tensor:
        """Return ``[n, statistics_length()]``."""
        return torch.cat(
            [
                map_statistics(feature_map, correlated=depth < CORRELATED)
                for depth, feature_map in enumerate(self.maps(pixels))
            ],
            dim=1,
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """Return ``[n, dim]``."""
        described: Tensor = self.head(self.statistics(pixels))
        return described


def build_network(state: Mapping[str, Tensor], what: str) -> LiteNetwork:
    """Build the network and fill it with weights; the head's widths are the weights' own.

    Parameters
    ----------
    state:
        Tensors by the network's names.
    what:
        What is loaded, for messages.

    Raises
    ------
    StylesearchError
        ``weights_mismatch``, naming a tensor that is missing, left over or of another shape.
    """
    with torch.device("meta"):
        head = LiteHead(
            statistics_length(),
            kept=_rows(state, "head.whitening.weight"),
            hidden=_rows(state, "head.bend.weight"),
            dim=_rows(state, "head.straight.weight"),
        )
    network = LiteNetwork(empty_backbone(), head)
    load_strictly(network, state, what)
    return network.requires_grad_(requires_grad=False).eval()


def _rows(state: Mapping[str, Tensor], name: str) -> int:
    return int(state[name].shape[0]) if name in state and state[name].ndim == 2 else 1
