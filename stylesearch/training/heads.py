"""A head alone, trained on what a frozen network said of pictures."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from stylesearch.encoders.checkpoints import file_sha256, load_strictly, read_state
from stylesearch.errors import InputError
from stylesearch.training.augment import StoredViews
from stylesearch.training.datasets import FeatureSet, TrainingSet
from stylesearch.training.trainable import ModelOptions, Trainable

_TINY = 1e-6


class FeatureHead(nn.Module):
    """A map from features to descriptors: standardised, then linear, or two layers with GELU between them.

    Parameters
    ----------
    mean, deviation:
        ``[inputs]``: what is taken away from the features, and what they are divided by.
    dim:
        Length of a descriptor.
    hidden:
        Width of the hidden layer; 0 for none.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: Tensor, deviation: Tensor, *, dim: int, hidden: int) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.layers = nn.Sequential(
            *([nn.Linear(len(mean), hidden), nn.GELU()] if hidden else []),
            nn.Linear(hidden or len(mean), dim),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return ``[n, dim]`` unit descriptors of ``[n, inputs]`` features."""
        described: Tensor = self.layers((features - self.mean) / self.deviation)
        return nn.functional.normalize(described.float(), dim=1)


def feature_head(data: TrainingSet, options: ModelOptions) -> Trainable:
    """Return a head over the features of a :class:`~stylesearch.training.datasets.FeatureSet`, to be trained alone.

    Raises
    ------
    InputError
        ``features_wanted``, if the data are pictures.
    StylesearchError
        If the weights to start from do not fit.
    """
    if not isinstance(data, FeatureSet):
        raise InputError(
            "A head is trained on features, not on pictures.", hint="Give --features.", code="features_wanted"
        )
    flat = data.features.reshape(-1, data.features.shape[2])
    mean, deviation = flat.mean(axis=0, dtype=np.float64), flat.std(axis=0, dtype=np.float64) + _TINY
    head = FeatureHead(
        torch.from_numpy(mean).float(),
        torch.from_numpy(deviation).float(),
        dim=options.dim,
        hidden=options.hidden,
    )
    if options.init is not None:
        load_strictly(head, read_state(options.init), f"the checkpoint {options.init}")
    return Trainable(
        name="head",
        module=head,
        head=("",),
        views=StoredViews(),
        weights=head.state_dict,
        settings={
            "dim": options.dim,
            "hidden": options.hidden,
            "init sha256": file_sha256(options.init) if options.init else None,
        },
    )
