"""Pictures: thumbnails, larger previews, originals, and visitors' own. Only of works that may be seen."""

from __future__ import annotations

import io
from dataclasses import dataclass

from flask import Blueprint, Response, abort, request, send_file
from sqlalchemy import select
from werkzeug.routing import BaseConverter

from stylesearch.catalog.access import visible
from stylesearch.catalog.works import Image, Work
from stylesearch.images.decode import decode
from stylesearch.images.formats import is_gzip
from stylesearch.images.thumbnails import thumbnail
from web.identity import current_access
from web.recent import Recent
from web.security import UNTRUSTED_POLICY
from web.services import services

# Long enough that grids come from the browser's own store, short enough that a withdrawal reaches every store.
PICTURE_SECONDS = 7 * 24 * 3600
ORIGINAL_SECONDS = 24 * 3600
QUERY_SECONDS = 24 * 3600

PREVIEW_SIZE = 1200
PREVIEWS_REMEMBERED = 64
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


@dataclass(frozen=True, slots=True)
class _Original:
    storage_key: str
    media_type: str


@media.get("/thumbnails/<digest:digest>.webp")
def thumbnails(digest: str) -> Response:
    """Serve the small picture of an image."""
    _visible_original(digest)
    store = services().store
    return _webp(store.read(store.thumbnail_key(bytes.fromhex(digest))), PICTURE_SECONDS)


@media.get("/previews/<digest:digest>.webp")
def previews(digest: str) -> Response:
    """Serve a picture that fills a work's page, drawn from the original."""
    original = _visible_original(digest)
    data = _previews.get(digest)
    if data is None:
        data = _rendition(services().store.read(original.storage_key), PREVIEW_SIZE)
        _previews.put(digest, data)
    return _webp(data, PICTURE_SECONDS)


@media.get("/originals/<digest:digest>")
def originals(digest: str) -> Response:
    """Serve an image file as it was taken in; it is untrusted, and so is locked in."""
    original = _visible_original(digest)
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
    response.cache_control.public = True
    response.cache_control.max_age = ORIGINAL_SECONDS
    return response


@media.get("/queries/<digest:digest>.webp")
def queries(digest: str) -> Response:
    """Serve the small picture of a visitor's image."""
    response = _webp(_rendition(services().examples.data(digest), 400), QUERY_SECONDS)
    response.cache_control.public = False
    response.cache_control.private = True
    return response


def _visible_original(digest: str) -> _Original:
    """Return where an image is kept, if a work that may be seen has it; else answer 404."""
    with services().database.session() as session:
        row = session.execute(
            select(Image.storage_key, Image.media_type)
            .join(Work, Work.id == Image.work_id)
            .where(Image.sha256 == bytes.fromhex(digest), visible(current_access()))
            .limit(1)
        ).one_or_none()
    if row is None:
        abort(404)
    return _Original(*row)


def _rendition(data: bytes, size: int) -> bytes:
    """Draw an image file as WebP within a square of ``size`` pixels."""
    settings = services().settings
    picture = decode(
        data,
        max_bytes=settings.max_file_bytes,
        max_pixels=settings.max_pixels,
        shortest_side=size,
        longest_side=size,
    )
    return thumbnail(picture.pixels, size=size)


def _webp(data: bytes, seconds: int) -> Response:
    response = Response(data, mimetype="image/webp")
    response.cache_control.public = True
    response.cache_control.max_age = seconds
    response.add_etag()
    response.make_conditional(request)
    return response
