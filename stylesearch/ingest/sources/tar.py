"""Tar files read for what lies where: hostile headers refused, cut ends noticed."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

BLOCK = 512
LARGEST_HEADER = 1024**2
"""In bytes, of what a header may bring with it: a long name, or its extended fields."""
_BRINGING = frozenset(
    [
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
    ]
)


class BrokenTarError(ValueError):
    """A tar file that cannot be read on; says why in one line."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a tar.

    Attributes
    ----------
    name:
        With slashes.
    header:
        Where its header begins in the tar, in bytes.
    offset, size:
        Where its data begin, and how many there are, in bytes.
    """

    name: str
    header: int
    offset: int
    size: int

    def read(self, file: BinaryIO, *, at_most: int) -> bytes:
        """Return the member's data, or their beginning.

        Raises
        ------
        BrokenTarError
            If the tar ends before the data do.
        """
        length = min(self.size, at_most)
        file.seek(self.offset)
        data = file.read(length)
        if len(data) != length:
            raise BrokenTarError("it ends within a member")
        return data


class _Header(tarfile.TarInfo):
    """A header that is not believed when it claims to bring gigabytes with it."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.size < 0 or (header.type in _BRINGING and header.size > LARGEST_HEADER):
            raise tarfile.ReadError(f"a header claims {header.size:,} bytes")
        return header


def members(path: Path, file: BinaryIO, *, begin: int = 0) -> Iterator[Member]:
    """Yield the regular files of an uncompressed tar.

    Parameters
    ----------
    path:
        Of the tar.
    file:
        The same, open for reading in blocks; its position is this function's while the iterator is used for the next
        member, and the caller's between.
    begin:
        Where a member's header begins, to start from.

    Raises
    ------
    BrokenTarError
        If a header is damaged, or the tar has no end as it should.
    """
    file.seek(begin)
    try:
        with tarfile.open(path, "r:", fileobj=file, tarinfo=_Header, errors="backslashreplace") as tar:
            while (member := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined]  # else all of them would be remembered
                if member.isreg() and not member.issparse():
                    yield Member(member.name, member.offset, member.offset_data, member.size)
            end = tar.offset
    except (tarfile.TarError, OSError, ValueError, OverflowError, RecursionError) as error:
        raise BrokenTarError(next(iter(str(error).splitlines()), type(error).__name__)[:200]) from None
    file.seek(end)
    if file.read(BLOCK) != bytes(BLOCK):
        raise BrokenTarError(f"it is damaged or cut off at byte {end:,}")
