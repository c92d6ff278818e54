"""Optimiser, learning rates and number format of a run."""

from __future__ import annotations

import math

import torch
from torch import nn

from stylesearch.encoders import devices
from stylesearch.errors import InputError
from stylesearch.training.config import Precision, TrainingConfig
from stylesearch.training.trainable import Trainable

MOMENTUM = 0.9
NUMBERS: dict[torch.dtype, Precision] = {
    torch.float32: "fp32",
    torch.bfloat16: "bf16",
    torch.float16: "fp16",
}


def build_optimizer(trainable: Trainable, config: TrainingConfig) -> torch.optim.Optimizer:
    """Return the optimiser over the parameters that are to change: head and backbone, with and without decay.

    Raises
    ------
    InputError
        ``nothing_to_train``, if all rates are 0.
    """
    rates = {"head": config.head_lr, "backbone": config.backbone_lr}
    groups: dict[tuple[str, float], list[nn.Parameter]] = {}
    for name, parameter in trainable.module.named_parameters():
        part = "head" if name.startswith(trainable.head) else "backbone"
        if rates[part] == 0:
            parameter.requires_grad_(False)
        if parameter.requires_grad:
            decay = config.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((part, decay), []).append(parameter)
    if not groups:
        raise InputError(
            f"With these learning rates nothing of {trainable.name} would be trained.",
            hint="Give a head or backbone rate above 0.",
            code="nothing_to_train",
        )
    parameters = [
        {"params": members, "part": part, "lr": rates[part], "full_lr": rates[part], "weight_decay": decay}
        for (part, decay), members in groups.items()
    ]
    if config.optimizer == "adamw":
        return torch.optim.AdamW(parameters)
    return torch.optim.SGD(parameters, momentum=MOMENTUM)


def rate_factor(step: int, config: TrainingConfig) -> float:
    """Return the share of the full learning rates at a step, from 0: a linear rise, then a cosine down to 0."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return 0.5 * (1 + math.cos(math.pi * done))


def set_rates(optimizer: torch.optim.Optimizer, step: int, config: TrainingConfig) -> None:
    """Give each group its learning rate at a step; there is no other state to a schedule."""
    for group in optimizer.param_groups:
        group["lr"] = group["full_lr"] * rate_factor(step, config)


def resolve_precision(wanted: Precision, device: torch.device) -> Precision:
    """Return the number format to compute in on a device; never ``auto``.

    Raises
    ------
    InputError
        ``precision``, for fp16 anywhere but on CUDA, where alone its small range is made up for.
    """
    found = NUMBERS[devices.resolve_precision(wanted, str(device))]
    if found == "fp16" and device.type != "cuda":
        raise InputError(
            f"fp16 cannot be trained in on {device.type}.", hint="Give bf16 or fp32.", code="precision"
        )
    return found
