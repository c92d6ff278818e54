"""Secrets that are handed out once, and of which only a hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

SECRET_BYTES = 32
SHOWN = 10
"""So many characters of a key are kept to tell it by."""


@dataclass(frozen=True, slots=True)
class Key:
    """A new secret.

    Attributes
    ----------
    text:
        To be handed out.
    sha256:
        To be kept: it is random enough that nothing slower is needed.
    """

    text: str
    sha256: bytes

    @property
    def beginning(self) -> str:
        """What may be shown of it."""
        return self.text[:SHOWN]


def new_key(prefix: str = "") -> Key:
    """Return a new secret, with a beginning that says what it is."""
    text = prefix + secrets.token_urlsafe(SECRET_BYTES)
    return Key(text, key_digest(text))


def key_digest(text: str) -> bytes:
    """Return the digest under which a secret is looked up."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
