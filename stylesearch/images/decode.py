"""From a file's bytes to pixels: checked first, then upright, in sRGB, on white, at the size asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylesearch.errors import ImageError
from stylesearch.images import formats
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
# Given as a loader's option: libvips accepts the thumbnailer's own fail_on and ignores it for a file in memory.
_FAIL_ON = "[fail_on=error]"
# HEIF holds pictures of several codings; a telephone's is HEVC, which needs a decoder that few builds carry.
_NO_CODEC = ("Unsupported feature", "not been built in")


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What a file's header says.

    Attributes
    ----------
    width, height:
        Size in pixels, upright; for SVG the size it is drawn at by default.
    media_type:
        IANA media type, told from the content.
    """

    width: int
    height: int
    media_type: str


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
    """A file that passed every check on its header. ``width`` and ``height`` may be fractions for a drawing."""

    format: formats.Format
    data: bytes
    width: float
    height: float

    @property
    def info(self) -> ImageInfo:
        return ImageInfo(max(1, round(self.width)), max(1, round(self.height)), self.format.media_type)


def read_info(data: bytes, *, max_bytes: int, max_pixels: int) -> ImageInfo:
    """Read the size and type of an image without decoding any of its pixels.

    Parameters
    ----------
    data:
        The file.
    max_bytes:
        Largest file taken, in bytes; also the largest size that a gzipped SVG may unpack to.
    max_pixels:
        Most pixels, width times height. A drawing has none of its own, so for SVG this bounds the images
        embedded in it, together.

    Returns
    -------
    ImageInfo
        Size and media type.

    Raises
    ------
    ImageError
        ``image_empty``, ``image_too_many_bytes``, ``image_too_many_pixels``, ``image_unreadable`` (not an image),
        ``image_truncated`` (cut off or damaged), ``image_unsupported`` (a format that is not taken), and those of
        `stylesearch.images.svg.guard_svg`.
    """
    return _check(data, max_bytes=max_bytes, max_pixels=max_pixels).info


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
    if checked.format is formats.SVG:
        return Picture(checked.info, _render(checked, scale))
    return Picture(checked.info, _load(checked, min(1.0, scale)))


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
        width, height = _raster_size(data, found)
        _check_pixels(width * height, max_pixels, f"The image has {width} x {height} pixels")
        return _Checked(found, data, width, height)
    safe = guard_svg(data, max_bytes=max_bytes)
    embedded = 0
    for raster in safe.rasters:
        width, height = _raster_size(raster, _format(raster))
        embedded += width * height
        _check_pixels(embedded, max_pixels, f"The images embedded in the drawing have {embedded} pixels")
    return _Checked(found, safe.xml, *_drawing_size(safe.xml))


def _check_pixels(pixels: int, max_pixels: int, finding: str) -> None:
    if pixels > max_pixels:
        raise ImageError(
            f"{finding}; at most {max_pixels} are taken.",
            hint="Scale it down or raise STYLESEARCH_MAX_PIXELS.",
            code="image_too_many_pixels",
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
    return ImageError(
        f"The {found.name} file is cut off or damaged: {text}.",
        hint="Copy it from its source again.",
        code="image_truncated",
    )


def _raster_size(data: bytes, found: formats.Format) -> tuple[int, int]:
    """Return the upright width and height; libvips reads the header only and decodes on demand."""
    vips = libvips()
    try:
        upright = vips.Image.new_from_buffer(data, "", access="sequential").autorot()
    except vips.Error as error:
        raise _damaged(found, error) from None
    return upright.width, upright.height


def _load(checked: _Checked, scale: float) -> Pixels:
    vips = libvips()
    try:
        image = vips.Image.thumbnail_buffer(
            checked.data,
            max(1, round(checked.width * scale)),
            height=max(1, round(checked.height * scale)),
            size="force",  # the exact size, which already has the image's proportions
            output_profile="srgb",
            option_string=_FAIL_ON,
        )
        return _pixels(image)
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
