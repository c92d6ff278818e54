"""What decides the outcome of a training run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stylesearch.errors import InputError

Optimizer = Literal["sgd", "adamw"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]

_MOST = 2**32


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """What decides the outcome, apart from model and data: the same config gives the same weights.

    Attributes
    ----------
    steps:
        How many batches to learn from.
    worlds:
        Worlds in a batch, where the labels part the samples into worlds.
    styles, contents:
        Styles of each world, and pictures of each; the product of the three is the global batch, over all ranks.
    optimizer:
        ``sgd`` with momentum 0.9, or ``adamw``.
    head_lr, backbone_lr:
        Learning rates at the end of the warm-up; a backbone's rate of 0 keeps it as it is.
    weight_decay:
        Of all parameters but those of one axis (norms and biases).
    warmup:
        Steps over which the rates rise from 0; from there they fall to 0 along a cosine.
    ssl_weight, temperature:
        λ and τ of the objective; see :mod:`stylesearch.training.losses`.
    clip:
        Largest norm of the gradient over all parameters; 0 for none.
    precision:
        Of the network: ``fp32``, ``bf16``, ``fp16`` (CUDA only), or ``auto``: on CUDA bf16 where it has it, else fp16;
        elsewhere fp32. The loss is always computed in fp32.
    seed:
        Of everything drawn at random; from 0 to below 2³².
    """

    steps: int = 10_000
    worlds: int = 1
    styles: int = 16
    contents: int = 4
    optimizer: Optimizer = "sgd"
    head_lr: float = 0.003
    backbone_lr: float = 1e-4
    weight_decay: float = 1e-4
    warmup: int = 500
    ssl_weight: float = 0.2
    temperature: float = 0.1
    clip: float = 3.0
    precision: Precision = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        bounds: dict[str, float] = {
            "steps": 1,
            "worlds": 1,
            "head_lr": 0,
            "backbone_lr": 0,
            "weight_decay": 0,
            "warmup": 0,
            "ssl_weight": 0,
        }
        bounds |= {"clip": 0, "seed": 0, "temperature": 1e-4}
        for name, least in bounds.items():
            value = getattr(self, name)
            if not least <= value < _MOST:
                raise InputError(
                    f"A training run cannot have {name} = {value}; at least {least}, and below {_MOST}.",
                    code="training_config",
                )

    @property
    def batch(self) -> int:
        """Pictures in a global batch."""
        return self.worlds * self.styles * self.contents
