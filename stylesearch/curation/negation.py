"""Where a caption says that a tag is not meant: "not by Monet", "nicht von Monet", "unlike Monet"."""

from __future__ import annotations

import re

WINDOW = 96
"""Bytes before a tag that are looked at."""

_DENYING = (
    "not", "isn t", "isnt", "wasn t", "wasnt", "aren t", "non", "no", "never", "neither", "nor", "without", "unlike",
    "rather than", "instead of", "anything but", "opposed to", "except", "excluding",
    "nicht", "kein", "keine", "keinem", "ohne", "pas", "sans", "jamais", "non", "senza", "sin", "niet", "geen", "zonder",
)  # fmt: skip
_BETWEEN = (
    "a", "an", "any", "the", "by", "of", "in", "after", "from", "like", "to", "as", "style", "work", "works", "painting", "paintings",
    "painted", "made", "drawn", "done", "original", "genuine", "authentic", "really", "actually", "necessarily", "himself", "herself",
    "attributed", "similar", "real", "true", "typical", "be", "is",
    "von", "vom", "ein", "eine", "einem", "im", "stil", "der", "des", "werk", "gemalt", "de", "du", "des", "par", "un", "une", "d",
    "l", "le", "la", "oeuvre", "di", "del", "della", "da", "dal", "opera", "por", "obra", "van", "door", "een",
)  # fmt: skip


def _doubled(words: tuple[str, ...]) -> bytes:
    forms = sorted(set(words), key=lambda word: (-len(word), word))
    return "|".join(form.replace(" ", "  ") for form in forms).encode()


_DENIED = re.compile(b" (?:" + _doubled(_DENYING) + b")(?:  (?:" + _doubled(_BETWEEN) + b")){0,4} $")
_GOES_ON = re.compile(rb"^  ?(?:or|nor|oder|ou|o|of)  ?(?:(?:by|von|par|de|di|por|van)  ?)?$")


def is_denied(before: bytes) -> bool:
    """Return whether what stands before a tag denies it.

    Parameters
    ----------
    before:
        The end of the folded text up to the tag, tokens parted by two spaces, with one space at its end.
    """
    return _DENIED.search(before) is not None


def goes_on(between: bytes) -> bool:
    """Return whether what stands between two tags makes the second share in the first's denial, as "or" does."""
    return _GOES_ON.match(between) is not None
