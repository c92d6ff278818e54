"""Where an encoder runs, and what to do when that place runs out of memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from stylesearch.encoders.protocol import Descriptors, Pixels
from stylesearch.errors import InputError, StylesearchError

if TYPE_CHECKING:
    from torch import dtype

PRECISIONS = ("auto", "fp32", "bf16", "fp16")


def resolve_device(name: str) -> str:
    """Return the torch device that a setting means on this machine.

    Parameters
    ----------
    name:
        ``auto`` (CUDA, else MPS, else the processor), ``cpu``, ``mps``, ``cuda`` or ``cuda:N``.

    Raises
    ------
    InputError
        If the device is not there.
    """
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, index = name.partition(":")
    present = {
        "cpu": not index,
        "mps": not index and torch.backends.mps.is_available(),
        "cuda": torch.cuda.is_available() and int(index or 0) < torch.cuda.device_count(),
    }
    if not present.get(kind, False):
        raise InputError(
            f"There is no device {name} here.",
            hint="Set STYLESEARCH_DEVICE to auto, or to a device that torch sees.",
            code="device_missing",
        )
    return name


def resolve_precision(name: str, device: str) -> dtype:
    """Return the torch type that a network computes in on a device; its result is float32 whatever this is.

    Parameters
    ----------
    name:
        One of :data:`PRECISIONS`. ``auto`` is bfloat16 on CUDA that has it, float16 on other CUDA, and float32 on a
        processor and on MPS, where the halves are no quicker or less exact.
    device:
        As :func:`resolve_device` returns it.

    Raises
    ------
    InputError
        ``unknown_precision``.
    """
    import torch

    types = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    if name == "auto":
        if not device.startswith("cuda"):
            return torch.float32
        with torch.cuda.device(device):
            return (
                torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
            )
    if name not in types:
        raise InputError(
            f"There is no precision {name!r}.",
            hint=f"Known: {', '.join(PRECISIONS)}.",
            code="unknown_precision",
        )
    return types[name]


def _out_of_memory(error: RuntimeError) -> bool:
    import torch

    # Only CUDA has a type of its own; MPS and the processor say it in words.
    return isinstance(error, torch.OutOfMemoryError) or any(
        words in str(error) for words in ("out of memory", "can't allocate memory")
    )


def in_halves(run: Callable[[Sequence[Pixels]], Descriptors], images: Sequence[Pixels]) -> Descriptors:
    """Run a batch, and where the device runs out of memory run its halves instead.

    Parameters
    ----------
    run:
        Describes a batch.
    images:
        At least one image.

    Raises
    ------
    StylesearchError
        ``out_of_memory``, if a single image is too much.
    """
    try:
        return run(images)
    except RuntimeError as error:
        if not _out_of_memory(error):
            raise
        if len(images) == 1:
            raise StylesearchError(
                "The device has not enough memory to describe a single image.",
                hint="Free some, or set STYLESEARCH_DEVICE=cpu.",
                code="out_of_memory",
            ) from error
    # Outside the handler, so that the failed run's tensors, which the traceback holds, are let go first.
    middle = len(images) // 2
    return np.concatenate([in_halves(run, images[:middle]), in_halves(run, images[middle:])])


def usable_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
