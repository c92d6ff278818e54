"""Pictures: thumbnails, larger previews, originals, and visitors' own. Only of works that may be seen."""

from __future__ import annotations

import io

from flask import Blueprint, Response, abort, request, send_file
from werkzeug.routing import BaseConverter

from stylesearch.encoders.decoding import decode_part
from stylesearch.images.decode import Pixels, decode, read_info
from stylesearch.images.formats import is_gzip
from stylesearch.images.thumbnails import avif, thumbnail
from stylesearch.search.examples import Region
from web.pictures import Original, visible_original
from web.recent import Recent
from web.security import UNTRUSTED_POLICY
from web.services import services

# Long enough that grids come from the browser's own store, short enough that a withdrawal reaches every store.
PICTURE_SECONDS = 7 * 24 * 3600
ORIGINAL_SECONDS = 24 * 3600
QUERY_SECONDS = 24 * 3600

SMALL_SIZE = 200
PREVIEW_SIZES = (600, 1200, 2000)
PREVIEW_SIZE = 1200
PREVIEWS_REMEMBERED = 64
QUERY_SIZES = (400, 1200)
SVG = "image/svg+xml"
EXTENSIONS = {
    "image/svg+xml": ".svg",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/tiff": ".tif",
    "image/avif": ".avif",
    "image/heif": ".heic",
    "image/jp2": ".jp2",
    "image/jxl": ".jxl",
}

media = Blueprint("media", __name__, url_prefix="/media")
_previews: Recent[str, bytes] = Recent(PREVIEWS_REMEMBERED)


class DigestConverter(BaseConverter):
    """A SHA-256 in a URL: 64 small hex digits, nothing else."""

    regex = "[0-9a-f]{64}"


@media.get("/thumbnails/<digest:digest>.webp")
def thumbnails(digest: str) -> Response:
    """Serve the small picture of an image."""
    _seen(digest)
    store = services().store
    return _picture(store.read(store.thumbnail_key(bytes.fromhex(digest))), PICTURE_SECONDS)


@media.get("/thumbnails/<digest:digest>/small.webp")
def small(digest: str) -> Response:
    """Serve an even smaller one, for plain screens."""
    _seen(digest)
    store = services().store
    data = store.read(store.thumbnail_key(bytes.fromhex(digest)))
    return _picture(thumbnail(_pixels(data, SMALL_SIZE), size=SMALL_SIZE), PICTURE_SECONDS)


@media.get("/previews/<digest:digest>.webp", defaults={"size": PREVIEW_SIZE, "kind": "webp"})
@media.get("/previews/<digest:digest>/<int:size>.<any(webp,avif):kind>")
def previews(digest: str, size: int, kind: str) -> Response:
    """Serve a picture that fills a work's page, drawn from the original."""
    if size not in PREVIEW_SIZES:
        abort(404)
    original = _seen(digest)
    key = f"{digest}-{size}.{kind}"
    data = _previews.get(key)
    if data is None:
        pixels = _pixels(services().store.read(original.storage_key), size)
        data = avif(pixels) if kind == "avif" else thumbnail(pixels, size=size)
        _previews.put(key, data)
    return _picture(data, PICTURE_SECONDS, f"image/{kind}")


@media.get("/originals/<digest:digest>")
def originals(digest: str) -> Response:
    """Serve an image file as it was taken in; it is untrusted, and so is locked in."""
    original = _seen(digest)
    if digest in request.if_none_match:
        response = Response(status=304)
        response.set_etag(digest)
    else:
        data = services().store.read(original.storage_key)
        response = send_file(
            io.BytesIO(data),
            mimetype=original.media_type,
            download_name=digest[:16] + EXTENSIONS.get(original.media_type, ""),
            conditional=True,
            etag=digest,
        )
        if original.media_type == SVG and is_gzip(data):
            response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Security-Policy"] = UNTRUSTED_POLICY
    response.cache_control.max_age = ORIGINAL_SECONDS
    response.cache_control.public = True
    return response


@media.get("/queries/<digest:digest>.webp", defaults={"size": QUERY_SIZES[0]})
@media.get("/queries/<digest:digest>/<int:size>.webp")
def queries(digest: str, size: int) -> Response:
    """Serve the picture of a visitor's image, or of a part of it."""
    if size not in QUERY_SIZES:
        abort(404)
    part = request.args.get("region")
    response = _picture(
        _cut(services().examples.data(digest), size, None if part is None else Region.parse(part)),
        QUERY_SECONDS,
    )
    response.cache_control.public = False  # whoever sees the works, the image is the visitor's own
    response.cache_control.private = True
    return response


def _seen(digest: str) -> Original:
    """Return where an image is kept, if a work that may be seen has it; else answer 404."""
    found = visible_original(digest)
    if found is None:
        abort(404)
    return found


def _cut(data: bytes, size: int, region: Region | None) -> bytes:
    """Draw an image file, or a part of it, as WebP within a square of ``size`` pixels."""
    if region is None:
        return thumbnail(_pixels(data, size), size=size)
    settings = services().settings
    box = (region.left, region.top, region.width, region.height)
    limits = {"max_bytes": settings.max_file_bytes, "max_pixels": settings.max_pixels}
    info = read_info(data, **limits)
    region.check_inside(info.width, info.height)
    pixels = decode_part(data, box, shortest_side=size, **limits)
    return thumbnail(pixels, size=size)


def _pixels(data: bytes, size: int) -> Pixels:
    settings = services().settings
    return decode(
        data,
        max_bytes=settings.max_file_bytes,
        max_pixels=settings.max_pixels,
        shortest_side=size,
        longest_side=size,
    ).pixels


def _picture(data: bytes, seconds: int, media_type: str = "image/webp") -> Response:
    response = Response(data, mimetype=media_type)
    response.cache_control.max_age = seconds
    response.add_etag()
    response.cache_control.public = True  # unless the one who asks has signed in, says the guard
    response.make_conditional(request)
    return response
