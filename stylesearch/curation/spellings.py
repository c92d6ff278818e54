"""How else a tag may be spelt: by rule, and by a slip of one letter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stylesearch.curation.folding import fold

SHORTEST_SLIPPED = 9
"""In letters: a slip in a shorter tag is too often another word."""

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ø": "oe", "å": "aa", "Ø": "Oe", "Å": "Aa"})  # fmt: skip
_JOINTS = re.compile(r"['’ʼ`´\-‐‑–]")
_INITIALS = re.compile(r"^(?:[a-z] ){2,}")
_INVERTED = re.compile(r"^([^,]+),\s*([^,]+)$")
_BRITISH = (
    ("colour", "color"), ("grey", "gray"), ("mould", "mold"), ("aluminium", "aluminum"), ("jewellery", "jewelry"),
    ("catalogue", "catalog"), ("theatre", "theater"), ("isation", "ization"), ("aesthet", "esthet"), ("mediaeval", "medieval"),
    ("fibre", "fiber"), ("lustre", "luster"),
)  # fmt: skip


def spellings(name: str, *, person: bool = False) -> list[str]:
    """Return the folded spellings of a name, the plain one first.

    Accents may go or be written out (``Durer``, ``Duerer``), joints may part or join (``art-nouveau``, ``artnouveau`` of
    what was written with a hyphen), initials may stand together (``JMW Turner``), British spelling may be American, and a
    person's name may be turned round (``Turner, J. M. W.``).

    Parameters
    ----------
    name:
        As it is given.
    person:
        Whether it is a person's, so that what stands after a comma comes first.
    """
    found: dict[str, None] = {}
    turned = _INVERTED.match(name.strip()) if person else None
    written = [f"{turned[2]} {turned[1]}", name] if turned else [name]
    for form in written:
        for one in (
            form,
            form.translate(_UMLAUTS),
            _JOINTS.sub("", form),
            _JOINTS.sub("", form.translate(_UMLAUTS)),
        ):
            folded = fold(one)
            if folded:
                found.setdefault(folded)
    for folded in list(found):
        found |= dict.fromkeys(_regional(folded))
        initials = _INITIALS.match(folded)
        if initials and person:
            found.setdefault(initials[0].replace(" ", "") + " " + folded[initials.end() :])
    return [one.strip() for one in found]


def _regional(folded: str) -> Iterator[str]:
    for pair in _BRITISH:
        for here, there in (pair, pair[::-1]):
            if here in folded and not (here in there and there in folded):
                yield folded.replace(here, there)


def slips(folded: str) -> list[str]:
    """Return what a folded tag becomes by one slip of the pen: a letter left out, doubled, or two changed round.

    The first letter of each token stays, and so do digits. Short tags have none.
    """
    if sum(sign.isalpha() for sign in folded) < SHORTEST_SLIPPED:
        return []
    found: dict[str, None] = {}
    for place in range(1, len(folded)):
        sign, before = folded[place], folded[place - 1]
        if not sign.isalpha() or not before.isalnum():
            continue
        found.setdefault(folded[:place] + folded[place + 1 :])
        found.setdefault(folded[:place] + sign + folded[place:])
        if place + 1 < len(folded) and folded[place + 1].isalpha():
            found.setdefault(folded[:place] + folded[place + 1] + sign + folded[place + 2 :])
    found.pop(folded, None)
    return list(found)


def distance(one: str, other: str, *, most: int) -> int:
    """Return in how many slips two texts differ, changes of neighbours counting as one; ``most + 1`` for more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before, last = list(range(len(other) + 1)), list[int]()
    for row, sign in enumerate(one, start=1):
        now = [row]
        for column, theirs in enumerate(other, start=1):
            cost = min(before[column] + 1, now[column - 1] + 1, before[column - 1] + (sign != theirs))
            if row > 1 and column > 1 and sign == other[column - 2] and one[row - 2] == theirs:
                cost = min(cost, last[column - 2] + 1)
            now.append(cost)
        if min(now) > most:
            return most + 1
        last, before = before, now
    return before[-1]
