"""One digest for many things: a Merkle tree as RFC 6962 has it."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

LEAF, NODE = b"\x00", b"\x01"
"""What stands before a thing and before two digests, so that neither can be taken for the other."""


def leaf(data: bytes) -> bytes:
    """Return the digest of one thing."""
    return sha256(LEAF + data).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the digest of all leaves, which are sorted first, so that it does not matter in what order they come.

    Parameters
    ----------
    leaves:
        From :func:`leaf`, 32 bytes each.
    """
    level = sorted(leaves)
    if not level:
        return sha256(b"").digest()
    while len(level) > 1:
        pairs = [
            sha256(NODE + level[place] + level[place + 1]).digest() for place in range(0, len(level) - 1, 2)
        ]
        level = pairs + level[2 * len(pairs) :]
    return level[0]
