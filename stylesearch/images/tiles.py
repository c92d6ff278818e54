"""Pictures that can be zoomed into: kept in tiles at every scale, so that any part is read without decoding the rest."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylesearch.errors import ServiceError
from stylesearch.images.decode import decode, read_info
from stylesearch.images.formats import SVG
from stylesearch.images.vips import libvips

TILE = 512
MOST_PIXELS = 60_000_000
"""A larger picture is kept scaled down to so many."""

DRAWING_SIDE = 2048
"""A drawing has no pixels of its own: this many are drawn along its longer side. With twice as many, one of many translucent
layers takes ten times as long, which is ten seconds and more."""

_QUALITY = 90
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of a picture at a size.

    Attributes
    ----------
    left, top, width, height:
        The part, in pixels of the whole as it is kept.
    out_width, out_height:
        The size that it is scaled to.
    """

    left: int
    top: int
    width: int
    height: int
    out_width: int
    out_height: int


@dataclass(frozen=True, slots=True)
class Tiled:
    """A picture in tiles: ``width`` and ``height`` are those that it is kept in."""

    path: Path
    width: int
    height: int

    def cut(self, cut: Cut) -> Any:
        """Return a part as a libvips image of exactly the size asked for."""
        scale = max(cut.out_width / cut.width, cut.out_height / cut.height)
        level = 0
        while 2 ** (level + 1) * scale <= 1 and min(self.width, self.height) >> (level + 1) >= 1:
            level += 1
        vips = libvips()
        levels = int(vips.Image.tiffload(str(self.path)).get("n-pages"))
        level = min(level, levels - 1)
        image = vips.Image.tiffload(str(self.path), page=level)
        across, down = image.width / self.width, image.height / self.height
        left, top = min(int(cut.left * across), image.width - 1), min(int(cut.top * down), image.height - 1)
        width = min(image.width - left, max(1, round(cut.width * across)))
        height = min(image.height - top, max(1, round(cut.height * down)))
        part = image.crop(left, top, width, height)
        if (width, height) == (cut.out_width, cut.out_height):
            return part
        return part.thumbnail_image(cut.out_width, height=cut.out_height, size="force")


class TileCache:
    """Keeps pictures in tiles in a folder; those that nobody has looked at for longest go first.

    Safe for threads and for processes side by side.

    Parameters
    ----------
    most_bytes:
        Of the folder.
    """

    def __init__(self, folder: Path, *, most_bytes: int) -> None:
        self._folder = folder
        self._most = most_bytes
        self._making = threading.Lock()  # one at a time: a picture may take 200 MB of memory meanwhile

    def get(self, digest: str, read: Callable[[], bytes], *, max_bytes: int, max_pixels: int) -> Tiled:
        """Return a picture in tiles, made from its file where it is not kept.

        Parameters
        ----------
        digest:
            SHA-256 of the file, in hex.
        read:
            Gives the file.
        max_bytes, max_pixels:
            As for :func:`~stylesearch.images.decode.decode`.

        Raises
        ------
        ImageError
            If the file cannot be decoded.
        ServiceError
            ``store_not_writable``.
        """
        assert _DIGEST.fullmatch(digest)
        path = self._folder / digest[:2] / f"{digest}.tif"
        found = self._known(path)
        if found is not None:
            return found
        with self._making:
            found = self._known(path)
            if found is None:
                self._make(path, read(), max_bytes=max_bytes, max_pixels=max_pixels)
                self._prune(keep=path)
                found = self._known(path)
        if found is None:
            raise self._not_writable("it went away at once")
        return found

    def _known(self, path: Path) -> Tiled | None:
        try:
            os.utime(path)
        except OSError:
            return None
        vips = libvips()
        try:
            image = vips.Image.tiffload(str(path))
        except vips.Error:  # let go of just now by another process, or cut off by a full disk
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        return Tiled(path, image.width, image.height)

    def _make(self, path: Path, data: bytes, *, max_bytes: int, max_pixels: int) -> None:
        pixels = _decoded(data, max_bytes=max_bytes, max_pixels=max_pixels)
        image = libvips().Image.new_from_array(pixels, interpretation="srgb")
        beside = path.with_name(f".{uuid.uuid4().hex}.tif")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            image.tiffsave(
                str(beside),
                compression="jpeg",
                Q=_QUALITY,
                tile=True,
                tile_width=TILE,
                tile_height=TILE,
                pyramid=True,
                keep="none",
            )
            beside.replace(path)
        except OSError as error:
            raise self._not_writable(error.strerror or str(error)) from None
        except libvips().Error:
            raise self._not_writable("libvips could not write the tiles") from None
        finally:
            with contextlib.suppress(OSError):  # mostly it has been moved into its place
                beside.unlink()

    def _prune(self, *, keep: Path) -> None:
        """Let go of what was not looked at for longest, until the rest fits."""
        kept = []
        for path in self._folder.glob("*/*.tif"):
            with contextlib.suppress(OSError):
                state = path.stat()
                kept.append((state.st_mtime, state.st_size, path))
        total = sum(size for _, size, _ in kept)
        for _, size, path in sorted(kept):
            if total <= self._most:
                return
            if path != keep:
                with contextlib.suppress(OSError):
                    path.unlink()
                total -= size

    def _not_writable(self, why: str) -> ServiceError:
        return ServiceError(
            f"Tiles cannot be kept in {self._folder}: {why}.",
            hint="Make the folder in STYLESEARCH_HOME writable, and see that the disk has room.",
            code="store_not_writable",
        )


def _decoded(data: bytes, *, max_bytes: int, max_pixels: int) -> Any:
    info = read_info(data, max_bytes=max_bytes, max_pixels=max_pixels)
    if info.media_type == SVG.media_type:
        side = DRAWING_SIDE
        return decode(
            data, max_bytes=max_bytes, max_pixels=max_pixels, shortest_side=side, longest_side=side
        ).pixels
    scale = min(1.0, (MOST_PIXELS / (info.width * info.height)) ** 0.5)
    longest = max(1, round(max(info.width, info.height) * scale))
    return decode(
        data, max_bytes=max_bytes, max_pixels=max_pixels, shortest_side=longest, longest_side=longest
    ).pixels
