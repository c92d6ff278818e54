import itertools
import math

import numpy as np
import pytest
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

from stylesearch.encoders.preprocessing import (
    CLIP_SCALE,
    LITE_SCALE,
    MOST_TILES,
    POLICIES,
    TILE_OVERLAP,
    Preprocessing,
)
from stylesearch.errors import InputError


def test_fine_stripes_are_averaged_not_sampled():
    stripes = np.zeros((16, 2240, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    squashed = Preprocessing("squash").squares(stripes).astype(int)
    assert np.abs(squashed - 127).max() <= 5


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_not_pixels_is_refused(policy, pixels):
    with pytest.raises(InputError) as caught:
        Preprocessing(policy).squares(pixels)
    assert caught.value.code == "pixels"


# Whole-image policies

SIZES = [
    (224, 224),
    (300, 300),
    (301, 224),
    (224, 301),
    (640, 480),
    (480, 641),
    (97, 1200),
    (900, 31),
    (7, 5),
    (1, 1),
    (1, 90),
]


def noise(size: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.mark.parametrize("side", [224, 336])
@pytest.mark.parametrize("size", SIZES)
def test_crop_is_torchvisions_to_the_bit(size, side):
    pixels = noise(size)
    reference = Compose([Resize(side, InterpolationMode.BICUBIC), CenterCrop(side)])(Image.fromarray(pixels))
    (square,) = Preprocessing("crop", side).squares(pixels)
    assert np.array_equal(square, np.asarray(reference))


@pytest.mark.parametrize("size", [(4000, 12), (12, 4000), (2, 900)])
def test_crop_of_what_is_too_long_to_scale_whole_is_torchvisions_within_a_grey_level(size):
    pixels = noise(size)
    reference = Compose([Resize(224, InterpolationMode.BICUBIC), CenterCrop(224)])(Image.fromarray(pixels))
    (square,) = Preprocessing("crop").squares(pixels)
    assert np.abs(square.astype(int) - np.asarray(reference)).max() <= 1


@pytest.mark.parametrize("fill", [0, 127])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize(("mode", "policy"), [("shortest", "crop"), ("longest", "pad"), ("squash", "squash")])
def test_each_mode_of_open_clip_is_followed_to_the_bit(mode, policy, interpolation, fill):
    ours = Preprocessing(policy, 96, *CLIP_SCALE, interpolation, fill)
    theirs = image_transform_v2(
        PreprocessCfg(
            96, mean=(0, 0, 0), std=(1, 1, 1), interpolation=interpolation, resize_mode=mode, fill_color=fill
        ),
        is_train=False,
    )
    for size in [(96, 96), (200, 131), (131, 200), (50, 40), (33, 300)]:
        expected = theirs(Image.fromarray(noise(size))).mul(255).round().byte().permute(1, 2, 0).numpy()
        assert np.array_equal(ours.squares(noise(size))[0], expected), size


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("size", [(1, 1), (20, 30_000), (30_000, 20), (1, 30_000), (37, 41)])
def test_every_policy_takes_every_shape(policy, size):
    squares = Preprocessing(policy).squares(np.full((*size, 3), 90, dtype=np.uint8))
    assert squares.dtype == np.uint8
    assert squares.shape[1:] == (224, 224, 3)
    assert 1 <= len(squares) <= (MOST_TILES if policy == "tile" else 1)
    assert set(np.unique(squares)) <= ({90, 255} if policy == "pad" else {90})


def test_padding_is_white_on_both_sides_and_keeps_the_proportions():
    (square,) = Preprocessing("pad", 200).squares(np.zeros((50, 100, 3), np.uint8))
    assert (square[50:150] == 0).all()
    assert (square[:50] == 255).all()
    assert (square[150:] == 255).all()


@pytest.mark.parametrize("size", [(224, 1000), (1000, 224), (100, 260), (500, 512)])
def test_tiles_overlap_and_reach_both_ends(size):
    # A ramp along the longer side tells where each tile lies.
    long = max(size)
    ramp = np.linspace(0, 255, long)[:, None, None]
    pixels = np.broadcast_to(ramp, (long, min(size), 3)).astype(np.uint8)
    if size[1] == long:
        pixels = pixels.transpose(1, 0, 2)
    tiles = Preprocessing("tile").squares(np.ascontiguousarray(pixels)).astype(float)
    along = tiles.mean(axis=(2, 3) if size[0] == long else (1, 3))
    assert along[0, 0] <= 1
    assert along[-1, -1] >= 253
    scaled = 224 * long / min(size)
    assert len(tiles) == 1 + math.ceil((int(scaled) - 224) / (224 * (1 - TILE_OVERLAP)))
    for one, following in itertools.pairwise(along):
        assert following[0] < one[-1]
        assert (one[-1] - following[0]) / (one[-1] - one[0]) >= TILE_OVERLAP - 0.05


def test_a_square_is_one_tile_and_a_scroll_has_no_more_than_are_allowed():
    assert len(Preprocessing("tile").squares(noise((90, 90)))) == 1
    scroll = np.zeros((40, 4000, 3), np.uint8)
    scroll[:, :40], scroll[:, -40:] = 200, 100
    tiles = Preprocessing("tile").squares(scroll)
    assert len(tiles) == MOST_TILES
    assert (tiles[0][:, 100] == 200).all()
    assert (tiles[-1][:, 100] == 100).all()


def test_the_name_tells_all_that_matters():
    assert Preprocessing("crop").name == "crop-224-clip-v1"
    assert Preprocessing("tile", 336).name == "tile-336-clip-v1"
    assert Preprocessing("squash", 224, *LITE_SCALE).name == "squash-224-lite-v1"
    half = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert Preprocessing("squash", 256, *half, "bilinear").name == "squash-256-half-bilinear-v1"
    others = [
        Preprocessing("pad"),
        Preprocessing("pad", fill=0),
        Preprocessing("pad", mean=(0.1, 0.2, 0.3)),
        Preprocessing("pad", std=(0.1, 0.2, 0.3)),
        Preprocessing("pad", interpolation="bilinear"),
    ]
    assert len({one.name for one in others}) == len(others)


def test_another_policy_keeps_the_rest():
    black = Preprocessing("pad", 256, interpolation="bilinear", fill=0)
    assert black.with_policy(None) == black.with_policy("pad") == black
    assert black.with_policy("tile") == Preprocessing("tile", 256, interpolation="bilinear")


def test_an_unknown_policy_lists_the_known_ones():
    with pytest.raises(InputError, match="crop, squash, pad, tile") as caught:
        Preprocessing("fold")
    assert caught.value.code == "unknown_policy"
    with pytest.raises(InputError, match="'fold'"):
        Preprocessing("crop").with_policy("fold")
