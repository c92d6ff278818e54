"""Damaged files of every kind go through the decoder: each gives a picture or one of our errors, and none ends it.

The decoder is a process of its own, for what is wrong with a library written in C ends the whole process. How long it
takes is bounded by the number of files; ``--hypothesis-seed`` makes others of them.
"""

import contextlib
import gzip
import io
import os
import select
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from stylesearch.images.vips import libvips

EXAMPLES = int(os.environ.get("TESTS_FUZZ_EXAMPLES", "40"))
SECONDS = 120.0
"""Far longer than any of these files may take, on the slowest machine."""

MOST_MEMORY = 600 * 1024**2

PROGRAM = """
import struct, sys
import numpy as np
from stylesearch.errors import ImageError
from stylesearch.images.decode import decode, read_info

def attempt(data):
    limits = {"max_bytes": 10**7, "max_pixels": 4_000_000}
    try:
        info = read_info(data, **limits)
    except ImageError as error:
        assert error.hint and "\\n" not in str(error), error
        return error.code
    assert info.width > 0 and info.height > 0
    try:
        picture = decode(data, **limits)
    except ImageError as error:
        return error.code
    assert picture.info == info
    assert picture.pixels.dtype == np.uint8 and picture.pixels.ndim == 3 and picture.pixels.shape[2] == 3
    assert max(picture.pixels.shape) <= 2048
    return "picture"

def most_memory():
    # Not getrusage, which begins with what the process that has started this one took.
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
    except OSError:
        return 0

while header := sys.stdin.buffer.read(4):
    data = sys.stdin.buffer.read(struct.unpack(">I", header)[0])
    try:
        said = attempt(data)
    except BaseException as error:
        said = f"failed: {type(error).__name__}: {error}".replace(chr(10), " ")
    print(said, most_memory(), flush=True)
"""


class Decoder:
    """A process that decodes what it is sent, and says what came of it."""

    def __init__(self) -> None:
        self.most_memory = 0
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def decode(self, data: bytes) -> str:
        """Return ``picture`` or the code of an error; it fails if the process does."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(struct.pack(">I", len(data)) + data)
            self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], SECONDS)
        if not ready:
            self._process.kill()
        line = self._process.stdout.readline().decode()
        if not line:
            ended = self._process.wait()
            self._close_pipes()
            self._start()
            raise AssertionError(
                "the decoder did not come back" if not ready else f"the decoder ended with {ended}"
            )
        said, _, kilobytes = line.strip().rpartition(" ")
        memory = 1024 * int(kilobytes)
        if memory > MOST_MEMORY:
            self.close()
            self._start()
            raise AssertionError(f"the decoder took {memory / 1024**2:.0f} MiB")
        self.most_memory = max(self.most_memory, memory)
        assert not said.startswith("failed"), said
        return said

    def close(self) -> None:
        self._close_pipes()
        self._process.wait(60)

    def _close_pipes(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder()
    yield decoder
    decoder.close()


def photo(size: tuple[int, int] = (48, 40)) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 255, (*size, 3)).astype(np.uint8))


def save(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def families() -> dict[str, list[bytes]]:
    """Small files of every format and of what is peculiar in them."""
    plain = photo()
    frames = {"save_all": True, "append_images": [photo().rotate(180)]}
    turned = Image.Exif()
    turned[0x0112] = 6
    vips = libvips().Image.new_from_array(np.asarray(plain), interpretation="srgb")
    deep = (vips.cast("ushort") * 257).cast("ushort").copy(interpretation="rgb16")
    wide = vips.icc_transform("p3", input_profile="srgb")
    return {
        "JPEG": [
            save(plain, "JPEG"), save(plain, "JPEG", progressive=True, exif=turned),
            save(plain.convert("CMYK"), "JPEG"), wide.jpegsave_buffer(keep="icc"),
        ],
        "PNG": [
            save(plain, "PNG"), save(plain.quantize(9), "PNG", transparency=0), save(plain, "PNG", **frames),
            deep.pngsave_buffer(interlace=True), wide.pngsave_buffer(),
        ],
        "GIF": [save(plain.quantize(9), "GIF"), save(plain.quantize(9), "GIF", **frames)],
        "WebP": [
            save(plain, "WEBP"), save(plain.convert("RGBA"), "WEBP", lossless=True), save(plain, "WEBP", **frames),
        ],
        "TIFF": [
            save(plain, "TIFF"), save(plain, "TIFF", compression="tiff_lzw", **frames), deep.tiffsave_buffer(),
            vips.tiffsave_buffer(tile=True, pyramid=True, tile_width=16, tile_height=16, compression="deflate"),
            vips.tiffsave_buffer(compression="jpeg"), vips.tiffsave_buffer(bigtiff=True), save(plain.convert("1"), "TIFF"),
        ],
        "AVIF": [save(plain, "AVIF"), save(plain, "AVIF", **frames)],
        "JPEG 2000": [save(plain, "JPEG2000")],
    }  # fmt: skip


def mend_checksums(png: bytes) -> bytes:
    """Give a damaged PNG checksums that fit, so that the damage is looked at."""
    data, at = bytearray(png), 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4])
        if end + 4 > len(data):
            break
        data[end : end + 4] = struct.pack(">I", zlib.crc32(data[at + 4 : end]))
        at = end + 4
    return bytes(data)


FAMILIES = families()
PROFILE = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("name", FAMILIES)
@PROFILE
@given(data=st.data())
def test_a_damaged_file_is_a_picture_or_an_error(
    name: str, decoder: Decoder, damaged: Callable, data: st.DataObject
) -> None:
    file = data.draw(damaged(FAMILIES[name]))
    decoder.decode(mend_checksums(file) if name == "PNG" else file)


DRAWING = b"""<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="90"
 height="60mm" viewBox="0 0 90 60"><defs><linearGradient id="g"><stop offset="0" stop-color="red"/></linearGradient>
