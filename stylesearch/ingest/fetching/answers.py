"""What servers answer, and what their headers say."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Sequence
from dataclasses import dataclass

from stylesearch.errors import ImageError, ServiceError
from stylesearch.ingest.fetching.reservations import Reservation

LONGEST_VERSION = 500
Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """What a server gave.

    Attributes
    ----------
    url:
        Where it came from in the end.
    data:
        The body, unpacked; empty where it is not modified.
    media_type, charset:
        In small letters; ``None`` where the server did not say.
    version:
        What makes the next request conditional; ``None`` where the server gave nothing for that.
    not_modified:
        Whether it is as it was at the version that was named.
    reservations:
        From the headers and the site's ``tdmrep.json``.
    """

    url: str
    data: bytes
    media_type: str | None = None
    charset: str | None = None
    version: str | None = None
    not_modified: bool = False
    reservations: tuple[Reservation, ...] = ()

    @property
    def text(self) -> str:
        """The body as text; bytes that are none are replaced."""
        try:
            return self.data.decode(self.charset or "utf-8-sig", "replace")
        except LookupError:  # a coding that nobody knows
            return self.data.decode("utf-8-sig", "replace")


class TroubleError(ServiceError):
    """Trouble with a server that may pass: ``fetch_timeout``, ``fetch_failed`` or ``fetch_busy``.

    ``retry_after`` is how many seconds the server asked us to wait, if it did.
    """

    def __init__(self, message: str, *, code: str, retry_after: float | None = None) -> None:
        super().__init__(message, hint="Try again later.", code=code)
        self.retry_after = retry_after


def conditions(version: str | None) -> Headers:
    """Return the headers that ask for a body only if it is another than at a version."""
    kind, _, value = (version or "").partition(":")
    if kind == "etag":
        return [("if-none-match", value)]
    if kind == "modified":
        return [("if-modified-since", value)]
    return []


def version(values: dict[str, str]) -> str | None:
    """Return the version that an answer's headers tell: its ETag, or else when it was last modified."""
    for kind, name in (("etag", "etag"), ("modified", "last-modified")):
        value = values.get(name, "").strip()
        if value and value.isascii() and len(value) <= LONGEST_VERSION:
            return f"{kind}:{value}"
    return None


def content_type(value: str) -> tuple[str | None, str | None]:
    """Return the media type and the charset of a ``Content-Type``, in small letters."""
    kind, *parameters = value.split(";")
    charset = next(
        (
            text.partition("=")[2].strip(" \"'").lower()
            for text in parameters
            if text.strip().lower().startswith("charset=")
        ),
        None,
    )
    return kind.strip().lower()[:100] or None, charset or None


def check_type(media_type: str | None, allowed: Sequence[str]) -> None:
    """Raise ``fetch_type`` if a media type begins like none of those that are allowed."""
    if media_type is not None and allowed and not media_type.startswith(tuple(allowed)):
        raise ImageError(
            f"The answer is {media_type}, and not what was asked for ({', '.join(allowed)}).",
            code="fetch_type",
        )


def retry_after(value: str | None) -> float | None:
    """Return how many seconds a server asks us to wait: a number, or a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
        return max(0.0, moment.timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
