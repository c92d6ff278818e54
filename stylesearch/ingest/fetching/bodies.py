"""Reading an answer's body, no further than a limit, however it is packed."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Iterator

from stylesearch.errors import ImageError

_PLAIN = ("", "identity")
_PACKED = ("gzip", "x-gzip", "deflate")
_STEP = 64 * 1024


def read_body(chunks: Iterable[bytes], *, coding: str, max_bytes: int) -> bytes:
    """Return a body, unpacked.

    Parameters
    ----------
    chunks:
        As they come.
    coding:
        The answer's ``Content-Encoding``.
    max_bytes:
        Most bytes the body may have, as it comes and unpacked.

    Raises
    ------
    ImageError
        ``fetch_too_large``; ``fetch_type`` if it is packed in a way that was not asked for, or wrongly.
    """
    coding = coding.strip().lower()
    if coding in _PACKED:
        chunks = _unpacked(chunks, max_bytes)
    elif coding not in _PLAIN:
        raise ImageError(
            f"The answer is packed as {coding[:40]!r}, which was not asked for.", code="fetch_type"
        )
    body = io.BytesIO()  # hands over what it holds without a copy
    for chunk in chunks:
        body.write(chunk)
        if body.tell() > max_bytes:
            raise too_large(max_bytes)
    return body.getvalue()


def _unpacked(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip or zlib, whichever it turns out to be
    read = 0
    try:
        for chunk in chunks:
            read += len(chunk)
            if read > max_bytes:
                raise too_large(max_bytes)
            rest = chunk
            while rest:
                yield unpacker.decompress(rest, _STEP)
                rest = unpacker.unconsumed_tail
    except zlib.error as error:
        raise ImageError(f"The answer is packed wrongly: {error}.", code="fetch_type") from None
    if not unpacker.eof:
        raise ImageError("The answer is packed, and cut off.", code="fetch_type")


def too_large(max_bytes: int) -> ImageError:
    """Return the error that a body is over the limit."""
    return ImageError(
        f"The answer has more than {max_bytes:,} bytes.",
        hint="Ask for a smaller image, or raise STYLESEARCH_MAX_FILE_BYTES.",
        code="fetch_too_large",
    )
