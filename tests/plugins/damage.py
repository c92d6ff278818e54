"""Files that are damaged in any way."""

from collections.abc import Callable

import pytest
from hypothesis import strategies as st

EXTREMES = (b"\0", b"\xff", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0" * 8, b"\xff" * 8)


@pytest.fixture(scope="session")
def damaged() -> Callable[..., st.SearchStrategy[bytes]]:
    """Makes a strategy of damaged files: ``damaged(files, pieces=...)`` changes some places of one of the files.

    ``pieces`` are what is put in now and then, such as an element of XML.
    """

    def damage(file: bytes, changes: list[tuple[int, int, str, bytes]]) -> bytes:
        data = bytearray(file)
        for place, length, how, piece in changes:
            at = place % (len(data) + 1)
            if how == "overwrite":
                data[at : at + len(piece)] = piece
            elif how == "insert":
                data[at:at] = piece
            elif how == "repeat":
                data[at:at] = data[at : at + length] * 3
            elif how == "leave out":
                del data[at : at + length]
            else:
                del data[at:]
        return bytes(data)

    def damaged(files: list[bytes], *, pieces: tuple[bytes, ...] = ()) -> st.SearchStrategy[bytes]:
        change = st.tuples(
            st.integers(0, 100_000),
            st.integers(1, 300),
            st.sampled_from(["overwrite", "overwrite", "overwrite", "insert", "repeat", "leave out", "cut"]),
            st.sampled_from(EXTREMES + pieces) | st.binary(min_size=1, max_size=8),
        )
        return st.builds(damage, st.sampled_from(files), st.lists(change, min_size=1, max_size=6))

    return damaged
