"""Values as strangers write them, made fit for the catalogue: plain text, one language, JSON that can be stored."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

from stylesearch.catalog.records import tidy

LONGEST_TEXT = 20_000
"""In characters; what is behind is cut off."""
MOST_VALUES = 100
"""Of one field; what comes after is left out."""
_DEEPEST = 6
_LONGEST_KEY = 100
_LARGEST_NUMBER = 2**63

_MARKUP = re.compile(r"<[a-zA-Z/!]|&[#a-zA-Z]")
_BLOCKS = frozenset(
    ["br", "p", "div", "li", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6", "dd", "dt"]
)
_UNSEEN = frozenset(["script", "style", "template", "title", "head"])
_WEB = re.compile(r"https?://[^\s<>\"\\^`{}|]{3,1990}", re.IGNORECASE)


class _Reader(HTMLParser):
    """Collects the text of markup, and where its links lead."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.links: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in _UNSEEN
        if tag in _BLOCKS:
            self.parts.append(" ")
        self.links += [value for name, value in attrs if tag == "a" and name == "href" and value]

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        if tag in _BLOCKS:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data)


def plain(text: object) -> str | None:
    """Return a value as tidy text without markup; ``None`` for an empty one and for what is no text.

    Numbers are written out. Markup is read as a browser would, and only its text is kept.
    """
    return plain_and_links(text)[0]


def plain_and_links(text: object) -> tuple[str | None, list[str]]:
    """Return a value as :func:`plain` does, and where the links in it lead."""
    if isinstance(text, bool) or not isinstance(text, (str, int, float)):
        return None, []
    if not isinstance(text, str):
        return _number(text), []
    text = text[:LONGEST_TEXT]
    if not _MARKUP.search(text):
        return tidy(text), []
    reader = _Reader()
    try:
        reader.feed(text)
        reader.close()
    except (AssertionError, ValueError):  # declarations that the parser will not have
        return tidy(text), []
    return tidy("".join(reader.parts)), reader.links[:MOST_VALUES]


def _number(value: float) -> str | None:
    if isinstance(value, int):
        return str(value) if abs(value) < _LARGEST_NUMBER else None
    if not math.isfinite(value):
        return None
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def listed(value: object) -> list[Any]:
    """Return a value that may be absent, one or several as a list."""
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return list(value[:MOST_VALUES])
    return [value]


def texts(value: object) -> list[str]:
    """Return the tidy texts of a value that may be absent, one or several, each once."""
    return list(dict.fromkeys(text for one in listed(value) if (text := plain(one)) is not None))


def web_address(text: object) -> str | None:
    """Return a text if it is a web address, and nothing else."""
    address = tidy(text) if isinstance(text, str) else None
    return address if address and _WEB.fullmatch(address) else None


def pick_language(values: Mapping[str, Any], languages: Sequence[str]) -> list[Any]:
    """Return the values of a language map in the first language that it has.

    Parameters
    ----------
    values:
        Language tag to values; ``none`` or an empty tag for those without a language.
    languages:
        Tags in the order of preference. ``de`` is also content with ``de-AT``. Of the rest, those without a language
        come first.
    """
    by_tag = {str(tag).lower(): listed(value) for tag, value in values.items()}
    for wanted in (*(tag.lower() for tag in languages), "none", "", "@none"):
        for tag, found in by_tag.items():
            if (tag == wanted or (wanted and tag.startswith(f"{wanted}-"))) and found:
                return found
    return next((found for found in by_tag.values() if found), [])


def storable(value: object, *, depth: int = 0) -> Any:
    """Return a value as JSON that PostgreSQL can store: finite, tidy, neither deep nor long; ``None`` if nothing is left."""
    if isinstance(value, Mapping) and depth < _DEEPEST:
        pairs = (
            (tidy(str(name)[:_LONGEST_KEY]), storable(one, depth=depth + 1)) for name, one in value.items()
        )
        kept = {name: one for name, one in pairs if name and one is not None}
        return dict(itertools.islice(kept.items(), MOST_VALUES)) or None
    if isinstance(value, (list, tuple)) and depth < _DEEPEST:
        items = [storable(one, depth=depth + 1) for one in value[:MOST_VALUES]]
        return [one for one in items if one is not None] or None
    return _scalar(value)


def _scalar(value: object) -> str | int | float | bool | None:
    if isinstance(value, str):
        return tidy(value[:LONGEST_TEXT])
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) < _LARGEST_NUMBER):
        return value
    return value if isinstance(value, float) and math.isfinite(value) else None
