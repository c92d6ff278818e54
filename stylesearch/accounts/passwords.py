"""Passwords: what is taken for one, and Argon2 to keep it."""

from __future__ import annotations

import secrets
import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from stylesearch.errors import InputError

SHORTEST, LONGEST = 12, 1000
"""In characters; the most is there so that nobody has us hash a book."""

_hasher = PasswordHasher()  # Argon2id with the parameters that RFC 9106 gives for small machines
_room = threading.BoundedSemaphore(2)  # each takes 64 MB while it lasts


def check_password(password: str, *, email: str = "") -> None:
    """Refuse what is no password worth the name.

    Raises
    ------
    InputError
        ``password``, saying what is wrong with it.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        what = "short" if len(password) < SHORTEST else "long"
        raise InputError(
            f"This password is too {what}.",
            hint=f"Take {SHORTEST} characters or more; a few words that do not belong together are best.",
            code="password",
        )
    if len(set(password)) < 5 or (email and password.casefold() == email.casefold()):
        raise InputError(
            "This password is easily guessed.",
            hint="Take a few words that do not belong together.",
            code="password",
        )


def hash_password(password: str, *, email: str = "") -> str:
    """Return what is kept of a password.

    Raises
    ------
    InputError
        If it is none worth the name; see :func:`check_password`.
    """
    check_password(password, email=email)
    with _room:
        return _hasher.hash(password)


def is_password(password: str, kept: str | None) -> bool:
    """Whether a password is the one that was kept. Where there is none, it takes as long to say so."""
    if len(password) > LONGEST:
        return False
    try:
        with _room:
            return _hasher.verify(kept or _of_nobody(), password) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Whether what was kept was made with other parameters than now, and is to be made anew."""
    return _hasher.check_needs_rehash(kept)


@cache
def _of_nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe(32))
