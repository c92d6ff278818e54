"""From a file's bytes to pixels: checked first, then upright, in sRGB, on white, at the size asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylesearch.errors import ImageError
from stylesearch.images import formats, memory
from stylesearch.images.svg import guard_svg
from stylesearch.images.vips import has_loader, libvips, reason

Pixels = NDArray[np.uint8]
"""One decoded image: ``[height, width, 3]``, sRGB, upright, alpha flattened on white."""

# An inch is 96 pixels in CSS. libvips takes 72 for the unit and enlarges all by the rest, which is undone here.
_DOTS_PER_INCH = 96
_PIXEL_SCALE = 72 / _DOTS_PER_INCH
# librsvg gives whole pixels only, so a drawing is measured enlarged, unless it then is too large to be measured.
_MEASURING_SCALES = (100, 1)
_NARROWEST_DRAWN = 16
_LONGEST_DRAWN = 32_000
# Given as a loader's option: libvips accepts the thumbnailer's own fail_on and ignores it for what is in memory.
_FAIL_ON = "[fail_on=error]"
# A JPEG is decoded at a half, a quarter or an eighth where it then is still larger than needed by this much. libvips
# wants more, and so decodes scans of two megapixels in full, which takes half as long again and shows nowhere.
_JPEG_SHRINKS, _JPEG_MARGIN = (8, 4, 2), 1.5
# HEIF holds pictures of several codings; a telephone's is HEVC, which needs a decoder that few builds carry.
_NO_CODEC = ("Unsupported feature", "not been built in")
# libvips reads a TIFF piece by piece, and takes no piece of more than 50 MB.
_LARGE_PIECES = ("No space for data buffer", "tile size out of range")
# libvips does not know a sequence of AVIF pictures by its brand, but reads its first picture under the usual one.
_SEQUENCE, _STILL = b"ftypavis", b"ftypavif"
_ANIMATED_PNG, _PNG_BODY = b"acTL", b"IDAT"
_HALVED_WITHIN = 2


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What a file's header says.

    Attributes
    ----------
    width, height:
        Size in pixels, upright; for SVG the size it is drawn at by default.
    media_type:
        IANA media type, told from the content.
    first_of_several:
        Whether it is the first of several frames or pages, of which the others are not looked at.
    """

    width: int
    height: int
    media_type: str
    first_of_several: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded image.

    Attributes
    ----------
    info:
        What the header says, so the size before scaling.
    pixels:
        ``[height, width, 3]``.
    """

    info: ImageInfo
    pixels: Pixels


@dataclass(frozen=True, slots=True)
class _Checked:
    """A file that passed every check on its header.

    Attributes
    ----------
    width, height:
        In pixels, upright; perhaps fractions for a drawing.
    memory:
        About how many bytes decoding takes at most; 0 for what is read by the row.
    """

    format: formats.Format
    data: bytes
    width: float
    height: float
    memory: int
    plain: bool = True
    """Whether its colours are sRGB as they are, since nothing says otherwise."""
    first_of_several: bool = False

    @property
    def info(self) -> ImageInfo:
        size = max(1, round(self.width)), max(1, round(self.height))
        return ImageInfo(*size, self.format.media_type, self.first_of_several)


def read_info(data: bytes, *, max_bytes: int, max_pixels: int) -> ImageInfo:
    """Read the size and type of an image without decoding any of its pixels.

    Parameters
    ----------
    data:
        The file.
    max_bytes:
        Largest file taken, in bytes; also the largest size that a gzipped SVG may unpack to.
    max_pixels:
        Most pixels, width times height. What cannot be decoded by the row may have fewer: no picture is to take
        more memory than this many pixels of three bytes. A drawing has none of its own, so for SVG this bounds the
        images embedded in it, together, and the memory that it takes.

    Returns
    -------
    ImageInfo
        Size and media type.

    Raises
    ------
    ImageError
        ``image_empty``, ``image_too_many_bytes``, ``image_too_many_pixels``, ``image_too_much_memory``,
        ``image_unreadable`` (not an image), ``image_truncated`` (cut off or damaged), ``image_unsupported`` (a format
        that is not taken), and those of `stylesearch.images.svg.guard_svg`.
    """
    return _check(data, max_bytes=max_bytes, max_pixels=max_pixels).info


def weigh(data: bytes, *, max_bytes: int, max_pixels: int) -> int:
    """Return how many pixels of three bytes an image counts for in a budget of memory; what it has, at least.

    Arguments and errors as for `read_info`.
    """
    checked = _check(data, max_bytes=max_bytes, max_pixels=max_pixels)
    return max(checked.info.width * checked.info.height, checked.memory // memory.BYTES_A_PIXEL)


def decode(
    data: bytes, *, max_bytes: int, max_pixels: int, shortest_side: int = 320, longest_side: int = 2048
) -> Picture:
    """Decode an image at the size it is needed.

    The result is upright (EXIF orientation applied), in sRGB (through the embedded ICC profile where there is one),
    and has its transparent parts on white. Of several frames or pages, the first is taken.

    Parameters
    ----------
    data:
        The file.
    max_bytes, max_pixels:
        As for `read_info`; checked before any pixel is decoded.
    shortest_side:
        Length in pixels that the shorter side is scaled to. Pixel images are never enlarged; drawings are rendered
        at this size.
    longest_side:
        Most pixels the longer side may then have; where it would have more, this decides.

    Returns
    -------
    Picture
        The header's facts and the pixels.

    Raises
    ------
    ImageError
        As `read_info` does; ``image_truncated`` also for a body that is cut off or damaged, ``svg_unreadable`` also
        for a drawing that cannot be rendered.
    """
    checked = _check(data, max_bytes=max_bytes, max_pixels=max_pixels)
    scale = min(
        shortest_side / min(checked.width, checked.height), longest_side / max(checked.width, checked.height)
    )
    try:
        pixels = _render(checked, scale) if checked.format is formats.SVG else _load(checked, min(1.0, scale))
    finally:
        memory.give_back(checked.memory)
    return Picture(checked.info, pixels)


def _check(data: bytes, *, max_bytes: int, max_pixels: int) -> _Checked:
    if not data:
        raise ImageError(
            "The image file is empty.", hint="Copy it from its source again.", code="image_empty"
        )
    if len(data) > max_bytes:
        raise ImageError(
            f"The image file has {len(data)} bytes; at most {max_bytes} are taken.",
            hint="Save it smaller or raise the limit.",
            code="image_too_many_bytes",
        )
    found = _format(data)
    if found is not formats.SVG:
        moving = data[4:12] == _SEQUENCE
        data = data.replace(_SEQUENCE, _STILL, 1) if moving else data
        image = _open(data, found)
        _check_pixels(
            image.width * image.height, max_pixels, f"The image has {image.width} x {image.height} pixels"
        )
        needed = memory.raster_bytes(image, found)
        _check_memory(needed, max_pixels, found)
        several = moving or _is_first_of_several(data, found, image)
        return _Checked(found, data, image.width, image.height, needed, _is_plain(image), several)
    return _check_drawing(data, max_bytes=max_bytes, max_pixels=max_pixels)


def _is_first_of_several(data: bytes, found: formats.Format, image: Any) -> bool:
    """Return whether other frames or pages follow; the levels of a pyramid are one picture."""
    if found is formats.PNG:
        return _ANIMATED_PNG in data[: data.find(_PNG_BODY)]
    if not image.get_typeof("n-pages") or image.get("n-pages") < 2:
        return False
    try:
        second = _open(data, found, "[page=1]")
    except ImageError:  # what follows is damaged, and is not looked at
        return True
    longest, next_longest = (int(max(one.width, one.height)) for one in (image, second))
    return abs(2 * next_longest - longest) > _HALVED_WITHIN


def _check_drawing(data: bytes, *, max_bytes: int, max_pixels: int) -> _Checked:
    largest = memory.most_bytes(max_pixels) // memory.DRAWING_BYTES_A_BYTE
    _check_memory(memory.DRAWING_BYTES_A_BYTE * len(data), max_pixels, formats.SVG)
    safe = guard_svg(data, max_bytes=min(max_bytes, largest))
    embedded = most = 0
    for raster in safe.rasters:
        inner = _open(raster, _format(raster))
        embedded += inner.width * inner.height
        most = max(most, inner.width * inner.height)
        _check_pixels(embedded, max_pixels, f"The images embedded in the drawing have {embedded} pixels")
    needed = memory.drawing_bytes(safe, embedded=most)
    _check_memory(needed, max_pixels, formats.SVG)
    return _Checked(formats.SVG, safe.xml, *_drawing_size(safe.xml), needed)


def _check_pixels(pixels: int, max_pixels: int, finding: str) -> None:
    if pixels > max_pixels:
        raise ImageError(
            f"{finding}; at most {max_pixels} are taken.",
            hint="Scale it down or raise STYLESEARCH_MAX_PIXELS.",
            code="image_too_many_pixels",
        )


def _check_memory(needed: int, max_pixels: int, found: formats.Format) -> None:
    most = memory.most_bytes(max_pixels)
    if needed > most:
        drawn = found is formats.SVG
        way = "Simplify it" if drawn else "Save it as a baseline JPEG, a plain PNG or a tiled TIFF,"
        raise ImageError(
            f"This {found.name} file would take about {needed // 10**6} MB of memory; at most {most // 10**6} are taken.",
            hint=f"{way} or raise STYLESEARCH_MAX_PIXELS.",
            code="image_too_much_memory",
        )


def _format(data: bytes) -> formats.Format:
    found = formats.sniff(data)
    if found is None:
        refused = formats.sniff_refused(data)
        if refused is None:
            raise ImageError(
                "The file is not an image.",
                hint="Give a JPEG, PNG, WebP, GIF, TIFF, AVIF or SVG file.",
                code="image_unreadable",
            )
        raise _unsupported(refused)
    if not has_loader(found.loader):
        raise _unsupported(found.name)
    return found


def _unsupported(name: str) -> ImageError:
    return ImageError(
        f"{name} files are not taken.",
        hint="Convert it to JPEG, PNG, WebP, TIFF or AVIF.",
        code="image_unsupported",
    )


def _damaged(found: formats.Format, error: Exception) -> ImageError:
    text = reason(error)
    if found.loader == "heifload" and any(sign in text for sign in _NO_CODEC):
        return _unsupported(f"{found.name} (this coding of it)")
    if found.loader == "tiffload" and any(sign in text for sign in _LARGE_PIECES):
        return _unsupported("TIFF (in pieces this large)")
    return ImageError(
        f"The {found.name} file is cut off or damaged: {text}.",
        hint="Copy it from its source again.",
        code="image_truncated",
    )


def _open(data: bytes, found: formats.Format, options: str = "") -> Any:
    """Return an image, upright, with its header read; libvips decodes on demand."""
    vips = libvips()
    try:
        return vips.Image.new_from_source(_source(data), options, access="sequential").autorot()
    except vips.Error as error:
        raise _damaged(found, error) from None


def _source(data: bytes) -> Any:
    """Return bytes for libvips to read where they are; what is given it as a buffer, it copies."""
    return libvips().Source.new_from_memory(data)


def _is_plain(image: Any) -> bool:
    srgb = image.format == "uchar" and image.interpretation in ("srgb", "b-w")
    return srgb and not image.get_typeof("icc-profile-data")


def _load(checked: _Checked, scale: float) -> Pixels:
    vips = libvips()
    width, height = max(1, round(checked.width * scale)), max(1, round(checked.height * scale))
    # The exact size, which already has the image's proportions. Converting from sRGB to sRGB takes longer than decoding.
    wanted = {"height": height, "size": "force", **({} if checked.plain else {"output_profile": "srgb"})}
    source = _source(checked.data)
    shrink = next((one for one in _JPEG_SHRINKS if one * _JPEG_MARGIN * scale <= 1), 1)
    try:
        if checked.format is formats.JPEG and shrink > 1:
            loaded = vips.Image.jpegload_source(source, shrink=shrink, access="sequential", fail_on="error")
            return _pixels(loaded.thumbnail_image(width, **wanted))
        return _pixels(vips.Image.thumbnail_source(source, width, option_string=_FAIL_ON, **wanted))
    except vips.Error as error:
        raise _damaged(checked.format, error) from None


def _unrendered(error: Exception) -> ImageError:
    return ImageError(
        f"The SVG drawing cannot be rendered: {reason(error)}.",
        hint="Open it in a drawing program and save it again.",
        code="svg_unreadable",
    )


def _drawing(xml: bytes, scale: float) -> Any:
    return libvips().Image.svgload_buffer(xml, scale=scale * _PIXEL_SCALE, dpi=_DOTS_PER_INCH)


def _drawing_size(xml: bytes) -> tuple[float, float]:
    """Return the size a drawing has of its own, in fractions of a pixel."""
    vips = libvips()
    for scale in _MEASURING_SCALES:
        try:
            image = _drawing(xml, scale)
        except vips.Error as error:
            failure = _unrendered(error)
        else:
            return image.width / scale, image.height / scale
    raise failure


def _render(checked: _Checked, scale: float) -> Pixels:
    width, height = max(1, round(checked.width * scale)), max(1, round(checked.height * scale))
    shorter, longer = sorted((checked.width, checked.height))
    # A long and narrow drawing is drawn larger and then shrunk: librsvg fits it into whole pixels, and in a height
    # of one or two pixels the rounding would leave a margin on both sides.
    drawn_scale = max(scale, min(_NARROWEST_DRAWN / shorter, _LONGEST_DRAWN / longer))
    vips = libvips()
    try:
        image = _drawing(checked.data, drawn_scale)
        if (image.width, image.height) != (width, height):
            image = image.thumbnail_image(width, height=height, size="force")
        return _pixels(image)
    except vips.Error as error:
        raise _unrendered(error) from None


def _pixels(image: Any) -> Pixels:
    """Run the pipeline: three 8-bit sRGB bands on white."""
    image = image.colourspace("srgb")
    if image.hasalpha():
        image = image.flatten(background=255)
    pixels: Pixels = np.ascontiguousarray(image.cast("uchar").numpy())
    return pixels
