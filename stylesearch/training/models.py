"""The networks that can be trained, by name. A new one is a builder and its line in ``MODELS``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from stylesearch.errors import InputError
from stylesearch.training.augment import Augmentation
from stylesearch.training.csd import csd
from stylesearch.training.datasets import TrainingSet
from stylesearch.training.heads import feature_head
from stylesearch.training.trainable import ModelOptions, Trainable

Build = Callable[[TrainingSet, ModelOptions], Trainable]


@dataclass(frozen=True, slots=True)
class Model:
    """A kind of network.

    Attributes
    ----------
    build:
        Makes one for a training set.
    views:
        How its pictures are augmented unless asked otherwise; ``None`` if it is trained on features instead.
    """

    build: Build
    views: Augmentation | None = None


MODELS: dict[str, Model] = {
    "csd-vit-l-14": Model(partial(csd, architecture="vit-l-14"), Augmentation(square=True)),
    "csd-vit-b-16": Model(partial(csd, architecture="vit-b-16"), Augmentation(square=True)),
    "head": Model(feature_head),
}


def model_named(name: str) -> Model:
    """Return a kind of network.

    Raises
    ------
    InputError
        ``unknown_model``, naming those there are.
    """
    if name not in MODELS:
        raise InputError(
            f"There is no model {name!r} to train.", hint=f"Known: {', '.join(MODELS)}.", code="unknown_model"
        )
    return MODELS[name]


def build_model(model: Model, data: TrainingSet, options: ModelOptions, *, seed: int) -> Trainable:
    """Build a network whose random weights depend on the seed alone; errors as its builder's."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return model.build(data, options)
