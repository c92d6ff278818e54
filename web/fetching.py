"""Pictures that visitors name by address: fetched with the guard of ingestion, and with less patience."""

from __future__ import annotations

from stylesearch.errors import InputError, ServiceError
from stylesearch.ingest.fetching.fetcher import WEB_SCHEMES, Fetcher
from stylesearch.settings import Settings

DEADLINE_SECONDS = 15.0
LONGEST_URL = 2000


class FetchingError(ServiceError):
    """Another server's trouble, and not ours."""

    code = "fetch_failed"


class PictureFetcher:
    """Fetches pictures for visitors.

    What the settings let ingestion fetch from private networks is of no account here: a visitor's address may lead to
    those networks only that are named for visitors.
    """

    def __init__(self, settings: Settings) -> None:
        self._allowed = settings.web_fetch
        self._most = settings.max_upload_bytes
        self._fetcher = Fetcher(
            settings.model_copy(
                update={
                    "fetch_private": settings.web_fetch_private,
                    "fetch_deadline_seconds": DEADLINE_SECONDS,
                    "fetch_tries": 1,
                }
            )
        )

    def fetch(self, url: str) -> bytes:
        """Return the file that an address leads to.

        Raises
        ------
        InputError
            ``fetch_off`` where the settings allow it to nobody; ``address_invalid``; and as the fetcher does, for what is
            refused.
        FetchingError
            If the other server does not answer as it should.
        """
        if not self._allowed:
            raise InputError(
                "Addresses of images are not taken here.", hint="Upload the image.", code="fetch_off"
            )
        if url.partition(":")[0].lower() not in WEB_SCHEMES or len(url) > LONGEST_URL:
            raise InputError(
                f"{url[:100]!r} is no address of an image.",
                hint="Give one that begins with https:// or http://.",
                code="address_invalid",
            )
        try:
            return self._fetcher.fetch(url, max_bytes=self._most).data
        except ServiceError as error:
            raise FetchingError(error.message, hint=error.hint, code=error.code) from error
