"""What learns in a training run: network, optimiser and scaler, and what identifies the run."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from stylesearch.errors import InputError, StylesearchError
from stylesearch.training.config import TrainingConfig
from stylesearch.training.datasets import TrainingSet
from stylesearch.training.distributed import Ranks
from stylesearch.training.loading import Batch
from stylesearch.training.losses import Losses, csd_loss
from stylesearch.training.optimisers import NUMBERS, build_optimizer, set_rates
from stylesearch.training.runfolder import RunFolder
from stylesearch.training.trainable import Trainable

Evaluate = Callable[[nn.Module], Mapping[str, float]]
"""Measures the module, which is in evaluation mode, on data that are held out; the names and values go to the metrics."""

_TYPES = {name: number for number, name in NUMBERS.items()}


class Learner:
    """One rank's network, optimiser and scaler; all ranks' are the same after each step.

    Parameters
    ----------
    trainable:
        The network; it is changed in place and moved to the rank's device.
    data:
        What it learns from.
    config:
        With a precision that is not ``auto``.
    ranks:
        This rank among the others.
    """

    def __init__(self, trainable: Trainable, data: TrainingSet, config: TrainingConfig, ranks: Ranks) -> None:
        self._trainable = trainable
        self._data = data
        self._config = config
        self._ranks = ranks
        self._module = trainable.module.to(ranks.device)
        self._optimizer = build_optimizer(trainable, config)
        self._parameters = [
            parameter for group in self._optimizer.param_groups for parameter in group["params"]
        ]
        self._scaler = torch.amp.GradScaler(ranks.device.type, enabled=config.precision == "fp16")
        self._parallel = self._module
        self._identity = _identity(trainable, data, config)

    def describe(self, step: int) -> dict[str, Any]:
        """Return what a weights file says of its making, as JSON values."""
        return {**self._identity, "step": step, "source": self._data.source}

    def resume(self, folder: RunFolder) -> int:
        """Take the folder's checkpoint over, if there is one; return the steps done."""
        saved = folder.load_checkpoint()
        step = 0
        if saved is not None:
            _refuse_other(saved["identity"], self._identity, folder.path)
            self._module.load_state_dict(saved["module"])
            self._optimizer.load_state_dict(saved["optimizer"])
            self._scaler.load_state_dict(saved["scaler"])
            step = int(saved["step"])
        self._parallel = self._ranks.parallel(self._module)
        self._learning_mode()
        return step

    def state(self, step: int) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {
            "identity": self._identity,
            "step": step,
            "module": self._module.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
        }

    def learn(self, step: int, batch: Batch, *, stop: bool) -> tuple[dict[str, Any], bool]:
        """Do one step; return its record, and whether any rank wants to stop."""
        torch.manual_seed(
            int(np.random.SeedSequence([self._config.seed, step, self._ranks.rank]).generate_state(1)[0])
        )
        set_rates(self._optimizer, step, self._config)
        losses, stopping = self._losses(batch, stop=stop)
        values = {name: float(value.detach()) for name, value in losses._asdict().items()}
        if not all(map(math.isfinite, values.values())):
            raise _not_finite("loss", step)
        self._scaler.scale(self._ranks.scaled(losses.total)).backward()  # type: ignore[no-untyped-call]
        self._scaler.unscale_(self._optimizer)
        norm = float(nn.utils.clip_grad_norm_(self._parameters, self._config.clip or math.inf))
        if not math.isfinite(norm) and not self._scaler.is_enabled():
            raise _not_finite("gradient", step)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)
        record = {
            "step": step + 1,
            "loss": values["total"],
            "mcl": values["mcl"],
            "ssl": values["ssl"],
            "rates": {group["part"]: group["lr"] for group in self._optimizer.param_groups},
            # Under fp16 a gradient may overflow; the scaler then skips the step and scales less.
            "gradient_norm": norm if math.isfinite(norm) else None,
        }
        return record, stopping

    def _losses(self, batch: Batch, *, stop: bool) -> tuple[Losses, bool]:
        """Return the loss over the global batch, and whether any rank wants to stop."""
        device = self._ranks.device
        inputs = torch.cat([batch.first, batch.second]).to(device, non_blocking=True)
        number = _TYPES[self._config.precision]
        with torch.autocast(device.type, dtype=number, enabled=number != torch.float32):
            descriptors: Tensor = self._parallel(inputs)
        views = self._ranks.gather(torch.stack(descriptors.float().chunk(2), dim=1))
        # Ranks must stop at the same step, or those that go on would wait for ever; so the wish travels with the samples.
        marks = torch.cat([batch.samples, torch.tensor([int(stop)])]).to(device)
        marks = self._ranks.gather(marks).view(self._ranks.count, -1).cpu()
        tags = torch.from_numpy(self._data.labels.matrix(marks[:, :-1].flatten().tolist())).to(device)
        losses = csd_loss(
            views[:, 0],
            views[:, 1],
            tags,
            weight=self._config.ssl_weight,
            temperature=self._config.temperature,
        )
        return losses, bool(marks[:, -1].any())

    def evaluate(self, evaluate: Evaluate) -> dict[str, float]:
        """Measure the module as it will be used."""
        self._module.eval()
        with torch.inference_mode():
            found = {name: float(value) for name, value in evaluate(self._module).items()}
        self._learning_mode()
        return found

    def _learning_mode(self) -> None:
        """Set the module to train, with the statistics of its batch normalisation left as they are.

        What a batch has in common would else be taken away from each of its pictures, and style is what it has in
        common; and it would depend on how the batch is parted among ranks.
        """
        self._module.train()
        for part in self._module.modules():
            if isinstance(part, nn.modules.batchnorm._BatchNorm):
                part.eval()


def _identity(trainable: Trainable, data: TrainingSet, config: TrainingConfig) -> dict[str, Any]:
    """Return what a checkpoint must agree with to be gone on from, as JSON values."""
    values = {
        **asdict(config),
        "model": trainable.name,
        **{f"model {name}": value for name, value in trainable.settings.items()},
        **{f"view {name}": value for name, value in trainable.views.settings.items()},
        "data": str(data.labels),
        "data sha256": data.digest,
    }
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain


def _refuse_other(saved: Mapping[str, Any], present: Mapping[str, Any], path: Path) -> None:
    differing = [name for name in {**saved, **present} if saved.get(name) != present.get(name)]
    if differing:
        what = "; ".join(f"{name} {saved.get(name)}, not {present.get(name)}" for name in differing)
        raise InputError(
            f"The run in {path} was begun with {what}.",
            hint="Give the same options to go on with it, --fresh to begin anew, or another folder.",
            code="other_config",
        )


def _not_finite(what: str, step: int) -> StylesearchError:
    return StylesearchError(
        f"The {what} is no longer finite at step {step + 1}; nothing was learnt from it, and the last checkpoint is kept.",
        hint="Try smaller learning rates, a longer warm-up or fp32, and check the data for broken features.",
        code="loss_not_finite",
    )
