"""Tags, and banks of them in which every spelling leads to one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal, get_args

from stylesearch.curation.common_words import AMBIGUOUS, STOP
from stylesearch.curation.folding import fold
from stylesearch.curation.spellings import distance, spellings

Kind = Literal["artist", "medium", "movement"]
KINDS: tuple[Kind, ...] = get_args(Kind)

LONGEST_TAG = 200
"""In characters."""

HOLDING = ("stop", "short", "ambiguous")
"""Flags that keep a tag from being used until somebody says that it may be."""

SHORTEST = 3
"""In letters; shorter tags are flagged."""

NEAR_SLIPS = 2
NEAR_FROM = 10
"""In letters: tags that are at least so long and differ in a slip or two are told as perhaps one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A tag as a list or a vocabulary gives it.

    Attributes
    ----------
    source:
        Where it stands, for people.
    """

    kind: Kind
    name: str
    aliases: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag with all its spellings.

    Attributes
    ----------
    key:
        Its folded name; with the kind, what it is known by from run to run.
    name:
        As it is shown: as it was first given.
    spellings:
        Folded; the key first.
    flags:
        ``stop``, ``short``, ``ambiguous``: why it is held back; ``shared``: another kind has it too.
    near:
        Keys of tags of its kind that may be the same, spelt otherwise.
    """

    kind: Kind
    key: str
    name: str
    spellings: tuple[str, ...]
    flags: tuple[str, ...] = ()
    near: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What it is called where tags of all kinds stand together, as ``artist: Alfons Mucha``."""
        return f"{self.kind}: {self.name}"

    @property
    def held(self) -> bool:
        """Whether it is not to be used before somebody has looked at it."""
        return any(flag in HOLDING for flag in self.flags)


@dataclass(frozen=True, slots=True)
class Bank:
    """Tags in a fixed order, by kind and key, and what was met while they were put together.

    Attributes
    ----------
    given:
        Entries that there were.
    empty:
        Those in which nothing is a letter or a digit.
    too_long:
        Those of more than :data:`LONGEST_TAG` characters.
    doubled:
        Those that turned out to be another spelling of one before; ``folded`` says which, for the first of them.
    contested:
        Spellings that a later tag of the same kind claims too: they stay with the first.
    """

    tags: tuple[Tag, ...]
    given: int = 0
    empty: int = 0
    too_long: int = 0
    doubled: int = 0
    contested: int = 0
    folded: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class _Gathered:
    kind: Kind
    key: str
    name: str
    spellings: dict[str, None] = field(default_factory=dict)


def build_bank(
    entries: Iterable[Entry],
    *,
    joined: Mapping[tuple[str, str], str] | None = None,
    most_told: int = 200,
) -> Bank:
    """Put entries together: all spellings of one name are one tag.

    Parameters
    ----------
    joined:
        What people said is the same: kind and key of a tag to the key of the one that it is.
    most_told:
        How many of the folded entries are kept to be told.
    """
    joined = joined or {}
    named: dict[tuple[str, str], _Gathered] = {}
    spelt: dict[tuple[str, str], _Gathered] = {}
    given = empty = too_long = doubled = contested = 0
    folded: list[tuple[str, str]] = []
    for entry in entries:
        given += 1
        forms = spellings(entry.name[: LONGEST_TAG + 1], person=entry.kind == "artist")
        if not forms:
            empty += 1
            continue
        if len(entry.name) > LONGEST_TAG:
            too_long += 1
            continue
        key = joined.get((entry.kind, forms[0]), forms[0])
        # By any of its own spellings it may be known already; by its aliases it is not told to be another.
        tag = next((spelt[entry.kind, one] for one in (key, *forms) if (entry.kind, one) in spelt), None)
        if tag is None:
            tag = named[entry.kind, key] = _Gathered(entry.kind, key, entry.name.strip())
        else:
            doubled += 1
            if len(folded) < most_told and entry.name.strip() != tag.name:
                folded.append((entry.name.strip(), tag.name))
        others = [
            one
            for alias in entry.aliases
            if len(alias) <= LONGEST_TAG
            for one in spellings(alias, person=entry.kind == "artist")
        ]
        if forms[0] == tag.key:
            named[tag.kind, tag.key].name = tag.name if fold(tag.name) == tag.key else entry.name.strip()
        for one in (key, *forms, *others):
            owner = spelt.setdefault((entry.kind, one), tag)
            contested += owner is not tag
            if owner is tag:
                tag.spellings.setdefault(one)
    kinds: dict[str, set[Kind]] = defaultdict(set)
    for tag in named.values():
        kinds[tag.key].add(tag.kind)
    near = _near(named.values())
    tags = [
        Tag(
            tag.kind,
            tag.key,
            tag.name,
            (tag.key, *(one for one in tag.spellings if one != tag.key)),
            _flags(tag.kind, tag.key, shared=len(kinds[tag.key]) > 1),
            near.get((tag.kind, tag.key), ()),
        )
        for tag in named.values()
    ]
    ordered = tuple(sorted(tags, key=lambda tag: (KINDS.index(tag.kind), tag.key)))
    return Bank(ordered, given, empty, too_long, doubled, contested, tuple(folded))


def _flags(kind: Kind, key: str, *, shared: bool) -> tuple[str, ...]:
    flags = []
    if key in STOP:
        flags.append("stop")
    elif kind == "artist" and key in AMBIGUOUS:
        flags.append("ambiguous")
    if sum(sign.isalnum() for sign in key) < SHORTEST and key.isascii():
        flags.append("short")
    if shared:
        flags.append("shared")
    return tuple(flags)


def _near(tags: Iterable[_Gathered]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the tags of a kind that may be one: of the same tokens in another order, or a slip or two apart.

    Those that are two slips apart share a text in which two letters of each are left out, or fewer.
    """
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for tag in tags:
        groups[tag.kind, " ".join(sorted(tag.key.split()))].append(tag.key)
        if len(tag.key.replace(" ", "")) >= NEAR_FROM:
            for rest in _shortened(tag.key):
                groups[tag.kind, f"-{rest}"].append(tag.key)
    for (kind, shared), keys in groups.items():
        alike = set(keys)
        if len(alike) > 1:
            for one, other in combinations(sorted(alike), 2):
                if not shared.startswith("-") or distance(one, other, most=NEAR_SLIPS) <= NEAR_SLIPS:
                    found[kind, one].add(other)
                    found[kind, other].add(one)
    return {place: tuple(sorted(keys)) for place, keys in found.items()}


def _shortened(key: str) -> set[str]:
    bare = key.replace(" ", "")
    once = _left_out(bare)
    return {bare, *once, *(twice for one in once for twice in _left_out(one))}


def _left_out(text: str) -> set[str]:
    return {text[:place] + text[place + 1 :] for place in range(len(text))}
