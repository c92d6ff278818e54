"""Several processes as one: each works on its part of the batch, and the loss is over the whole of it.

``torchrun`` starts the processes and tells each its rank in the environment; without it there is one rank.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch import distributed as dist

from stylesearch.encoders.devices import resolve_device
from stylesearch.errors import InputError, ServiceError


@dataclass(frozen=True, slots=True)
class Ranks:
    """One process among those that train together: this one.

    Attributes
    ----------
    rank:
        From 0; rank 0 writes files and reports.
    count:
        How many there are.
    device:
        Where this one computes.
    """

    rank: int
    count: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this is the rank that writes and reports."""
        return self.rank == 0

    def gather(self, local: Tensor) -> Tensor:
        """Concatenate all ranks' tensors along the first axis, in the order of ranks.

        The gradient flows into the local part only. A loss of the result, equal on every rank, is to be multiplied by
        the number of ranks (:meth:`scaled`) before ``backward``.

        Parameters
        ----------
        local:
            Of the same shape and type on every rank.
        """
        if self.count == 1:
            return local
        parts = [torch.empty_like(local) for _ in range(self.count)]
        dist.all_gather(parts, local.detach().contiguous())
        parts[self.rank] = local
        return torch.cat(parts)

    def scaled(self, loss: Tensor) -> Tensor:
        """Return what ``backward`` is to be called on.

        Each rank's gradients are those by way of its own samples, so their sum is the gradient of the loss;
        ``DistributedDataParallel`` takes their mean.
        """
        return loss * self.count

    def parallel(self, module: nn.Module) -> nn.Module:
        """Return the module such that gradients are averaged over ranks. Its parameters become those of rank 0."""
        if self.count == 1:
            return module
        devices = [self.device] if self.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(module, device_ids=devices)

    def wait(self) -> None:
        """Return when all ranks have come here."""
        if self.count > 1:
            dist.barrier(device_ids=[self.device.index] if self.device.type == "cuda" else None)


@contextmanager
def joined_ranks(device: str = "auto") -> Iterator[Ranks]:
    """Join the other ranks that torchrun started, for as long as the block lasts.

    Parameters
    ----------
    device:
        ``auto``, ``cpu``, ``mps``, ``cuda`` or ``cuda:N``; under torchrun ``cuda`` is the one of the local rank. Ranks
        talk over NCCL on CUDA and over Gloo on processors.

    Raises
    ------
    InputError
        If the device is not there, or cannot be shared among ranks.
    ServiceError
        ``ranks_unreachable``, if the ranks do not find each other.
    """
    count, rank, local = (int(os.environ.get(name, default)) for name, default in _ENVIRONMENT)
    name = resolve_device(device)
    if count == 1:
        yield Ranks(0, 1, torch.device(name))
        return
    kind = torch.device(name).type
    if kind == "mps":
        raise InputError(
            "Several ranks cannot train on one MPS device.", hint="Give --device cpu.", code="device_shared"
        )
    if kind == "cuda":
        name = resolve_device(f"cuda:{local}")
        torch.cuda.set_device(local)
    try:
        dist.init_process_group("nccl" if kind == "cuda" else "gloo", rank=rank, world_size=count)
    except (RuntimeError, ValueError) as error:
        reason = next(iter(str(error).splitlines()), "no reason given")
        raise ServiceError(
            f"Rank {rank} of {count} cannot reach the others: {reason}.",
            hint="Start all of them with torchrun, and check its address and port.",
            code="ranks_unreachable",
        ) from error
    try:
        yield Ranks(rank, count, torch.device(name))
    finally:
        dist.destroy_process_group()


_ENVIRONMENT = (("WORLD_SIZE", "1"), ("RANK", "0"), ("LOCAL_RANK", "0"))