<filter id="f"><feGaussianBlur stdDeviation="2"/></filter><clipPath id="c"><circle r="20"/></clipPath><pattern id="p" width="5"
 height="5"><rect width="3" height="3"/></pattern><mask id="m"><rect width="50" height="50" fill="white"/></mask></defs>
<style>.a { fill: url(#g); stroke: #00f }</style><g transform="rotate(9) scale(.5)" clip-path="url(#c)"><path class="a" d="M1 2
 l5-3a4 4 0 0 1 9 9z"/></g><use xlink:href="#g"/><rect width="40" height="20" fill="url(#p)" filter="url(#f)" mask="url(#m)"/>
<text x="3" y="20" font-size="9">Text <tspan dy="3">more</tspan></text><image width="9" height="9" xlink:href="data:image/png;base64,
iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="/></svg>"""
PIECES = (
    b"<g>", b"</g>", b"<!--", b"<![CDATA[", b"&#0;", b"&x;", b"<?x?>", b'<!DOCTYPE svg [<!ENTITY x "y">]>', b' width="-1"',
    b' width="1e300"', b' height="NaN"', b' viewBox="0 0 0 0"', b' href="#g"', b' filter="url(#f)"', b"<svg>", b"<use href='#g'/>",
    b"\xff\xfe", b' style="font-size:1e9px"', b'<image href="file:///etc/passwd"/>', b"url(", b"1e38", b"\xc0\x80",
)  # fmt: skip


@pytest.mark.parametrize("packed", [False, True])
@PROFILE
@given(data=st.data())
def test_a_damaged_drawing_is_a_picture_or_an_error(
    packed: bool, decoder: Decoder, damaged: Callable, data: st.DataObject
) -> None:
    file = data.draw(damaged([DRAWING], pieces=PIECES))
    decoder.decode(gzip.compress(file) if packed else file)


@PROFILE
@given(data=st.data())
def test_bytes_with_the_beginning_of_a_file_are_an_error(decoder: Decoder, data: st.DataObject) -> None:
    beginnings = [file[:16] for files in FAMILIES.values() for file in files]
    file = data.draw(st.sampled_from(beginnings)) + data.draw(st.binary(max_size=200))
    assert decoder.decode(file) != "picture"


def test_the_decoder_decodes_what_is_whole(decoder: Decoder, figure: Callable) -> None:
    whole = [file for name, files in FAMILIES.items() if name != "JPEG 2000" for file in files]
    assert {decoder.decode(file) for file in [*whole, DRAWING, gzip.compress(DRAWING)]} == {"picture"}
    figure(f"fuzzed decoder: at most {decoder.most_memory / 1024**2:.0f} MiB of memory")


def test_a_decoder_that_ends_is_noticed(decoder: Decoder, tmp_path: Path) -> None:
    other = Decoder()
    other._process.kill()
    with pytest.raises(AssertionError, match="ended with -9"):
        other.decode(DRAWING)
    assert other.decode(DRAWING) == "picture"
    other.close()
