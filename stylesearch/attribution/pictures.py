"""The pictures of a report: thumbnails from the store, and overlays of copies."""

from __future__ import annotations

from typing import Any

from stylesearch.attribution.overlay import overlay
from stylesearch.errors import NotFoundError
from stylesearch.images.store import ImageStore


class ReportPictures:
    """The pictures of one report, as far as the store still has them."""

    def __init__(self, report: dict[str, Any], store: ImageStore) -> None:
        self._examined: str = report["query"]["sha256"]
        self._store = store

    def thumbnail(self, sha256: str) -> bytes | None:
        """Return the WebP thumbnail of a picture; ``None`` where it is no longer kept."""
        try:
            return self._store.read(self._store.thumbnail_key(bytes.fromhex(sha256)))
        except NotFoundError:
            return None

    def overlay(self, sha256: str) -> bytes | None:
        """Return a picture of the archive laid over the one examined, as WebP; ``None`` where either is gone."""
        examined, copy = self.thumbnail(self._examined), self.thumbnail(sha256)
        return overlay(examined, copy) if examined is not None and copy is not None else None
