"""Finds the tags of a bank in captions: whole tokens, all tags at once, the longest where one lies within another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from stylesearch.curation.folding import LONGEST_CAPTION, fold, has_markup, without_markup
from stylesearch.curation.negation import WINDOW, goes_on, is_denied
from stylesearch.curation.spellings import slips
from stylesearch.curation.tags import Tag

FIELD_SIGN = "\x1f"
"""Parts a caption's fields, so that no tag reaches from a title into a description."""

_WALL = "|"
# As fold() does with ASCII, for many captions at once: lines stay lines, and fields stay apart.
_PLAIN = bytes(
    byte + 32 if 65 <= byte <= 90
    else byte if 97 <= byte <= 122 or 48 <= byte <= 57 or byte == 10
    else ord(_WALL) if byte == ord(FIELD_SIGN)
    else 32
    for byte in range(256)
)  # fmt: skip


@dataclass(slots=True)
class Found:
    """What was found in some captions.

    Attributes
    ----------
    tags:
        For each caption the numbers of its tags, ascending.
    denied:
        By tag: captions that say that it is not meant, and nowhere that it is.
    slipped:
        By tag: captions in which it was found by a slip only.
    capital:
        By tag, of artists of one token: captions in which it is written with a capital.
    empty, cut, marked:
        Captions without a token, longer than is looked at, and with markup.
    """

    tags: list[tuple[int, ...]] = field(default_factory=list)
    denied: Counter[int] = field(default_factory=Counter)
    slipped: Counter[int] = field(default_factory=Counter)
    capital: Counter[int] = field(default_factory=Counter)
    empty: int = 0
    cut: int = 0
    marked: int = 0


class Matcher:
    """An automaton over all spellings of a bank's tags.

    Parameters
    ----------
    tags:
        In the order of their numbers.
    with_slips:
        Whether a long tag is found too where a letter of it is left out, doubled, or changed round with the next.
    """

    def __init__(self, tags: Sequence[Tag], *, with_slips: bool = True) -> None:
        import ahocorasick_rs as aho

        owners: dict[str, list[int]] = {}
        for number, tag in enumerate(tags):
            for spelling in tag.spellings:
                owners.setdefault(spelling, []).append(number)
        slipped = _slipped(owners) if with_slips else {}
        patterns = [*owners, *slipped]
        self._owners = [*owners.values(), *slipped.values()]
        self._first_slip = len(owners)
        self._capitals = {
            number: (tag.key.capitalize(), tag.key.upper())
            for number, tag in enumerate(tags)
            if tag.kind == "artist" and " " not in tag.key
        }
        self.patterns = len(patterns)
        # Tokens are parted by two spaces, so that of two neighbouring tags each has a space of its own.
        self._automaton = aho.BytesAhoCorasick(
            [_spaced(pattern) for pattern in patterns], matchkind=aho.MatchKind.LeftmostLongest
        )

    def find(self, captions: Sequence[str]) -> Found:
        """Return the tags of some captions.

        Parameters
        ----------
        captions:
            Fields parted by :data:`FIELD_SIGN`. Markup is taken out, and of a caption of more than
            :data:`~stylesearch.curation.folding.LONGEST_CAPTION` characters the beginning is looked at.
        """
        found = Found()
        plain = [self._plain(caption, found) for caption in captions]
        lines = _folded(plain)
        text = b"\n".join([b" %b " % b"  ".join(tokens) for tokens in lines])
        found.empty = sum(not tokens or set(tokens) == {_WALL.encode()} for tokens in lines)
        affirmed: list[dict[int, bool]] = [{} for _ in captions]
        denied: list[set[int]] = [set() for _ in captions]
        matches = self._automaton.find_matches_as_indexes(text)
        ends = np.cumsum([2 + sum(map(len, tokens)) + 2 * max(0, len(tokens) - 1) + 1 for tokens in lines])
        places = np.searchsorted(ends, [start for _, start, _ in matches], side="right").tolist()
        last_end, last_denied, last_place = 0, False, -1
        for (pattern, start, end), place in zip(matches, places, strict=True):
            if last_denied and last_place == place and goes_on(text[last_end:start]):
                is_not = True
            else:
                is_not = is_denied(text[max(0, start - WINDOW) : start].rpartition(b"\n")[2])
            for number in self._owners[pattern]:
                if is_not:
                    denied[place].add(number)
                else:
                    exact = pattern < self._first_slip
                    affirmed[place][number] = affirmed[place].get(number, False) or exact
            last_end, last_denied, last_place = end, is_not, place
        for place, (tags, not_meant) in enumerate(zip(affirmed, denied, strict=True)):
            self._count(found, plain[place], tags, not_meant)
        return found

    def _plain(self, caption: str, found: Found) -> str:
        if len(caption) > LONGEST_CAPTION:
            found.cut += 1
            caption = caption[:LONGEST_CAPTION]
        if ("<" in caption or "&" in caption) and has_markup(caption):
            found.marked += 1
            caption = without_markup(caption)
        return caption.replace("\n", " ").replace(FIELD_SIGN, f" {FIELD_SIGN} ")

    def _count(self, found: Found, caption: str, tags: dict[int, bool], not_meant: set[int]) -> None:
        found.tags.append(tuple(sorted(tags)))
        found.denied.update(not_meant - tags.keys())
        for number, exact in tags.items():
            if not exact:
                found.slipped[number] += 1
            forms = self._capitals.get(number)
            if forms and (forms[0] in caption or forms[1] in caption):
                found.capital[number] += 1


def _slipped(owners: dict[str, list[int]]) -> dict[str, list[int]]:
    """Return the slips of all spellings, but for those that are a spelling, or the slip of another tag too."""
    found: dict[str, list[int]] = {}
    for spelling, numbers in owners.items():
        for slip in slips(spelling):
            if slip not in owners and found.setdefault(slip, numbers) != numbers:
                found[slip] = []
    return {slip: numbers for slip, numbers in found.items() if numbers}


def _spaced(folded: str) -> bytes:
    return f" {folded.replace(' ', '  ')} ".encode()


def _folded(captions: Sequence[str]) -> list[list[bytes]]:
    """Return each caption's folded tokens, with a wall between its fields."""
    together = "\n".join(captions)
    if together.isascii():
        return [line.split() for line in together.encode("ascii").translate(_PLAIN).split(b"\n")]
    return [_tokens(caption) for caption in captions]


def _tokens(caption: str) -> list[bytes]:
    if caption.isascii():
        return caption.encode("ascii").translate(_PLAIN).split()
    return f" {_WALL} ".join(map(fold, caption.split(FIELD_SIGN))).encode().split()
