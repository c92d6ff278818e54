"""Whose content credentials are trusted: certificates that the archive chose."""

from __future__ import annotations

from stylesearch.errors import InputError
from stylesearch.settings import Settings

_BEGIN = "-----BEGIN CERTIFICATE-----"
_MOST_BYTES = 4 * 1024**2


def read_anchors(settings: Settings) -> str | None:
    """Return the certificates that the settings name, in PEM; ``None`` where they name none.

    Raises
    ------
    InputError
        ``trust_anchors``, if the file cannot be read or holds no certificate.
    """
    path = settings.trust_anchors
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES).decode("ascii")
    except (OSError, UnicodeDecodeError):
        text = ""
    if _BEGIN not in text:
        raise InputError(
            f"{path} holds no certificates.",
            hint="Name a PEM file in STYLESEARCH_TRUST_ANCHORS, or leave it out.",
            code="trust_anchors",
        )
    return text
