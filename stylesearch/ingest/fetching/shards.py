"""Members of tar files, named by ``tar:`` locators: ``tar:/path/of/the.tar#OFFSET,SIZE``.

The path is absolute and percent-encoded. OFFSET is where the member's data begins in the file, not its header, and
SIZE is how long they are, both in bytes. So a member is read with one seek, whatever the size of its shard.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

from stylesearch.errors import ImageError
from stylesearch.ingest.fetching.files import too_many_bytes, unreadable

SCHEME = "tar"
_LOCATOR = re.compile(r"tar:([^#]+)#(\d{1,18}),(\d{1,18})")


def shard_locator(path: Path, offset: int, size: int) -> str:
    """Return the locator of a member of a tar file.

    Parameters
    ----------
    path:
        The tar file, uncompressed.
    offset, size:
        Where the member's data begin, and how many there are, in bytes.
    """
    return f"tar:{quote_from_bytes(os.fsencode(path.absolute()))}#{offset},{size}"


def read_member(uri: str, *, max_bytes: int) -> bytes:
    """Return the bytes that a ``tar:`` locator leads to.

    Raises
    ------
    ImageError
        ``file_missing`` or ``file_unreadable`` for the shard, ``shard_changed`` if it ends before the member does,
        ``image_too_many_bytes``, ``locator_invalid``.
    """
    match = _LOCATOR.fullmatch(uri)
    if match is None:
        raise ImageError(f"{uri[:100]!r} names no member of a tar file.", code="locator_invalid")
    path, offset, size = os.fsdecode(unquote_to_bytes(match[1])), int(match[2]), int(match[3])
    if size > max_bytes:
        raise too_many_bytes(max_bytes)
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - not UTF-8, perhaps
            file.seek(offset)
            data = file.read(size)
    except FileNotFoundError:
        raise ImageError("The shard has gone.", code="file_missing") from None
    except (OSError, ValueError) as error:
        raise unreadable(error) from None
    if len(data) != size:
        raise ImageError("The shard ends before this member does.", code="shard_changed")
    return data
