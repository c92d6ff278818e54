import contextlib

import numpy as np
import pytest
import torch

from stylesearch.encoders.devices import PRECISIONS, in_halves, resolve_device, resolve_precision
from stylesearch.errors import InputError, StylesearchError

IMAGES = [np.full((1, 1, 3), value, dtype=np.uint8) for value in range(13)]


def _describe(limit, error):
    def run(images):
        if len(images) > limit:
            raise error
        return np.array([[image[0, 0, 0]] for image in images], dtype=np.float32)

    return run


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("MPS backend out of memory (…)"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
)
def test_a_batch_too_large_is_split_and_keeps_its_order(error):
    assert in_halves(_describe(2, error), IMAGES)[:, 0].tolist() == list(range(13))


def test_one_image_too_large_is_said():
    with pytest.raises(StylesearchError) as caught:
        in_halves(_describe(0, torch.OutOfMemoryError("CUDA out of memory")), IMAGES)
    assert caught.value.code == "out_of_memory"


def test_other_errors_are_not_swallowed():
    with pytest.raises(RuntimeError, match="shape"):
        in_halves(_describe(1, RuntimeError("shape")), IMAGES)


def test_auto_finds_a_device_that_works():
    assert torch.ones(1, device=resolve_device("auto")).item() == 1.0
    assert resolve_device("cpu") == "cpu"


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(InputError, match="cuda:99") as caught:
        resolve_device("cuda:99")
    assert caught.value.code == "device_missing"


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_the_processor_and_mps_compute_in_single_precision_unless_told(device):
    assert resolve_precision("auto", device) == torch.float32
    assert resolve_precision("bf16", device) == torch.bfloat16
    assert resolve_precision("fp16", device) == torch.float16


@pytest.mark.parametrize(("has_bf16", "chosen"), [(True, torch.bfloat16), (False, torch.float16)])
def test_cuda_computes_in_the_half_it_has(has_bf16, chosen, monkeypatch):
    # No CUDA device is needed to choose; what it can do is asked of torch without emulation.
    asked = []
    monkeypatch.setattr(torch.cuda, "device", lambda device: contextlib.nullcontext(asked.append(device)))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has_bf16)
    assert resolve_precision("auto", "cuda:1") == chosen
    assert asked == ["cuda:1"]
    assert resolve_precision("fp32", "cuda:1") == torch.float32


def test_an_unknown_precision_lists_the_known_ones():
    with pytest.raises(InputError, match="auto, fp32, bf16, fp16") as caught:
        resolve_precision("int8", "cpu")
    assert caught.value.code == "unknown_precision"
    assert PRECISIONS == ("auto", "fp32", "bf16", "fp16")
