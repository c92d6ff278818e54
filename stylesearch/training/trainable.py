"""What the trainer needs to know of a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from stylesearch.training.augment import Augmentation, Views


@dataclass(frozen=True, slots=True)
class Trainable:
    """A network to train, and all that the trainer needs to know of it.

    Attributes
    ----------
    name:
        What a person calls it.
    module:
        Takes a batch of what ``views`` makes, such as ``[n, 3, side, side]`` uint8 or ``[n, p]`` float32, and returns
        unit descriptors ``[n, dim]``. So it normalises its input itself. Parameters that the descriptors do not depend
        on must not require gradients.
    head:
        Parameters whose names begin with one of these learn at the head's rate, all others at the backbone's.
    views:
        Makes two views of what the training set loads.
    weights:
        Returns the tensors to export, by the names that the encoder reads them under.
    settings:
        What else decides the outcome, as JSON values.
    """

    name: str
    module: nn.Module
    head: tuple[str, ...]
    views: Views
    weights: Callable[[], Mapping[str, Tensor]]
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """What a person may choose about a network.

    Attributes
    ----------
    views:
        How pictures are augmented; its side is the network's input size. ``None`` where there are no pictures.
    init:
        Weights file to start from; ``None`` starts from random weights.
    dim:
        Length of a descriptor, where the network does not fix it.
    hidden:
        Width of a head's hidden layer; 0 for a linear head.
    """

    views: Augmentation | None = None
    init: Path | None = None
    dim: int = 256
    hidden: int = 512
