import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from stylesearch.encoders import lite
from stylesearch.encoders.added import AddedEncoder, add
from stylesearch.encoders.checkpoints import file_sha256
from stylesearch.encoders.csd import CSDEncoder
from stylesearch.encoders.openclip import OpenClipEncoder
from stylesearch.encoders.protocol import EncoderSpec
from stylesearch.encoders.registry import (
    available,
    configured_encoder,
    encode_checked,
    families,
    get_encoder,
)
from stylesearch.errors import InputError, ServiceError, StylesearchError
from stylesearch.settings import Settings


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
        "heavy = {'torch', 'timm', 'open_clip', 'onnxruntime'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_identity_is_known_without_torch():
    code = (
        "import sys; from stylesearch.encoders.registry import get_encoder; "
        "assert len(get_encoder('lite').spec.digest) == 64; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# Families and added encoders


def add_small(folder, weights, family, **values):
    added = AddedEncoder(
        **{
            "slug": "mine",
            "family": family,
            "dim": 48,
            "policy": "tile",
            "preprocessing": "tile-224-clip-v1",
            "weights_sha256": file_sha256(weights),
            "license": "MIT",
            "source": weights.name,
            **values,
        }
    )
    add(folder, added, weights)
    return added


PICTURE = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)


def test_a_family_takes_weights(small_csd, small_weights):
    encoder = get_encoder(small_csd, weights=small_weights, device="cpu", policy="pad")
    assert isinstance(encoder, CSDEncoder)
    assert (encoder.spec.slug, encoder.spec.preprocessing) == (small_csd, "pad-224-clip-v1")
    assert encode_checked(encoder, [PICTURE]).shape == (1, 48)


def test_open_clips_models_are_a_family(small_model, tmp_path):
    encoder = get_encoder(f"openclip:{small_model}", weights=tmp_path / "later.pt")
    assert isinstance(encoder, OpenClipEncoder)
    with pytest.raises(StylesearchError, match=r"later\.pt cannot be read"):
        encoder.encode([PICTURE])


def test_equal_requests_get_one_object_and_others_another(small_csd, small_weights, tmp_path):
    def ask(**options):
        return get_encoder(small_csd, **{"weights": small_weights, "device": "cpu", **options})

    assert ask() is ask(weights=small_weights.absolute())
    others = [
        ask(),
        ask(precision="bf16"),
        ask(policy="pad"),
        ask(online=True),
        ask(weights=tmp_path / "b.pth"),
    ]
    assert len({id(one) for one in others}) == len(others)


@pytest.mark.parametrize("slug", ["csd-vit-l-14", "csd-vit-l-14-336"])
def test_a_family_without_weights_says_how_to_add_them(slug, tmp_path):
    with pytest.raises(InputError, match="'stylesearch encoders add PATH'") as caught:
        get_encoder(slug, folder=tmp_path)
    assert caught.value.code == "weights_missing"


def test_lite_takes_a_policy():
    usual = get_encoder("lite", device="cpu")
    assert get_encoder("lite", device="cpu", policy="squash").spec == usual.spec
    tiled = get_encoder("lite", device="cpu", policy="tile")
    assert tiled.spec.preprocessing == "tile-224-lite-v1"
    assert not np.array_equal(encode_checked(tiled, [PICTURE]), encode_checked(usual, [PICTURE]))
    with pytest.raises(InputError, match="crop, squash, pad, tile") as caught:
        get_encoder("lite", policy="fold")
    assert caught.value.code == "unknown_policy"


def test_lite_takes_other_weights_with_their_graph_beside_them(small_weights, tmp_path):
    usual = get_encoder("lite", device="cpu")
    for path in (lite.WEIGHTS, lite.graph_of(lite.WEIGHTS)):
        shutil.copyfile(path, tmp_path / path.name)
    same = get_encoder("lite", device="cpu", weights=tmp_path / lite.WEIGHTS.name)
    assert same is not usual
    assert same.spec == usual.spec
    assert np.array_equal(encode_checked(same, [PICTURE]), encode_checked(usual, [PICTURE]))
    other = get_encoder("lite", device="cpu", weights=small_weights)
    assert other.spec.digest != usual.spec.digest
    with pytest.raises(StylesearchError, match=r"The graph .*small\.onnx, which belongs beside") as caught:
        other.encode([PICTURE])
    assert caught.value.code == "weights_missing"


def test_an_added_encoder_is_asked_for_by_its_slug(small_csd, small_weights, tmp_path):
    folder = tmp_path / "encoders"
    added = add_small(folder, small_weights, small_csd)
    assert available(folder) == ["lite", "mine"]
    assert available() == ["lite"]
    encoder = get_encoder("mine", folder=folder, device="cpu")
    assert encoder.spec == added.spec
    direct = get_encoder(small_csd, weights=small_weights, policy="tile", device="cpu")
    assert np.array_equal(encoder.encode([PICTURE]), direct.encode([PICTURE]))
    assert get_encoder("mine", folder=folder, policy="crop").spec.preprocessing == "crop-224-clip-v1"
    with pytest.raises(InputError, match="Known: lite"):
        get_encoder("mine")


def test_an_added_encoder_stands_for_the_family_of_its_name(small_csd, small_weights, tmp_path):
    add_small(tmp_path, small_weights, small_csd, slug=small_csd)
    assert get_encoder(small_csd, folder=tmp_path).spec.license == "MIT"
    assert get_encoder(small_csd, folder=tmp_path, weights=small_weights).spec.license == "LicenseRef-unknown"


def test_adding_another_in_its_place_gives_another_object(small_csd, small_weights, tmp_path):
    add_small(tmp_path, small_weights, small_csd)
    first = get_encoder("mine", folder=tmp_path)
    (tmp_path / "mine.json").unlink()
    add_small(tmp_path, small_weights, small_csd, license="CC0-1.0")
    second = get_encoder("mine", folder=tmp_path)
    assert (first.spec.license, second.spec.license) == ("MIT", "CC0-1.0")


def test_weights_that_were_changed_since_they_were_added_are_refused(small_csd, small_weights, tmp_path):
    added = add_small(tmp_path, small_weights, small_csd)
    with (tmp_path / "weights" / added.weights_sha256).open("r+b") as file:
        file.seek(5000)
        file.write(b"x")
    with pytest.raises(StylesearchError, match="not the ones expected") as caught:
        get_encoder("mine", folder=tmp_path, device="cpu").encode([PICTURE])
    assert caught.value.code == "weights_mismatch"


def test_a_damaged_manifest_is_said(tmp_path):
    (tmp_path / "mine.json").write_text("{")
    with pytest.raises(ServiceError, match="cannot be used"):
        get_encoder("mine", folder=tmp_path)


def test_an_unknown_slug_names_the_nearest(tmp_path):
    with pytest.raises(InputError, match=r"Did you mean csd-vit-l-14\?") as caught:
        get_encoder("csd-vit-l14", folder=tmp_path)
    assert caught.value.code == "unknown_encoder"
    assert all(name in caught.value.hint for name in families())


def test_the_settings_may_name_an_added_encoder(small_csd, small_weights, tmp_path):
    settings = Settings(home=tmp_path, encoder="mine", device="cpu", precision="bf16")
    added = add_small(settings.encoders_folder, small_weights, small_csd)
    assert configured_encoder(settings).spec == added.spec
    exact = configured_encoder(settings.model_copy(update={"precision": "fp32"}))
    assert not np.array_equal(exact.encode([PICTURE]), configured_encoder(settings).encode([PICTURE]))
