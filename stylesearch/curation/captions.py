"""Captions with what is needed beside them, a batch at a time, from a table, from shards, or from the catalogue."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import func, select

from stylesearch.catalog.artists import Artist, WorkArtist
from stylesearch.catalog.collections import find_collection
from stylesearch.catalog.database import Database
from stylesearch.catalog.works import Work
from stylesearch.curation.matcher import FIELD_SIGN
from stylesearch.curation.recipe import Recipe, Source
from stylesearch.errors import InputError
from stylesearch.ingest.sources.rows import ParquetRows, Row, digest_of, open_rows
from stylesearch.ingest.sources.shards import ShardsSource
from stylesearch.ingest.sources.table import column_fields, row_id

WORK_FIELDS = ("title", "description", "keywords")
"""What the caption of a work is made of, by default."""

_JOINED = f" {FIELD_SIGN} "
_KEYWORDS = ", "


@dataclass(slots=True)
class Captions:
    """A batch.

    Attributes
    ----------
    ids:
        As the catalogue knows the works, or will.
    texts:
        Fields parted by :data:`~stylesearch.curation.matcher.FIELD_SIGN`.
    contents:
        What each image depicts, as far as is said; else empty.
    values:
        By column of a condition, the numbers; ``None`` where there is none.
    unreadable, twice, unnamed:
        Rows that were left out: damaged, of an id that came before, or without an id or an image.
    """

    ids: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)
    values: dict[str, list[float | None]] = field(default_factory=dict)
    unreadable: int = 0
    twice: int = 0
    unnamed: int = 0

    def add(self, source_id: str, text: str, content: str, values: Mapping[str, float | None]) -> None:
        """Add a caption."""
        self.ids.append(source_id)
        self.texts.append(text)
        self.contents.append(content)
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)


class CaptionSource(Protocol):
    """Captions that can be gone through again and again, in one order."""

    @property
    def digest(self) -> str:
        """What tells that they are the same as last time."""

    @property
    def total(self) -> int | None:
        """How many there are, as far as is known."""

    def batches(self, size: int) -> Iterator[Captions]:
        """Yield batches of so many rows, the last one of fewer."""


def open_captions(recipe: Recipe, database: Database) -> CaptionSource:
    """Open the captions that a recipe names.

    Raises
    ------
    InputError
        If they cannot be read, or a column that is named is not there.
    NotFoundError
        If there is no such collection.
    """
    columns = tuple(dict.fromkeys(condition.column for condition in recipe.conditions))
    source = recipe.source
    if source.kind == "collection":
        return CatalogueCaptions(database, source.place, source.captions or WORK_FIELDS, columns)
    if source.kind == "shards":
        return ShardCaptions(Path(source.place), source.captions, columns)
    return TableCaptions(source, columns)


class TableCaptions:
    """The rows of a table in a file.

    Raises
    ------
    InputError
        As :func:`~stylesearch.ingest.sources.rows.open_rows`; ``table_columns`` if a named column is not there, none holds
        images, or none is known to hold captions.
    """

    def __init__(self, source: Source, conditions: Sequence[str]) -> None:
        self._path = Path(source.place)
        self._rows = open_rows(self._path, delimiter=source.delimiter)
        if not self._rows.total:
            raise InputError(
                f"The table {self._path} has no rows.", hint="Check the path.", code="table_empty"
            )
        columns = self._rows.columns
        content = source.columns.get("content")
        given = {name: column for name, column in source.columns.items() if name != "content"}
        self._fields = column_fields(columns, given, self._path.name)
        usual = [name for name, target in self._fields.items() if target in WORK_FIELDS]
        self._texts = tuple(source.captions) or tuple(
            sorted(usual, key=lambda name: _order(self._fields[name]))
        )
        missing = [
            name for name in (*self._texts, *conditions, *filter(None, [content])) if name not in columns
        ]
        if missing or not self._texts:
            shown = ", ".join(name[:40] for name in columns[:30] if name)
            what = (
                f"has no column {missing[0]!r}" if missing else "has no column that is known to hold captions"
            )
            raise InputError(
                f"The table {self._path.name} {what}; its columns are: {shown}.",
                hint="Name them with --caption COLUMN, --content COLUMN and --where COLUMN>=NUMBER.",
                code="table_columns",
            )
        self._conditions = tuple(conditions)
        self._content = content or next((name for name, one in self._fields.items() if one == "title"), None)

    @property
    def digest(self) -> str:
        return digest_of(self._path)

    @property
    def total(self) -> int | None:
        return self._rows.total

    def batches(self, size: int) -> Iterator[Captions]:
        seen: set[str] = set()
        id_column, image = self._named("id"), self._named("image")
        for rows in _parted(self._read(id_column, image), size):
            batch = Captions()
            for row in rows:
                self._add(batch, row, id_column or image, image, seen)
            yield batch

    def _read(self, *needed: str | None) -> Iterator[Row]:
        """Yield the rows, of Parquet with the columns that are wanted only."""
        wanted = {*self._texts, *self._conditions, *filter(None, (*needed, self._content))}
        return self._rows.narrowed(wanted) if isinstance(self._rows, ParquetRows) else iter(self._rows)

    def _add(
        self, batch: Captions, row: Row, id_column: str | None, image: str | None, seen: set[str]
    ) -> None:
        if row.problem is not None:
            batch.unreadable += 1
            return
        values = row.values
        source_id = row_id(values.get(id_column)) if id_column else None
        if not source_id or not (image and values.get(image)):
            batch.unnamed += 1
            return
        if source_id in seen:
            batch.twice += 1
            return
        seen.add(source_id)
        texts = [said for name in self._texts if (said := _said(values.get(name)))]
        content = _said(values.get(self._content)) if self._content else ""
        numbers = {name: _number(values.get(name)) for name in self._conditions}
        batch.add(source_id, _JOINED.join(texts), content, numbers)

    def _named(self, target: str) -> str | None:
        return next((name for name, one in self._fields.items() if one == target), None)


def _order(target: str) -> int:
    return WORK_FIELDS.index(target)


class ShardCaptions:
    """The samples of webdataset shards: their text, and what their JSON says.

    Raises
    ------
    InputError
        ``shards_missing``.
    """

    def __init__(self, path: Path, captions: Sequence[str], conditions: Sequence[str]) -> None:
        self._source = ShardsSource(path)
        self._captions = tuple(captions)
        self._conditions = tuple(conditions)

    @property
    def digest(self) -> str:
        told = [
            (shard.name, shard.stat().st_size, shard.stat().st_mtime_ns) for shard in self._source.shards()
        ]
        return hashlib.sha256(repr(told).encode()).hexdigest()

    @property
    def total(self) -> int | None:
        return None

    def batches(self, size: int) -> Iterator[Captions]:
        seen: set[str] = set()
        for samples in _parted(self._source.captions(), size):
            batch = Captions()
            for source_id, values, text in samples:
                if values is None:
                    batch.unreadable += 1
                elif source_id in seen:
                    batch.twice += 1
                else:
                    seen.add(source_id)
                    named = [_said(values.get(name)) for name in self._captions]
                    texts = named if self._captions else [_said(values.get("caption")), text]
                    numbers = {name: _number(values.get(name)) for name in self._conditions}
                    content = _said(values.get("content") or values.get("title"))
                    joined = _JOINED.join(dict.fromkeys(filter(None, texts)))
                    batch.add(source_id, joined, content, numbers)
            yield batch


@dataclass(frozen=True)
class CatalogueCaptions:
    """The works of a collection that are not withdrawn, in the order of their source ids.

    Attributes
    ----------
    captions:
        Fields of a work, of its ``extra`` too, or ``artist`` for the names of those that it is credited to.
    """

    database: Database
    collection: str
    captions: Sequence[str]
    conditions: Sequence[str]

    @property
    def digest(self) -> str:
        with self.database.session() as session:
            here = self._here(find_collection(session, self.collection).id)
            told = session.execute(select(func.count(), func.max(Work.updated_at)).where(*here)).one()
        return hashlib.sha256(repr((self.collection, tuple(told))).encode()).hexdigest()

    @property
    def total(self) -> int | None:
        with self.database.session() as session:
            here = self._here(find_collection(session, self.collection).id)
            return session.scalar(select(func.count()).select_from(Work).where(*here))

    def _here(self, collection_id: int) -> tuple[Any, ...]:
        return (Work.collection_id == collection_id, Work.withdrawn_at.is_(None))

    def batches(self, size: int) -> Iterator[Captions]:
        last: str | None = None
        order = Work.source_id.collate("C")
        with self.database.session() as session:
            here = self._here(find_collection(session, self.collection).id)
        while True:
            with self.database.session() as session:
                rows = session.execute(
                    select(
                        Work.id, Work.source_id, Work.title, Work.description, Work.keywords, Work.medium,
                        Work.movement, Work.period, Work.object_type, Work.credit_line, Work.extra,
                    )
                    .where(*here, *([order > last] if last is not None else []))
                    .order_by(order)
                    .limit(size)
                ).all()  # fmt: skip
                artists = self._artists(session, [row.id for row in rows])
            if not rows:
                return
            batch = Captions()
            for row in rows:
                said = {**(row.extra or {}), **row._mapping, "artist": artists.get(row.id, [])}
                texts = [one for name in self.captions if (one := _said(said.get(name)))]
                numbers = {name: _number(said.get(name)) for name in self.conditions}
                batch.add(row.source_id, _JOINED.join(texts), row.title or "", numbers)
            yield batch
            last = rows[-1].source_id

    def _artists(self, session: Any, work_ids: list[int]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        if "artist" in self.captions:
            for work_id, name in session.execute(
                select(WorkArtist.work_id, Artist.name)
                .join(WorkArtist.artist)
                .where(WorkArtist.work_id.in_(work_ids))
                .order_by(WorkArtist.work_id, WorkArtist.position, Artist.name)
            ):
                found.setdefault(work_id, []).append(name)
        return found


def _parted(rows: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while part := list(itertools.islice(rows, size)):
        yield part


def _said(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list | tuple):
        return _KEYWORDS.join(filter(None, map(_said, value)))
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _number(value: object) -> float | None:
    """Return a finite number; ``None`` for what is none."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
