import base64
import gzip
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from stylesearch.errors import ImageError
from stylesearch.images.decode import ImageInfo, Picture, Pixels, decode, read_info, weigh
from stylesearch.images.vips import has_loader, libvips

LIMITS: dict[str, Any] = {"max_bytes": 50_000_000, "max_pixels": 100_000_000}
RED, WHITE, BLACK = (255, 0, 0), (255, 255, 255), (0, 0, 0)


def encode(image: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def photo(width: int = 600, height: int = 400) -> Image.Image:
    """Smooth colours with some grain, so that every format has something to compress."""
    rows, columns = np.indices((height, width))
    ramps = np.stack([rows * 200 // height, columns * 200 // width, (rows + columns) % 200], axis=-1)
    grain = np.random.default_rng(0).integers(0, 50, ramps.shape)
    return Image.fromarray((ramps + grain).astype(np.uint8))


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (40, 30)) -> Image.Image:
    return Image.new("RGB", size, colour)


def svg(body: str, attributes: str = 'width="100" height="50"') -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{body}</svg>'.encode()


def embedding(payload: bytes) -> bytes:
    uri = f"data:image/png;base64,{base64.b64encode(payload).decode()}"
    return svg(f'<image width="100" height="50" href="{uri}"/>')


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to no pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def code_of(data: bytes, **options: Any) -> str:
    with pytest.raises(ImageError) as caught:
        decode(data, **(LIMITS | options))
    assert caught.value.hint
    assert "\n" not in str(caught.value)
    return caught.value.code


def assert_colour(pixels: Pixels, colour: tuple[int, int, int], within: int = 2) -> None:
    assert np.abs(pixels.astype(int) - colour).max() <= within


TAKEN = {
    "image/jpeg": encode(photo(), "JPEG"),
    "image/png": encode(photo(), "PNG"),
    "image/webp": encode(photo(), "WEBP"),
    "image/gif": encode(photo().convert("P"), "GIF"),
    "image/tiff": encode(photo(), "TIFF", compression="tiff_lzw"),
    "image/avif": encode(photo(), "AVIF"),
}


@pytest.mark.parametrize("media_type", TAKEN)
def test_every_pixel_format_is_taken(media_type: str) -> None:
    picture = decode(TAKEN[media_type], **LIMITS)
    assert picture.info == ImageInfo(600, 400, media_type)
    assert picture.pixels.shape == (320, 480, 3)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.flags.c_contiguous
    expected = np.asarray(photo().resize((480, 320), Image.Resampling.BOX)).astype(int)
    assert np.abs(picture.pixels - expected).mean() < 15


@pytest.mark.parametrize("media_type", TAKEN)
def test_the_header_alone_gives_the_size(media_type: str) -> None:
    assert read_info(TAKEN[media_type], **LIMITS) == ImageInfo(600, 400, media_type)


# Sizes


@pytest.mark.parametrize(
    ("size", "options", "expected"),
    [
        ((1, 1), {}, (1, 1)),
        ((200, 100), {}, (200, 100)),
        ((320, 320), {}, (320, 320)),
        ((641, 1000), {}, (320, 499)),
        ((30_000, 20), {}, (2048, 1)),
        ((20, 30_000), {}, (1, 2048)),
        ((3000, 400), {}, (2048, 273)),
        ((600, 400), {"shortest_side": 100}, (150, 100)),
        ((600, 400), {"shortest_side": 100, "longest_side": 60}, (60, 40)),
        ((600, 400), {"shortest_side": 4000, "longest_side": 4000}, (600, 400)),
    ],
)
def test_pixel_images_are_scaled_down_only(
    size: tuple[int, int], options: dict[str, int], expected: tuple[int, int]
) -> None:
    picture = decode(encode(plain((90, 120, 30), size), "PNG"), **LIMITS, **options)
    assert (picture.info.width, picture.info.height) == size
    assert picture.pixels.shape == (expected[1], expected[0], 3)
    assert_colour(picture.pixels, (90, 120, 30))


@pytest.mark.parametrize(
    ("attributes", "size", "rendered"),
    [
        ('width="100" height="50"', (100, 50), (640, 320)),
        ('width="1.3" height="1.3"', (1, 1), (320, 320)),
        ('width="2in" height="1in"', (192, 96), (640, 320)),
        ('viewBox="0 0 30 20"', (30, 20), (480, 320)),
        ('width="744.09448" height="1052.3622"', (744, 1052), (320, 453)),
        ('width="200000" height="100000"', (200_000, 100_000), (640, 320)),
        ('width="30000" height="20"', (30_000, 20), (2048, 1)),
        ('width="3" height="9000"', (3, 9000), (1, 2048)),
    ],
)
def test_drawings_are_rendered_at_the_size_asked_for(
    attributes: str, size: tuple[int, int], rendered: tuple[int, int]
) -> None:
    picture = decode(svg('<rect width="100%" height="100%" fill="#0a0"/>', attributes), **LIMITS)
    assert picture.info == ImageInfo(*size, "image/svg+xml")
    assert picture.pixels.shape == (rendered[1], rendered[0], 3)
    is_green = np.abs(picture.pixels.astype(int) - (0, 170, 0)).max(axis=2) <= 10
    assert is_green.mean() > 0.99  # an edge may be drawn in part


def test_a_drawing_is_rendered_and_not_enlarged() -> None:
    pixels = decode(svg('<rect width="5" height="10"/>', 'width="10" height="10"'), **LIMITS).pixels
    assert_colour(pixels[:, :159], BLACK)
    assert_colour(pixels[:, 161:], WHITE)


# Orientation, frames and pages


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_come_upright(orientation: int) -> None:
    image = plain(WHITE, (64, 32))
    image.paste(RED, (0, 0, 32, 16))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(image, "PNG", exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    picture = decode(data, **LIMITS)
    assert (picture.info.width, picture.info.height) == expected.size
    assert read_info(data, **LIMITS) == picture.info
    np.testing.assert_array_equal(picture.pixels, np.asarray(expected))


def test_a_large_rotated_jpeg_is_scaled_upright() -> None:
    image = plain(WHITE, (1600, 800))
    image.paste(RED, (0, 0, 800, 400))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: what is at the top left comes to the top right
    picture = decode(encode(image, "JPEG", exif=exif), **LIMITS)
    assert picture.info == ImageInfo(800, 1600, "image/jpeg")
    assert picture.pixels.shape == (640, 320, 3)
    assert_colour(picture.pixels[:300, 170:], (254, 0, 0), within=6)
    assert_colour(picture.pixels[340:], WHITE, within=6)


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_or_page_is_taken(file_format: str) -> None:
    options: dict[str, Any] = {"lossless": True} if file_format == "WEBP" else {}
    frames = [plain((0, 0, 255)), plain((0, 255, 0))]
    data = encode(plain(RED), file_format, save_all=True, append_images=frames, **options)
    picture = decode(data, **LIMITS)
    assert picture.info.first_of_several
    assert picture.pixels.shape == (30, 40, 3)
    assert_colour(picture.pixels, RED)


def test_of_a_pyramid_the_full_size_counts() -> None:
    whole = libvips().Image.new_from_array(np.asarray(photo(900, 600)), interpretation="srgb")
    data = whole.tiffsave_buffer(
        tile=True, pyramid=True, compression="deflate", tile_width=128, tile_height=128
    )
    picture = decode(data, **LIMITS)
    assert picture.info == ImageInfo(900, 600, "image/tiff")
    assert picture.pixels.shape == (320, 480, 3)
    np.testing.assert_allclose(
        picture.pixels, decode(encode(photo(900, 600), "TIFF"), **LIMITS).pixels, atol=2
    )


def test_of_an_avif_sequence_the_first_picture_is_taken() -> None:
    data = encode(plain(RED), "AVIF", save_all=True, append_images=[plain((0, 0, 255))])
    assert data[8:12] == b"avis"
    picture = decode(data, **LIMITS)
    assert picture.info == ImageInfo(40, 30, "image/avif", first_of_several=True)
    assert_colour(picture.pixels, RED, within=4)


def test_a_progressive_jpeg_is_the_same_picture() -> None:
    progressive = decode(encode(photo(), "JPEG", progressive=True), **LIMITS)
    np.testing.assert_array_equal(progressive.pixels, decode(encode(photo(), "JPEG"), **LIMITS).pixels)


# Colour


@pytest.mark.parametrize("compression", ["lzw", "none"])
def test_a_tiff_of_sixteen_bits_becomes_eight(compression: str) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(1, 256, 1).repeat(3, axis=2).repeat(8, axis=0)
    image = libvips().Image.new_from_array(ramp, interpretation="rgb16")
    pixels = decode(image.tiffsave_buffer(compression=compression, predictor="horizontal"), **LIMITS).pixels
    assert np.abs(pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_sixteen_bits_become_eight() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(1, 256, 1).repeat(3, axis=2).repeat(8, axis=0)
    data = libvips().Image.new_from_array(ramp, interpretation="rgb16").pngsave_buffer()
    assert data[24] == 16
    pixels = decode(data, **LIMITS).pixels
    assert np.abs(pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_sixteen_bits_with_alpha_lie_on_white() -> None:
    half = np.full((8, 8, 4), (65535, 0, 0, 32768), np.uint16)
    data = libvips().Image.new_from_array(half, interpretation="rgb16").pngsave_buffer()
    assert_colour(decode(data, **LIMITS).pixels, (255, 127, 127))


@pytest.mark.parametrize("times", [2.5, 3.4, 7, 13])
def test_a_large_jpeg_is_the_same_picture_however_it_is_reduced(times: float) -> None:
    image = photo(120, 80).resize((round(120 * times), round(80 * times)), Image.Resampling.BICUBIC)
    files = encode(image, "JPEG", quality=95, subsampling="4:4:4"), encode(image, "PNG")
    of_jpeg, of_png = (decode(data, **LIMITS, shortest_side=80) for data in files)
    assert (of_jpeg.info.width, of_jpeg.info.height) == image.size
    off = np.abs(of_jpeg.pixels.astype(int) - of_png.pixels)
    assert off.mean() < 4
    assert np.abs(of_jpeg.pixels.mean((0, 1)) - of_png.pixels.mean((0, 1))).max() < 1


@pytest.mark.parametrize("size", [(40, 20), (2000, 1000)])
def test_cmyk_becomes_rgb(size: tuple[int, int]) -> None:
    image = Image.new("CMYK", size, (0, 0, 0, 0))
    image.paste((0, 255, 255, 0), (0, 0, size[0] // 2, size[1]))
    pixels = decode(encode(image, "JPEG", quality=95), **LIMITS).pixels.astype(int)
    left, right = round(pixels.shape[1] * 0.4), round(pixels.shape[1] * 0.6)
    assert pixels[:, right:].min() >= 250
    assert pixels[:, :left, 0].min() > 200
    assert pixels[:, :left, 1:].max() < 80


def test_lab_becomes_rgb() -> None:
    lab = (
        libvips()
        .Image.new_from_array(np.asarray(plain((200, 80, 40))), interpretation="srgb")
        .colourspace("lab")
    )
    picture = decode(lab.tiffsave_buffer(), **LIMITS)
    assert_colour(picture.pixels, (200, 80, 40))


@pytest.mark.parametrize("size", [(40, 30), (1600, 1200)])
def test_an_embedded_profile_is_applied(size: tuple[int, int]) -> None:
    inside_srgb = np.asarray(plain((220, 60, 40), size))
    p3 = (
        libvips()
        .Image.new_from_array(inside_srgb, interpretation="srgb")
        .icc_transform("p3", input_profile="srgb")
    )
    assert np.abs(p3.numpy().astype(int) - inside_srgb).max() > 10
    for data in (p3.pngsave_buffer(), p3.jpegsave_buffer(Q=98, subsample_mode="off")):
        assert_colour(decode(data, **LIMITS).pixels, (220, 60, 40), within=3)


def test_a_profile_that_says_srgb_changes_nothing() -> None:
    image = libvips().Image.new_from_array(np.asarray(photo(90, 60)), interpretation="srgb")
    marked, unmarked = image.pngsave_buffer(profile="srgb"), image.pngsave_buffer()
    assert len(marked) > len(unmarked)
    np.testing.assert_allclose(decode(marked, **LIMITS).pixels, decode(unmarked, **LIMITS).pixels, atol=1)


def test_a_broken_profile_does_not_stop_the_image() -> None:
    data = encode(plain(RED), "PNG", icc_profile=b"not a profile" * 20)
    assert_colour(decode(data, **LIMITS).pixels, RED)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16"])
def test_greyscale_becomes_three_equal_bands(mode: str) -> None:
    image = plain(WHITE).convert("L").convert(mode) if mode != "I;16" else Image.new("I;16", (40, 30), 65535)
    picture = decode(encode(image, "PNG"), **LIMITS)
    assert picture.pixels.shape == (30, 40, 3)
    assert_colour(picture.pixels, WHITE)


def test_a_palette_with_alpha_lies_on_white() -> None:
    image = Image.new("P", (40, 20), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.paste(1, (20, 0, 40, 20))
    pixels = decode(encode(image, "PNG", transparency=0), **LIMITS).pixels
    assert_colour(pixels[:, :20], WHITE)
    assert_colour(pixels[:, 20:], RED)


def test_half_transparent_pixels_blend_with_white() -> None:
    data = encode(Image.new("RGBA", (800, 800), (0, 0, 0, 128)), "PNG")
    assert_colour(decode(data, **LIMITS).pixels, (127, 127, 127))


def test_an_empty_part_of_a_drawing_is_white() -> None:
    assert_colour(decode(svg(""), **LIMITS).pixels, WHITE)


# Drawings


def test_gzipped_drawings_are_taken() -> None:
    plain_drawing = svg('<rect width="50" height="50"/>')
    packed = decode(gzip.compress(plain_drawing), **LIMITS)
    assert packed.info.media_type == "image/svg+xml"
    np.testing.assert_array_equal(packed.pixels, decode(plain_drawing, **LIMITS).pixels)


def test_a_drawing_may_open_with_a_long_dtd() -> None:
    entities = "".join(f'<!ENTITY n{number} "http://example.org/{number}/">' for number in range(200))
    body = svg("<rect width='100' height='50'/>").decode().replace("<svg", '<svg xmlns:x="&n7;"')
    assert_colour(decode(f"<!DOCTYPE svg [{entities}]>{body}".encode(), **LIMITS).pixels, BLACK)


def test_an_image_embedded_in_a_drawing_is_drawn() -> None:
    pixels = decode(embedding(encode(plain(RED, (100, 50)), "PNG")), **LIMITS).pixels
    assert_colour(pixels[5:-5, 5:-5], RED)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (svg('<image href="http://example.org/x.png"/>'), "svg_external"),
        (svg("<style>@import url(http://example.org/x.css);</style>"), "svg_external"),
        (b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>', "svg_entities"),
        (b'<!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><svg>&b;</svg>', "svg_entities"),
        (svg("<g>"), "svg_unreadable"),
        (svg("", ""), "svg_unreadable"),
        (svg("", 'width="0" height="0"'), "svg_unreadable"),
        (gzip.compress(b"<svg>" + b" " * 60_000_000, mtime=0), "image_too_many_bytes"),
        (embedding(png_header(60_000, 60_000)), "image_too_many_pixels"),
        (embedding(TAKEN["image/png"][:20]), "image_truncated"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_drawings_are_refused(data: bytes, code: str) -> None:
    assert code_of(data) == code


def with_size(jpeg: bytes, width: int, height: int) -> bytes:
    """A JPEG that claims another size."""
    at = next(jpeg.index(marker) for marker in (b"\xff\xc0", b"\xff\xc2") if marker in jpeg)
    return jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9 :]


def interlaced(bands: int, kind: type = np.uint8) -> bytes:
    pixels = np.zeros((200, 200, bands), kind)
    interpretation = "rgb16" if kind is np.uint16 else "srgb"
    return (
        libvips().Image.new_from_array(pixels, interpretation=interpretation).pngsave_buffer(interlace=True)
    )


def held_whole() -> dict[str, tuple[bytes, int]]:
    """Files of 200 x 200 pixels that cannot be decoded by the row, and the bytes that a pixel of them takes."""
    flat, other = plain(RED, (200, 200)), plain(WHITE, (200, 200))
    return {
        "progressive": (encode(flat, "JPEG", progressive=True, subsampling=0), 6),
        "progressive, halved": (encode(flat, "JPEG", progressive=True, subsampling=2), 3),
        "progressive cmyk": (encode(flat.convert("CMYK"), "JPEG", progressive=True), 8),
        "interlaced": (interlaced(3), 4),
        "interlaced, 16 bits": (interlaced(4, np.uint16), 9),
        "gif": (encode(flat, "GIF"), 6),
        "webp": (encode(flat, "WEBP"), 5),
        "animated webp": (encode(flat, "WEBP", save_all=True, append_images=[other]), 5),
        "avif": (encode(flat, "AVIF"), 20),
    }


@pytest.mark.parametrize("name", held_whole())
def test_what_must_be_held_whole_may_have_fewer_pixels(name: str) -> None:
    data, bytes_a_pixel = held_whole()[name]
    assert weigh(data, **LIMITS) == 200 * 200 * bytes_a_pixel // 3
    assert decode(data, **LIMITS).pixels.shape == (200, 200, 3)


def test_a_picture_that_would_take_too_much_memory_is_refused_by_its_header() -> None:
    limits = {"max_bytes": 10**6, "max_pixels": 25_000_000}  # three bytes each are less than six
    large = {
        name: with_size(encode(photo(), "JPEG", **options), 5000, 5000)
        for name, options in {
            "baseline": {"subsampling": 0},
            "halved": {"subsampling": 2, "progressive": True},
            "whole": {"subsampling": 0, "progressive": True},
        }.items()
    }
    assert [weigh(large[name], **limits) for name in ("baseline", "halved")] == [25_000_000] * 2
    assert code_of(large["whole"], **limits) == "image_too_much_memory"


def test_what_is_read_by_the_row_takes_no_memory_to_speak_of() -> None:
    for data in (TAKEN["image/jpeg"], TAKEN["image/png"], TAKEN["image/tiff"]):
        assert weigh(data, **LIMITS) == 600 * 400


CROWDED = {
    "elements": svg("<g/>" * 60_000),
    "a long path": svg('<path d="M0 0' + "h1" * 1_500_000 + '"/>'),
    "many letters": svg("<text>word word</text>" * 2500),
    "a large picture": embedding(png_header(5000, 5000)),
    "size": svg(f"<desc>{' ' * 9_000_000}</desc>"),
    "size, packed": gzip.compress(svg("<!--" + " " * 9_000_000 + "-->")),
}


@pytest.mark.parametrize("name", CROWDED)
def test_drawings_that_would_take_too_much_memory_are_refused_unrendered(name: str) -> None:
    expected = "image_too_many_bytes" if "packed" in name else "image_too_much_memory"
    assert code_of(CROWDED[name], max_pixels=30_000_000) == expected


def test_a_drawing_of_many_elements_is_taken() -> None:
    assert weigh(svg('<path d="M0 0h1"/>' * 5000), **LIMITS) > 5000 * 1700 // 3


def test_embedded_images_count_together() -> None:
    image = base64.b64encode(encode(plain(RED, (100, 100)), "PNG")).decode()
    twice = svg(f'<image href="data:image/png;base64,{image}"/>' * 2)
    assert read_info(twice, max_bytes=100_000, max_pixels=20_000)
    assert code_of(twice, max_pixels=19_999) == "image_too_many_pixels"


def test_a_drawing_that_multiplies_itself_is_refused() -> None:
    levels = "".join(f'<g id="l{n}">' + f'<use href="#l{n - 1}"/>' * 30 + "</g>" for n in range(1, 9))
    bomb = svg(f'<defs><rect id="l0" width="1" height="1"/>{levels}</defs><use href="#l8"/>')
    assert code_of(bomb) == "svg_unreadable"


# Refusals


def test_an_empty_file_is_refused() -> None:
    assert code_of(b"") == "image_empty"


def test_the_file_size_is_limited() -> None:
    data = TAKEN["image/png"]
    assert read_info(data, max_bytes=len(data), max_pixels=240_000)
    assert code_of(data, max_bytes=len(data) - 1) == "image_too_many_bytes"


@pytest.mark.parametrize("media_type", TAKEN)
def test_the_number_of_pixels_is_limited(media_type: str) -> None:
    assert read_info(TAKEN[media_type], max_bytes=10**7, max_pixels=240_000)
    assert code_of(TAKEN[media_type], max_pixels=239_999) == "image_too_many_pixels"


def test_a_decompression_bomb_is_refused_by_its_header() -> None:
    assert code_of(png_header(60_000, 60_000)) == "image_too_many_pixels"
    # Within the limit the missing pixels are noticed, so the header was all that was looked at above.
    assert code_of(png_header(6000, 6000)) == "image_truncated"


@pytest.mark.parametrize(
    "data", [b"hello, world", b"\0" * 1000, b"<html><body>404</body></html>", b"\x1f\x8b\x08x"]
)
def test_what_is_not_an_image_is_refused(data: bytes) -> None:
    assert code_of(data) == "image_unreadable"


@pytest.mark.parametrize("file_format", ["PDF", "BMP", "PPM", "ICO"])
def test_other_formats_are_refused_by_name(file_format: str) -> None:
    assert code_of(encode(photo(64, 64), file_format)) == "image_unsupported"


def test_an_allowed_format_needs_its_loader() -> None:
    data = encode(photo(64, 64), "JPEG2000")
    if has_loader("jp2kload"):
        assert decode(data, **LIMITS).info.media_type == "image/jp2"
    else:
        assert code_of(data) == "image_unsupported"


@pytest.mark.parametrize("kept", [0.999, 0.9, 0.5, 0.1])
@pytest.mark.parametrize("media_type", TAKEN)
def test_cut_files_are_refused(media_type: str, kept: float) -> None:
    data = TAKEN[media_type]
    assert code_of(data[: int(len(data) * kept)]) == "image_truncated"


@pytest.mark.parametrize("options", [{"progressive": True}, {"quality": 20}, {"restart_marker_rows": 1}])
def test_cut_jpegs_of_any_coding_are_refused(options: dict[str, Any]) -> None:
    data = encode(photo(2000, 1500), "JPEG", **options)
    assert decode(data, **LIMITS).pixels.shape == (320, 427, 3)
    assert code_of(data[: len(data) * 4 // 5]) == "image_truncated"


@pytest.mark.parametrize("media_type", ["image/png", "image/tiff", "image/avif"])
def test_damaged_bodies_are_refused(media_type: str) -> None:
    data = bytearray(TAKEN[media_type])
    middle = len(data) // 2
    data[middle : middle + 40] = b"\xff" * 40
    assert code_of(bytes(data)) == "image_truncated"


def test_bytes_after_the_end_do_no_harm() -> None:
    for data in TAKEN.values():
        assert isinstance(decode(data + b"more", **LIMITS), Picture)


def test_heif_in_a_coding_without_decoder_is_unsupported() -> None:
    """An AVIF file relabelled as HEVC, with the shortest HEVC configuration there is."""
    data = bytearray(encode(photo(64, 64), "AVIF"))
    at = data.index(b"av1C")
    record = b"\x01" + b"\0" * 11 + b"\xf0\0\xfc\xfd\xf8\xf8\0\0\x0f\0\0"
    old_length = int.from_bytes(data[at - 4 : at])
    grown = 8 + len(record) - old_length
    extent = data.index((data.index(b"mdat") + 4).to_bytes(4), data.index(b"iloc"))
    data[extent : extent + 4] = (int.from_bytes(data[extent : extent + 4]) + grown).to_bytes(4)
    for name in (b"meta", b"iprp", b"ipco"):
        start = data.index(name) - 4
        data[start : start + 4] = (int.from_bytes(data[start : start + 4]) + grown).to_bytes(4)
    data[at - 4 : at - 4 + old_length] = (8 + len(record)).to_bytes(4) + b"hvcC" + record
    relabelled = bytes(data).replace(b"av01", b"hvc1").replace(b"avif", b"heic")
    assert code_of(relabelled) == "image_unsupported"


def test_nothing_is_printed(tmp_path: Path) -> None:
    """A subprocess, since pytest itself would catch what goes through logging."""
    script = """
import sys
from stylesearch.errors import ImageError
from stylesearch.images.decode import decode
for path in sys.argv[1:]:
    data = open(path, "rb").read()
    for end in (len(data), len(data) * 9 // 10, len(data) // 3):
        try:
            decode(data[:end], max_bytes=10**8, max_pixels=10**8)
        except ImageError:
            pass
"""
    odd = [
        *TAKEN.values(),
        encode(plain(RED), "PNG", icc_profile=b"not a profile" * 20),
        TAKEN["image/jpeg"].replace(b"\x12\x34", b"\xff\xff"),
        svg('<text y="30" font-family="No Such Font">Text</text><rect width="-1" fill="url(#none)"/>'),
    ]
    paths = [tmp_path / str(number) for number in range(len(odd))]
    for path, data in zip(paths, odd, strict=True):
        path.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", script, *paths], capture_output=True, text=True, timeout=120, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
