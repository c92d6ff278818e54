"""What a set is made from, and how: everything that a run keeps and goes on with."""

from __future__ import annotations

import hashlib
import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from stylesearch.catalog.collections import SLUG
from stylesearch.errors import InputError

MOST = 100_000
"""Tags with more captions are dropped: so many are no style any more. As in the paper."""

QUERY_SHARE = 0.2
FIRST_WORKS = 10
SPLITS = ("random", "first")
SHARD_IMAGES = 1000
LARGEST_SHARE = 0.2
LARGEST_FREE = 20
"""Groups of copies of no more images never stop a run."""

_CONDITION = re.compile(r"^\s*(.+?)\s*(>=|<=|>|<|=)\s*(-?\d+(?:\.\d+)?)\s*$")
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Condition:
    """A bound on a numeric column, such as ``aesthetic>=6``."""

    column: str
    sign: str
    bound: float

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read ``COLUMN>=NUMBER``.

        Raises
        ------
        InputError
            ``condition``, if it is none.
        """
        found = _CONDITION.match(text)
        if found is None:
            raise InputError(
                f"{text!r} is no bound on a column.", hint="Write it as aesthetic>=6.", code="condition"
            )
        return cls(found[1], found[2], float(found[3]))

    def holds(self, value: float) -> bool:
        """Return whether a value is within the bound."""
        return _OPERATORS[self.sign](value, self.bound)

    def __str__(self) -> str:
        return f"{self.column}{self.sign}{self.bound:g}"


@dataclass(frozen=True, slots=True)
class TagFile:
    """A file of tags: ``form`` is ``list`` or ``vocabulary``; ``kind`` may be left to a vocabulary."""

    path: str
    form: str
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where captions and images come from.

    Attributes
    ----------
    kind:
        ``collection``, ``table`` or ``shards``.
    place:
        A collection's slug, or an absolute path.
    columns:
        For a table: field to column, as ``ingest table --map`` takes them.
    captions:
        For a table and shards: the columns that captions stand in; for a collection: fields of works.
    images:
        For a table: the folder that paths are relative to.
    """

    kind: str
    place: str
    columns: dict[str, str] = field(default_factory=dict)
    captions: tuple[str, ...] = ()
    images: str | None = None
    delimiter: str | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a set is made; the defaults are the paper's.

    Attributes
    ----------
    name:
        Slug that ``train`` and ``evaluate`` know the set by.
    into:
        Collection that fetched images go into; of no use where the source is a collection.
    tag_files, tag_collections:
        Where tags come from; of a collection, its artists, mediums and movements.
    conditions:
        Bounds on numeric columns.
    most, fewest:
        Tags with more captions, or fewer, are dropped.
    slips:
        Whether long tags are found with a slip of one letter too.
    copy_model:
        TorchScript file of a copy descriptor; ``None`` for the built-in one.
    copy_threshold:
        From which inner product on two images are copies; ``None`` for 0.8 with a model, and for what made copies say
        with the built-in one.
    neighbours:
        ``exact``, ``index`` or ``auto``.
    largest_share:
        A group of copies with a larger share of the images stops the run.
    split:
        How queries are parted from the database: ``random``, a share of ``query_share``; or ``first``, the first
        ``first_works`` of each artist, or of each of ``listed`` artists.
    reuse:
        Classes of reuse that are exported; none for all.
    """

    name: str
    source: Source
    into: str | None = None
    default_license: str | None = None
    tag_files: tuple[TagFile, ...] = ()
    tag_collections: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    most: int = MOST
    fewest: int = 1
    slips: bool = True
    copy_model: str | None = None
    copy_threshold: float | None = None
    neighbours: str = "auto"
    largest_share: float = LARGEST_SHARE
    split: str = "random"
    query_share: float = QUERY_SHARE
    first_works: int = FIRST_WORKS
    listed: str | None = None
    seed: int = 0
    reuse: tuple[str, ...] = ()
    shard_images: int = SHARD_IMAGES

    def __post_init__(self) -> None:
        if not SLUG.fullmatch(self.name):
            raise InputError(
                f"{self.name!r} cannot name a set.",
                hint="Use small letters, digits and single hyphens, such as ink-styles.",
                code="curation_name",
            )

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Recipe:
        """Return the recipe of :meth:`to_json`.

        Raises
        ------
        InputError
            ``recipe``, if a newer version wrote it, or somebody changed it.
        """
        try:
            known = {one.name for one in fields(cls)}
            if set(values) - known:
                raise ValueError(f"it has {min(set(values) - known)!r}")
            source = dict(values["source"])
            return cls(
                **{
                    **values,
                    "source": Source(**{**source, "captions": tuple(source.get("captions", ()))}),
                    "tag_files": tuple(TagFile(**one) for one in values.get("tag_files", ())),
                    "tag_collections": tuple(values.get("tag_collections", ())),
                    "conditions": tuple(Condition(**one) for one in values.get("conditions", ())),
                    "reuse": tuple(values.get("reuse", ())),
                }
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"The run's recipe cannot be used: {error}.",
                hint="Give the whole command again, with another folder.",
                code="recipe",
            ) from None


def digest(*values: object) -> str:
    """Return a hex SHA-256 over JSON values."""
    return hashlib.sha256(
        json.dumps(values, sort_keys=True, ensure_ascii=False, default=str).encode()
    ).hexdigest()
