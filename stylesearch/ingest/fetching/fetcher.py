"""From a locator to bytes, whatever its scheme."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from stylesearch.errors import ImageError
from stylesearch.ingest.fetching import files, shards
from stylesearch.ingest.fetching.reservations import Reservation
from stylesearch.ingest.fetching.web import WebClient, web_client
from stylesearch.settings import Settings

WEB_SCHEMES = ("http", "https")
# What a server of pictures may call one. Many say nothing better than "bytes", and a drawing is XML.
IMAGE_TYPES = (
    "image/",
    "application/octet-stream",
    "binary/octet-stream",
    "application/xml",
    "text/xml",
    "application/svg+xml",
    "application/gzip",
    "application/x-gzip",
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a locator led to.

    Attributes
    ----------
    data:
        The file; empty where it is not modified.
    media_type:
        What the server called it; ``None`` where nobody said. What it is, its content tells.
    version:
        What makes fetching it again conditional; ``None`` where there is nothing of the kind.
    reservations:
        What was reserved on the way.
    not_modified:
        Whether it is as it was at the version that was named.
    """

    data: bytes
    media_type: str | None = None
    version: str | None = None
    reservations: tuple[Reservation, ...] = ()
    not_modified: bool = False


class Fetcher:
    """Fetches files; one a process, for any number of threads.

    Parameters
    ----------
    settings:
        Limits, and how servers are asked.
    web:
        A client to use instead of one made from the settings when it is first needed.
    """

    def __init__(self, settings: Settings, web: WebClient | None = None) -> None:
        self._settings = settings
        self._web = web
        self._guard = threading.Lock()

    def fetch(self, locator: str, *, version: str | None = None, max_bytes: int | None = None) -> Fetched:
        """Fetch what a locator leads to.

        Parameters
        ----------
        version:
            An earlier result's; what the web has not changed since is not sent again.
        max_bytes:
            Most bytes, if fewer than the settings allow.

        Raises
        ------
        ImageError
            As `files.read_file`, `shards.read_member` and `WebClient.get` do; ``locator_invalid`` for a scheme that
            is not known.
        ServiceError
            ``fetch_timeout``, ``fetch_failed`` or ``fetch_busy``: a server that may answer later.
        """
        scheme = locator.partition(":")[0].lower()
        most = self._settings.max_file_bytes
        max_bytes = most if max_bytes is None else min(max_bytes, most)
        if scheme == files.SCHEME:
            return Fetched(files.read_file(locator, max_bytes=max_bytes))
        if scheme == shards.SCHEME:
            return Fetched(shards.read_member(locator, max_bytes=max_bytes))
        if scheme in WEB_SCHEMES:
            answer = self._client().get(
                locator,
                max_bytes=max_bytes,
                accept="image/*,*/*;q=0.5",
                media_types=IMAGE_TYPES,
                version=version,
            )
            return Fetched(
                answer.data, answer.media_type, answer.version, answer.reservations, answer.not_modified
            )
        raise ImageError(f"{locator[:100]!r} leads nowhere that can be fetched from.", code="locator_invalid")

    def close(self) -> None:
        """Close the connections to servers; the next fetch opens others."""
        with self._guard:
            if self._web is not None:
                self._web.close()

    def _client(self) -> WebClient:
        with self._guard:
            if self._web is None:
                self._web = web_client(self._settings)
            return self._web


def is_remote(locator: str) -> bool:
    """Whether a locator leads to the web, so that fetching is mostly waiting."""
    return locator.partition(":")[0].lower() in WEB_SCHEMES
