"""Visitors' images: described once, kept in the store for a while, and named by their digest."""

from __future__ import annotations

import time

from stylesearch.errors import NotFoundError
from stylesearch.images.store import ImageStore
from stylesearch.search.describing import Described
from stylesearch.search.service import StyleSearch
from web.recent import Recent

REMEMBERED = 256
PRUNE_EVERY_SECONDS = 3600.0
DAY_SECONDS = 86_400.0


class Examples:
    """The images that visitors search with.

    A description is remembered in the process, so that turning a page or setting a filter does not describe again.
    """

    def __init__(self, style_search: StyleSearch, store: ImageStore) -> None:
        self._style_search = style_search
        self._store = store
        self._pruned = float("-inf")
        self._described: Recent[tuple[str, str], Described] = Recent(REMEMBERED)

    def take(self, data: bytes) -> str:
        """Describe and keep an image; return its SHA-256 in hex.

        Raises
        ------
        ImageError
            If it cannot be taken; then nothing is kept.
        """
        example = self._style_search.describe(data)
        self._prune()
        digest = self._store.put_query(data)
        self._described.put(self._key(digest), example)
        return digest

    def find(self, digest: str) -> Described:
        """Return the description of an image that was taken.

        Raises
        ------
        NotFoundError
            ``query_expired`` if it is not kept any more.
        """
        known = self._described.get(self._key(digest))
        if known is not None:
            return known
        example = self._style_search.describe(self.data(digest))
        self._described.put(self._key(digest), example)
        return example

    def data(self, digest: str) -> bytes:
        """Return the file of an image that was taken. Errors as `find`."""
        try:
            return self._store.read(self._store.query_key(digest))
        except NotFoundError:
            raise NotFoundError(
                "The image of this search is not kept any more.",
                hint="Uploaded images are kept for a while only. Upload it again.",
                code="query_expired",
            ) from None

    def _prune(self) -> None:
        """Once an hour, as new ones come in, let go of what has been kept long enough."""
        if time.monotonic() - self._pruned >= PRUNE_EVERY_SECONDS:
            self._pruned = time.monotonic()
            self._store.prune_queries(self._style_search.settings.query_keep_days * DAY_SECONDS)

    def _key(self, digest: str) -> tuple[str, str]:
        return digest, self._style_search.encoder.spec.digest
