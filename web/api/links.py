"""Addresses of things in the API and of their pages and pictures, whole, as others may keep them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import current_app, request, url_for

from web.services import services

Pairs = list[tuple[str, str]]


def address(endpoint: str, pairs: Pairs | None = None, **places: Any) -> str:
    """Return the address of an operation of the API.

    Parameters
    ----------
    endpoint:
        The operation's name.
    pairs:
        Its parameters, in their order.
    places:
        What stands in its path.
    """
    return _with(url_for(f"api.{endpoint}", **places), pairs)


def page(endpoint: str, pairs: Pairs | None = None, **places: Any) -> str:
    """Return the address of a page or a picture of the portal, by Flask's endpoint."""
    return _with(url_for(endpoint, **places), pairs)


def thumbnail(digest: str) -> str:
    """Return the address of an image's small picture."""
    return page("media.thumbnails", digest=digest)


def original(digest: str) -> str:
    """Return the address of an image file."""
    return page("media.originals", digest=digest)


def image_service(digest: str) -> str | None:
    """Return the address of an image's IIIF service, where the portal has one."""
    return page("iiif.base", digest=digest) if "iiif.base" in current_app.view_functions else None


def whole_image(digest: str) -> str:
    """Return the address of an image that every browser shows: from the IIIF service, or else not quite as large."""
    service = image_service(digest)
    return f"{service}/full/max/0/default.jpg" if service else page("media.previews", digest=digest)


def host() -> str:
    """Return the name that this archive is known by."""
    return urlsplit(_base()).hostname or "localhost"


def _base() -> str:
    """Return where the portal is, as the settings say or as it was asked."""
    return (services().settings.web_url or request.host_url).rstrip("/")


def _with(path: str, pairs: Pairs | None) -> str:
    return f"{_base()}{path}" + (f"?{urlencode(pairs)}" if pairs else "")
