"""Text without what differs for no reason: case, accents, punctuation, markup; tokens parted by spaces."""

from __future__ import annotations

import html
import re
import unicodedata

LONGEST_CAPTION = 10_000
"""In characters; what a longer caption says further on is not looked at."""

_MARKUP = re.compile(r"<[^<>]{0,2000}>")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.IGNORECASE)
# Letters that Unicode does not take apart into a plain one and a mark.
_SPECIAL = str.maketrans(
    {
        "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ı": "i", "ŋ": "n", "ħ": "h",
        "ŧ": "t", "ĸ": "k", "ƒ": "f",
    }
)  # fmt: skip
# Scripts that are written without spaces: each sign is a token of its own, so that a name is found within a sentence.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
)
_NO_LETTER = re.compile(r"[^\w]|_")
_PLAIN = bytes(
    byte + 32 if 65 <= byte <= 90 else byte if 97 <= byte <= 122 or 48 <= byte <= 57 else 32
    for byte in range(256)
)


def fold(text: str) -> str:
    """Return a text's tokens, parted by one space each.

    Case, accents and the width of letters go; whatever is neither letter nor digit parts tokens. ``Dürer``, ``DURER`` and
    ``durer`` are one, ``Toulouse-Lautrec`` is two tokens, and so is ``O'Keeffe``.
    """
    if text.isascii():
        return b" ".join(text.encode("ascii").translate(_PLAIN).split()).decode("ascii")
    apart = unicodedata.normalize("NFKD", text).casefold().translate(_SPECIAL)
    bare = "".join(
        sign
        for sign in unicodedata.normalize("NFKD", apart)
        if not unicodedata.combining(sign) and unicodedata.category(sign) != "Cf"
    )
    return " ".join(_NO_LETTER.sub(" ", _UNSPACED.sub(r" \1 ", unicodedata.normalize("NFC", bare))).split())


def has_markup(text: str) -> bool:
    """Whether a text holds tags or entities of HTML."""
    return ("<" in text and _MARKUP.search(text) is not None) or (
        "&" in text and _ENTITY.search(text) is not None
    )


def without_markup(text: str) -> str:
    """Return a text without the tags of HTML, and with what its entities stand for.

    What comes out is only ever searched in or escaped again, so nothing has to be safe about it.
    """
    return _MARKUP.sub(" ", html.unescape(_MARKUP.sub(" ", text)))
