import numpy as np
import pytest
import torch

from stylesearch.encoders.backbone import MAP_CHANNELS, load_backbone
from stylesearch.encoders.lite import PREPROCESSING
from stylesearch.errors import InputError
from stylesearch.evaluation.baselines import BASELINES, DEPTHS, get_baseline, rgb_histogram


@pytest.fixture(scope="module")
def images():
    dice = np.random.default_rng(0)
    plain = np.full((50, 70, 3), 180, np.uint8)
    noise = dice.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    ramp = np.repeat(np.linspace(0, 255, 90).astype(np.uint8)[:, None], 40, axis=1)[..., None].repeat(
        3, axis=2
    )
    return [plain, noise, ramp]


@pytest.fixture(scope="module")
def maps(images):
    """The network's maps, from its parts run one after the other."""
    squares = np.concatenate([PREPROCESSING.squares(pixels) for pixels in images])
    found, batch = [], torch.from_numpy((squares.astype(np.float32) - 127) / 128).permute(0, 3, 1, 2)
    with torch.inference_mode():
        for part in load_backbone():
            batch = part(batch)
            found.append(batch.double().numpy())
    return found


@pytest.mark.parametrize("name", BASELINES)
def test_rows_are_unit_and_the_same_each_time(images, name):
    baseline = get_baseline(name, device="cpu")
    rows = baseline.describe(images)
    assert rows.shape == (3, baseline.dim)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1)
    again = get_baseline(name, device="cpu")
    assert (again.describe(images) == rows).all()
    assert again.digest == baseline.digest
    assert baseline.describe(images[1:2])[0] == pytest.approx(rows[1], abs=1e-5)


def test_digests_differ():
    assert len({get_baseline(name, device="cpu").digest for name in BASELINES}) == len(BASELINES)


def test_the_histogram_counts_colours():
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0, :, 0] = 255
    histogram = rgb_histogram([pixels])[0]
    assert np.flatnonzero(histogram).tolist() == [0, 7 * 64]
    assert histogram[0] == pytest.approx(0.5**0.5)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def test_the_pooled_feature_is_the_last_map_s_mean(images, maps):
    expected = unit(maps[-1].mean(axis=(2, 3)))
    assert expected.shape == (3, MAP_CHANNELS[-1])
    assert get_baseline("pooled", device="cpu").describe(images) == pytest.approx(expected, abs=1e-5)


def test_statistics_count_every_depth_alike(images, maps):
    depths = [
        unit(np.concatenate([one.mean(axis=(2, 3)), one.std(axis=(2, 3))], axis=1)) for one in maps[:DEPTHS]
    ]
    expected = np.concatenate(depths, axis=1) / DEPTHS**0.5
    assert get_baseline("statistics", device="cpu").describe(images) == pytest.approx(expected, abs=1e-4)


def test_the_gram_rows_keep_the_cosines_of_whole_matrices(images, maps):
    whole = []
    for one in maps[:DEPTHS]:
        flat = one.reshape(3, one.shape[1], -1)
        whole.append(unit((flat @ flat.transpose(0, 2, 1)).reshape(3, -1)) / DEPTHS**0.5)
    expected = np.concatenate(whole, axis=1)
    rows = get_baseline("gram", device="cpu").describe(images)
    assert rows @ rows.T == pytest.approx(expected @ expected.T, abs=0.1)


def test_an_unknown_baseline_is_refused():
    with pytest.raises(InputError, match="rgb-histogram, pooled, statistics, gram") as raised:
        get_baseline("vgg")
    assert raised.value.code == "unknown_baseline"
