"""What a source of works is: pages of what it offers, each with the place to go on from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from stylesearch.catalog.records import WorkRecord, tidy
from stylesearch.errors import ImageError

LONGEST_ID = 900
"""Characters of an id that a source from the net may have whole; what the ledger's index can hold."""


@dataclass(frozen=True, slots=True)
class Found:
    """One image of one work, as a source offers it.

    Attributes
    ----------
    source_id:
        Stable, unique in the source, readable Unicode.
    locator:
        A URI that leads to the bytes: ``file:``, ``tar:`` for a member of a shard, ``http:`` or ``https:``.
    sha256:
        Of the bytes, where discovery has read them; ``None`` for what is still to be fetched.
    record:
        What the source says beside the file.
    version:
        What tells, without the bytes, that they are those of last time: an ETag, a datestamp, a size and a time.
        ``None`` if nothing does.
    error:
        Why it cannot be taken; it then goes into quarantine at once.
    """

    source_id: str
    locator: str
    sha256: bytes | None
    record: WorkRecord
    version: str | None = None
    error: ImageError | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What is entered into the ledger in one transaction.

    Attributes
    ----------
    found:
        Any number, none among them.
    cursor:
        Where to go on after this page; ``None`` when it was the last.
    total:
        How many there will be in all, as far as is known.
    """

    found: tuple[Found, ...]
    cursor: str | None
    total: int | None = None


class Source(Protocol):
    """Offers works; can be gone on with from a cursor."""

    @property
    def uri(self) -> str:
        """What names the source in the ledger; without secrets."""

    @property
    def kind(self) -> str:
        """Which kind of source it is: ``folder``, ``table``, ``shards``, ``iiif`` or ``oai``."""

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """Yield pages from the beginning, or from where a page's cursor says.

        Raises
        ------
        InputError
            If the source is not there, or not what it should be.
        ServiceError
            If it cannot be reached, after some tries.
        """


def bounded_id(source_id: str) -> str:
    """Return an id that the ledger's index can hold: a long one is cut, and goes on with its digest."""
    source_id = tidy(source_id) or "?"
    if len(source_id) <= LONGEST_ID:
        return source_id
    return f"{source_id[:LONGEST_ID]}~{hashlib.sha256(source_id.encode()).hexdigest()[:16]}"
