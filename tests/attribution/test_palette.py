import numpy as np
import pytest
from PIL import Image, ImageDraw

from stylesearch.attribution.palette import MOST_COLOURS, colour_name, only_in, palette_distance, palette_of
from stylesearch.attribution.planes import lab


def stripes(*colours: str, shares: tuple[int, ...] | None = None) -> np.ndarray:
    """Upright stripes; shares in pixels of width."""
    shares = shares or (40,) * len(colours)
    image = Image.new("RGB", (sum(shares), 60))
    draw, left = ImageDraw.Draw(image), 0
    for colour, share in zip(colours, shares, strict=True):
        draw.rectangle((left, 0, left + share - 1, 59), fill=colour)
        left += share
    return np.asarray(image)


def test_flat_colours_are_found_with_their_shares():
    palette = palette_of(stripes("#d02020", "#2040c0", "#f0e040", shares=(60, 30, 10)))
    assert [swatch.share for swatch in palette] == pytest.approx([0.6, 0.3, 0.1])
    assert [swatch.name for swatch in palette] == ["red", "blue", "yellow"]
    for swatch, colour in zip(palette, ("#d02020", "#2040c0", "#f0e040"), strict=True):
        found, wanted = (bytes.fromhex(one[1:]) for one in (swatch.hex, colour))
        assert max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= 4


def test_black_and_white_are_exact():
    assert [swatch.hex for swatch in palette_of(stripes("black", "white", shares=(30, 20)))] == [
        "#000000",
        "#ffffff",
    ]


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1)])
def test_a_picture_of_one_colour_has_one(size):
    palette = palette_of(np.full((*size, 3), (0, 128, 128), np.uint8))
    assert [swatch.share for swatch in palette] == [1.0]
    assert palette[0].name == "turquoise"


def test_what_edges_mix_is_no_colour():
    sharp = Image.fromarray(stripes("#d02020", "white"))
    soft = np.asarray(sharp.resize((120, 90), Image.Resampling.BICUBIC))
    assert [swatch.name for swatch in palette_of(soft)] == ["red", "white"]


def test_noise_gives_a_full_palette_that_sums_to_one():
    palette = palette_of(np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8))
    assert 5 < len(palette) <= MOST_COLOURS
    assert sum(swatch.share for swatch in palette) == pytest.approx(1)
    shares = [swatch.share for swatch in palette]
    assert shares == sorted(shares, reverse=True)


def test_it_is_the_same_each_time():
    pixels = np.random.default_rng(2).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    assert palette_of(pixels) == palette_of(pixels.copy())


def test_the_distance_goes_by_colours_and_not_by_shares():
    one = palette_of(stripes("#d02020", "white", shares=(60, 30)))
    wider = palette_of(stripes("#d02020", "white", shares=(30, 60)))
    other = palette_of(stripes("#2040c0", "white", shares=(60, 30)))
    assert palette_distance(one, one) == 0
    assert palette_distance(one, wider) < 1
    assert palette_distance(one, other) > 30
    assert palette_distance(one, other) == palette_distance(other, one)


def test_a_colour_that_only_one_has_counts_in_both_directions():
    less, more = palette_of(stripes("black", "white")), palette_of(stripes("black", "white", "#d02020"))
    assert palette_distance(less, more) == palette_distance(more, less) > 10


def test_what_only_one_has_is_found():
    less, more = palette_of(stripes("black", "white")), palette_of(stripes("#080808", "white", "#d02020"))
    assert [swatch.name for swatch in only_in(more, less)] == ["red"]
    assert only_in(less, more) == ()


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ("#000000", "black"), ("#404040", "dark grey"), ("#808080", "grey"), ("#ffffff", "white"),
        ("#ff0000", "red"), ("#8b4513", "brown"), ("#ff8c00", "orange"), ("#ffff00", "yellow"),
        ("#808000", "olive"), ("#008000", "green"), ("#0000a0", "dark blue"), ("#1e90ff", "blue"),
        ("#add8e6", "pale blue"), ("#a040a0", "purple"), ("#ffc0cb", "pink"), ("#fff8dc", "cream"),
    ],
)  # fmt: skip
def test_colours_are_called_what_people_call_them(colour, name):
    pixels = np.array([[list(bytes.fromhex(colour[1:]))]], np.uint8)
    assert colour_name(lab(pixels)[0, 0].astype(float)) == name
