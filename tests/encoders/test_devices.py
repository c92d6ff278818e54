import numpy as np
import pytest
import torch

from stylesearch.encoders.devices import in_halves, resolve_device
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
