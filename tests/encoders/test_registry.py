import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from stylesearch.encoders.protocol import EncoderSpec
from stylesearch.encoders.registry import available, encode_checked, get_encoder
from stylesearch.errors import InputError, StylesearchError


def test_lite_is_known():
    assert "lite" in available()
    assert get_encoder("lite", device="cpu").spec.slug == "lite"


def test_each_device_has_its_own():
    assert get_encoder("lite", device="cpu") is get_encoder("lite", device="cpu")
    assert get_encoder("lite", device="cpu") is not get_encoder("lite", device="auto")


def test_an_unknown_slug_lists_the_known_ones():
    with pytest.raises(InputError, match="lite") as caught:
        get_encoder("heavy")
    assert caught.value.code == "unknown_encoder"
    assert "'heavy'" in caught.value.message


def test_threads_get_one_object():
    start = Barrier(8)

    def ask(_):
        start.wait()
        return get_encoder("lite", device="cuda:7")  # a key of this test's own; nothing is loaded yet

    with ThreadPoolExecutor(8) as pool:
        assert len({id(encoder) for encoder in pool.map(ask, range(8))}) == 1


class _Broken:
    """An encoder that forgot to normalise."""

    spec = EncoderSpec("broken", 2, "0" * 64, "none-v1", "Apache-2.0")
    input_size = 1

    def encode(self, images):
        return np.full((len(images), 2), 3.0, dtype=np.float32)


def test_a_broken_encoder_is_refused():
    with pytest.raises(StylesearchError) as caught:
        encode_checked(_Broken(), [np.zeros((1, 1, 3), dtype=np.uint8)])
    assert caught.value.code == "descriptor_invalid"


def test_a_sound_encoder_is_passed_on():
    pixels = np.full((8, 8, 3), 90, dtype=np.uint8)
    assert encode_checked(get_encoder("lite", device="cpu"), [pixels]).shape == (1, 256)


@pytest.mark.parametrize("module", ["registry", "lite", "backbone", "preprocessing", "devices", "checking"])
def test_importing_does_not_import_torch(module):
    code = (
        f"import sys; from stylesearch.encoders import {module}; "
        "heavy = {'torch', 'timm', 'open_clip'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_identity_is_known_without_torch():
    code = (
        "import sys; from stylesearch.encoders.registry import get_encoder; "
        "assert len(get_encoder('lite').spec.digest) == 64; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
