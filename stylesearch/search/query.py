"""What a person asks for, in one object: examples, filters, how to score, how many, and from where on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from stylesearch.errors import InputError
from stylesearch.search import filters
from stylesearch.search.cursor import Cursor, bad_cursor
from stylesearch.search.examples import LARGEST_ID, Example, example_from_json
from stylesearch.search.filters import EVERYTHING, Filter
from stylesearch.search.readout import USUAL, Readout

Mode = Literal["auto", "exact", "hnsw", "binary"]
Group = Literal["work", "image"]
MODES: tuple[Mode, ...] = get_args(Mode)
MOST_RESULTS = 1000
MOST_EXAMPLES = 20
MOST_EXCLUDED = 10_000
LONGEST_SLUG = 200


@dataclass(frozen=True, slots=True)
class StyleQuery:
    """A question to the gallery. Equal queries are equal objects, and have equal JSON.

    Attributes
    ----------
    examples:
        What is searched with; at least one of them for, when it is asked.
    where:
        Which works may be found.
    readout:
        How they are scored.
    k:
        How many, 1 to 1000.
    after:
        Where the page before ended, for the next one.
    group:
        ``work`` finds a work once, by the best of its images; ``image`` finds every image.
    per_artist:
        At most so many works by one artist; those of nobody known are not held back.
    encoder:
        Slug of the encoder whose gallery is searched; by default the one that serves.
    mode:
        ``exact`` looks at every matching descriptor; ``hnsw`` and ``binary`` use an index; ``auto`` chooses.
    exclude_images:
        Image ids to leave out.
    """

    examples: tuple[Example, ...] = ()
    where: Filter = EVERYTHING
    readout: Readout = USUAL
    k: int = 24
    after: Cursor | None = None
    group: Group = "work"
    per_artist: int | None = None
    encoder: str | None = None
    mode: Mode = "auto"
    exclude_images: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if not _is_whole(self.k, 1, MOST_RESULTS):
            raise InputError(
                f"{str(self.k)[:20]} is no number of results.",
                hint=f"Ask for 1 to {MOST_RESULTS}.",
                code="bad_k",
            )
        if self.per_artist is not None and not _is_whole(self.per_artist, 1, MOST_RESULTS):
            raise InputError(
                f"{str(self.per_artist)[:20]} is no number of works an artist.",
                hint=f"Ask for 1 to {MOST_RESULTS}.",
                code="bad_per_artist",
            )
        _one_of(self.mode, MODES, "search mode", "bad_mode")
        _one_of(self.group, get_args(Group), "way to group results", "bad_group")
        if len(self.examples) > MOST_EXAMPLES or len(self.exclude_images) > MOST_EXCLUDED:
            raise InputError(
                f"A search takes at most {MOST_EXAMPLES} examples, and leaves out at most {MOST_EXCLUDED:,} images.",
                hint="Give fewer.",
                code="query_too_large",
            )
        # Which example comes first makes no difference to what is found.
        ordered = tuple(self.examples)
        if len(ordered) > 1:
            ordered = tuple(sorted(set(ordered), key=lambda one: json.dumps(one.to_json(), sort_keys=True)))
        object.__setattr__(self, "examples", ordered)
        object.__setattr__(self, "where", filters.simplest(self.where))
        if self.after is not None and self.after.query != self.digest:
            raise bad_cursor()

    @property
    def digest(self) -> str:
        """Names the query whatever its page and the length of it."""
        values = {name: value for name, value in self.to_json().items() if name not in ("k", "after")}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]

    def with_(self, **changes: Any) -> StyleQuery:
        """Return the query with something else in it; a page of the query before is none of the new one."""
        return replace(self, **{"after": None, **changes})

    def page_after(self, score: float, image_id: int) -> StyleQuery:
        """Return the query for what comes behind a result."""
        return replace(self, after=Cursor(score, image_id, self.digest))

    def to_json(self) -> dict[str, Any]:
        """Return what is not as usual, as JSON values."""
        values: dict[str, Any] = {
            "examples": [one.to_json() for one in self.examples],
            "where": self.where.to_json(),
            "readout": self.readout.to_json(),
            "k": self.k,
            "after": None if self.after is None else str(self.after),
            "group": self.group,
            "per_artist": self.per_artist,
            "encoder": self.encoder,
            "mode": self.mode,
            "exclude_images": sorted(self.exclude_images),
        }
        usual: dict[str, Any] = {"k": 24, "group": "work", "mode": "auto"}
        return {name: value for name, value in values.items() if value not in (None, [], {}, usual.get(name))}

    @classmethod
    def from_json(cls, values: object) -> StyleQuery:
        """Return the query of :meth:`to_json`.

        Raises
        ------
        InputError
            ``bad_query`` if it is none; otherwise, if a part of it cannot be used.
        """
        known = [one.name for one in fields(cls)]
        if not isinstance(values, Mapping) or set(values) - set(known):
            raise InputError(
                "A query has something that it cannot have.",
                hint=f"It has: {', '.join(known)}.",
                code="bad_query",
            )
        made: dict[str, Any] = {}
        for name, value in values.items():
            check, read = _READERS.get(name, (_is_anything, _as_it_is))
            if not check(value):
                raise InputError(
                    f"A query's {name} has another form.", hint="See docs/search.md.", code="bad_query"
                )
            made[name] = read(value)
        return cls(**made)


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _one_of(value: str, known: tuple[str, ...], what: str, code: str) -> None:
    if value not in known:
        raise InputError(
            f"{str(value)[:50]!r} is no {what}.", hint=f"Use one of: {', '.join(known)}.", code=code
        )


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_SLUG


def _are_ids(value: object) -> bool:
    return isinstance(value, list) and all(_is_whole(one, 1, LARGEST_ID) for one in value)


def _is_anything(_value: object) -> bool:
    return True


def _as_it_is(value: Any) -> Any:
    return value


_READERS: dict[str, tuple[Callable[[object], bool], Callable[[Any], Any]]] = {
    "examples": (_is_list, lambda values: tuple(map(example_from_json, values))),
    "where": (_is_anything, filters.from_json),
    "readout": (_is_anything, Readout.from_json),
    "after": (_is_text, Cursor.parse),
    "encoder": (_is_text, _as_it_is),
    "exclude_images": (_are_ids, frozenset),
}
