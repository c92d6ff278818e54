"""Addresses of the IIIF Image API, from version 1 to 3: an image no larger than we need it, and not larger than it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stylesearch.ingest.metadata.iiif import CanvasImage, identifier, objects, pixels
from stylesearch.ingest.metadata.values import listed, web_address

Info = Callable[[str], Mapping[str, Any] | None]
"""From the address of a service's description to it; ``None`` where it cannot be had."""
_LEVEL = re.compile(r"(?:level[-_]?|#level)([012])", re.IGNORECASE)
_VERSION = re.compile(
    r"imageservice([123])|api/image/([123])|image-api/(1)|(stanford\.edu/iiif/image-api)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ImageService:
    """What a IIIF image service can do.

    Attributes
    ----------
    url:
        Without a slash at its end.
    version:
        Of the Image API: 1, 2 or 3.
    level:
        Of compliance, 0 to 2; ``None`` where nothing says it.
    width, height:
        Of the whole image, in pixels.
    sizes:
        Width and height of the sizes that are there for the asking.
    longest:
        Longest side that the server gives.
    """

    url: str
    version: int = 2
    level: int | None = None
    width: int | None = None
    height: int | None = None
    sizes: tuple[tuple[int, int], ...] = ()
    longest: int | None = None

    def scaled(self, side: int) -> str | None:
        """Return the address of the image with no side longer than ``side`` pixels, as near to it as can be had.

        ``None`` if too little is known of the service.
        """
        if self.level is None:
            return None
        size = self._listed_size(side) if self.level == 0 else self._free_size(side)
        return None if size is None else self._address(size)

    def whole(self) -> str:
        """Return the address of the image in its full size."""
        return self._address("max" if self.version >= 3 else "full")

    def _address(self, size: str) -> str:
        quality = "native" if self.version == 1 else "default"
        return f"{self.url}/full/{size}/0/{quality}.jpg"

    def _free_size(self, side: int) -> str | None:
        full = "max" if self.version >= 3 else "full"
        if self.width and self.height and max(self.width, self.height) <= side and not self.longest:
            return full  # enlarging is refused from version 3 on, and useless before
        if self.level == 2:
            return f"!{side},{side}"
        if not (self.width and self.height):
            return None
        side = min(side, self.longest or side, max(self.width, self.height))
        return f"{side}," if self.width >= self.height else f",{side}"

    def _listed_size(self, side: int) -> str:
        """Return the smallest listed size that is large enough, or else the largest there is."""
        full = "max" if self.version >= 3 else "full"
        enough = [size for size in self.sizes if max(size) >= side]
        if enough:
            width, height = min(enough)
        elif not self.sizes or self.width is None or self.width > max(self.sizes)[0]:
            return full
        else:
            width, height = max(self.sizes)
        return f"{width},{height}" if self.version >= 3 else f"{width},"


def image_address(image: CanvasImage, *, side: int, info: Info) -> str | None:
    """Return where to fetch an image with no side much longer than ``side`` pixels; ``None`` if it has no address.

    A service's own description is only asked for where the manifest does not say enough: its level, and of a service
    that cannot fit an image into a square, the image's size.
    """
    service = read_service(image.service, width=image.width, height=image.height) if image.service else None
    if service is None:
        return image.url
    address = service.scaled(side) if service.level else None
    if address is None:
        said = info(f"{service.url}/info.json")
        better = (
            read_service({**said, "id": service.url}, version=service.version) if said is not None else None
        )
        if better is None:
            return image.url or service.whole()
        address = better.scaled(side) or better.whole()
    return address


def read_service(
    said: Mapping[str, Any], *, width: int | None = None, height: int | None = None, version: int = 2
) -> ImageService | None:
    """Read a service's description, in a manifest or of its own; ``None`` if it has no address.

    Parameters
    ----------
    width, height:
        Of the image, where the description does not say.
    version:
        Of the Image API, where the description does not say.
    """
    address = web_address(identifier(said))
    if address is None:
        return None
    kinds = json.dumps(
        [said.get(name) for name in ("type", "@type", "profile", "@context", "protocol")], default=str
    )
    stated = _VERSION.search(kinds)
    if stated:
        version = int(stated[1] or stated[2] or 1)
    levels = [
        int(level)
        for one in listed(said.get("profile"))
        if isinstance(one, str)
        for level in _LEVEL.findall(one)
    ]
    limits = [said, *objects(said.get("profile"))]
    longest = [
        number
        for one in limits
        for name in ("maxWidth", "maxHeight")
        if (number := pixels(one.get(name))) is not None
    ]
    return ImageService(
        address.removesuffix("/info.json").rstrip("/"),
        version,
        levels[0] if levels else None,
        pixels(said.get("width")) or width,
        pixels(said.get("height")) or height,
        tuple(
            (size_width, size_height)
            for one in objects(said.get("sizes"))
            if (size_width := pixels(one.get("width"))) and (size_height := pixels(one.get("height")))
        ),
        min(longest, default=None),
    )
