"""The IIIF Image API, version 3, level 2: any part of a picture at any size, for our own pages and for others'."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, abort, json, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.catalog.access import Access
from stylesearch.errors import InputError
from stylesearch.images.tiles import TILE, Tiled
from web.identity import current_access
from web.iiif_request import FORMATS, MOST_PIXELS, QUALITIES, Turn, read_cut, read_turn
from web.pictures import visible_original
from web.rates import limited
from web.services import services

CONTEXT = "http://iiif.io/api/image/3/context.json"
INFO_TYPE = f'application/ld+json;profile="{CONTEXT}"'
SECONDS = 24 * 3600
_QUALITY = {
    "jpg": {"Q": 85, "optimize_coding": True},
    "webp": {"Q": 82, "effort": 1},
    "png": {"compression": 6},
}

iiif = Blueprint("iiif", __name__, url_prefix="/iiif/3/<digest:digest>")


@iiif.get("")
def base(digest: str) -> AnyResponse:
    """Lead from an image to what is told of it."""
    response = redirect(url_for("iiif.info", digest=digest), HTTPStatus.SEE_OTHER)
    _open(response)
    return response


@iiif.get("/info.json")
def info(digest: str) -> Response:
    """Tell how large an image is, and what may be asked of it."""
    tiled = _tiled(digest)
    values = {
        "@context": CONTEXT,
        "id": url_for("iiif.base", digest=digest, _external=True),
        "type": "ImageService3",
        "protocol": "http://iiif.io/api/image",
        "profile": "level2",
        "width": tiled.width,
        "height": tiled.height,
        "maxArea": MOST_PIXELS,
        "tiles": [{"width": TILE, "height": TILE, "scaleFactors": _factors(tiled)}],
        "sizes": [
            {"width": max(1, tiled.width // factor), "height": max(1, tiled.height // factor)}
            for factor in reversed(_factors(tiled))
            if tiled.width * tiled.height // factor**2 <= MOST_PIXELS
        ],
        "extraFormats": ["webp"],
        "extraQualities": ["color", "gray", "bitonal"],
        "extraFeatures": ["mirroring"],
    }
    plain = request.accept_mimetypes.best_match(["application/ld+json", "application/json"])
    kind = "application/json" if plain == "application/json" else INFO_TYPE
    response = Response(json.dumps(values), content_type=kind)
    response.vary.add("Accept")
    response.add_etag()
    return _kept(response)


@iiif.get("/<region>/<size>/<rotation>/<quality>.<kind>")
@limited("tiles")
def part(digest: str, region: str, size: str, rotation: str, quality: str, kind: str) -> Response:
    """Give a part of an image, at a size, turned, in a format."""
    if quality not in QUALITIES or kind not in FORMATS:
        raise InputError(
            f"There is no {quality[:20]}.{kind[:10]} of an image.",
            hint=f"Qualities: {', '.join(QUALITIES)}; formats: {', '.join(FORMATS)}.",
            code="iiif_quality",
        )
    turn = read_turn(rotation)
    tiled = _tiled(digest)
    cut = read_cut(region, size, tiled.width, tiled.height)
    image = _coloured(_turned(tiled.cut(cut), turn), quality)
    data: bytes = image.write_to_buffer(f".{kind}", keep="none", **_QUALITY[kind])
    response = Response(data, mimetype=FORMATS[kind])
    response.headers["Link"] = f'<{CONTEXT.replace("context.json", "level2.json")}>;rel="profile"'
    response.add_etag()
    return _kept(response)


def _tiled(digest: str) -> Tiled:
    original = visible_original(digest)
    if original is None:
        abort(HTTPStatus.NOT_FOUND)
    settings, store = services().settings, services().store
    return services().tiles.get(
        digest,
        lambda: store.read(original.storage_key),
        max_bytes=settings.max_file_bytes,
        max_pixels=settings.max_pixels,
    )


def _factors(tiled: Tiled) -> list[int]:
    """Return the scales that tiles are kept at: 1, 2, 4, until all of it fits one tile."""
    factors = [1]
    while max(tiled.width, tiled.height) / factors[-1] > TILE:
        factors.append(factors[-1] * 2)
    return factors


def _turned(image: Any, turn: Turn) -> Any:
    image = image.fliphor() if turn.mirrored else image
    return image.rot(f"d{turn.degrees}") if turn.degrees else image


def _coloured(image: Any, quality: str) -> Any:
    if quality in ("default", "color"):
        return image
    grey = image.colourspace("b-w")
    return grey if quality == "gray" else (grey > 127).copy(interpretation="b-w")


def _kept(response: Response) -> Response:
    """Let an answer be kept: by everybody where everybody may see it, else by the browser alone."""
    response.cache_control.max_age = SECONDS
    if current_access() is Access.EVERYBODY:
        response.cache_control.public = True
    else:
        response.cache_control.private = True
    response.make_conditional(request)
    _open(response)
    return response


def _open(response: AnyResponse) -> None:
    """Let viewers on other sites show what everybody may see."""
    if current_access() is Access.EVERYBODY:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
