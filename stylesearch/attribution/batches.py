"""Reports on many images: a ledger of them, which any number of processes work through, and any of them may be killed."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from stylesearch.attribution.report import ReportMaker
from stylesearch.attribution.sealed import canonical
from stylesearch.catalog.batches import ReportBatch, ReportItem
from stylesearch.catalog.records import tidy
from stylesearch.catalog.shard_errors import ShardDownError
from stylesearch.errors import InputError, NotFoundError
from stylesearch.evaluation.listing import IMAGE_SUFFIXES
from stylesearch.images.hashes import sha256
from stylesearch.search import filters
from stylesearch.search.filters import Filter

LEASE_SECONDS = 180
"""How long one report may take before another process may make it."""

MOST_ATTEMPTS = 3
SLICE_SECONDS = 10.0

_CLAIM = text(
    """
    UPDATE report_item SET state = 'held', attempts = attempts + 1,
           lease_until = now() + make_interval(secs => :lease)
    WHERE (batch_id, position) = (
        SELECT batch_id, position FROM report_item
        WHERE batch_id = :batch AND (state = 'pending' OR (state = 'held' AND lease_until < now()))
        ORDER BY position LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING position, name, query_sha256, attempts
    """
)


@dataclass(frozen=True, slots=True)
class Source:
    """An image to report on: what it is called, and its file."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is."""

    done: int
    failed: int
    total: int

    @property
    def open(self) -> int:
        """How many are not dealt with."""
        return self.total - self.done - self.failed


def read_sources(source: Path) -> list[Source]:
    """List the images of a folder, whole, or of the column ``path`` of a CSV file.

    Raises
    ------
    InputError
        ``batch_source``, if it is neither, or there is none.
    """
    if source.is_dir():
        found = [
            Source(path.relative_to(source).as_posix(), path)
            for path in sorted(source.rglob("*"))
            if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()
        ]
    else:
        found = [Source(path, source.parent / path) for path in _column(source)]
    if not found:
        raise _unusable(source, "it names no image")
    return found


def _column(source: Path) -> list[str]:
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if "path" not in (reader.fieldnames or ()):
                raise _unusable(source, "it has no column 'path'")
            return [line["path"].strip() for line in reader if (line["path"] or "").strip()]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unusable(source, getattr(error, "strerror", None) or "it is no CSV file in UTF-8") from error


def _unusable(source: Path, what: str) -> InputError:
    return InputError(
        f"{source} cannot be used: {what}.",
        hint="Give a folder of images, or a CSV file with the column path.",
        code="batch_source",
    )


def open_batch(
    maker: ReportMaker, sources: Sequence[Source], where: Filter, read: Callable[[Path], bytes]
) -> int:
    """Enter images into the ledger, or find the batch that they are in already; return its id.

    What failed is tried again. What cannot be read is entered as failed.

    Parameters
    ----------
    read:
        Reads a file.

    Raises
    ------
    ServiceError
        If the store or the database fails.
    """
    rows: list[tuple[int, str, str, InputError | None]] = []
    for position, source in enumerate(sources):
        name = (tidy(source.name) or "unnamed")[:200]
        try:
            data = read(source.path)
        except InputError as error:
            rows.append((position, name, "", error))
            continue
        rows.append((position, name, maker.store.put_query(data), None))
    told = [[name, digest] for _, name, digest, _ in rows]
    digest = sha256(canonical({"images": told, "filters": where.to_json()})).hex()
    with maker.style_search.database.session() as session:
        session.execute(
            insert(ReportBatch).values(digest=digest, filters=where.to_json()).on_conflict_do_nothing()
        )
        batch_id = session.scalars(select(ReportBatch.id).where(ReportBatch.digest == digest)).one()
        session.execute(
            insert(ReportItem)
            .values(
                [
                    {
                        "batch_id": batch_id,
                        "position": position,
                        "name": name,
                        "query_sha256": kept,
                        "state": "failed" if error else "pending",
                        "error_code": error.code if error else None,
                        "error_text": error.message if error else None,
                    }
                    for position, name, kept, error in rows
                ]
            )
            .on_conflict_do_nothing()
        )
        session.execute(
            update(ReportItem)
            .where(
                ReportItem.batch_id == batch_id, ReportItem.state == "failed", ReportItem.query_sha256 != ""
            )
            .values(state="pending", attempts=0, error_code=None, error_text=None)
        )
    return batch_id


def report_for_a_while(maker: ReportMaker, batch_id: int, *, seconds: float = SLICE_SECONDS) -> bool:
    """Make reports of a batch until there are no more or it has been a while; return whether there are more.

    Raises
    ------
    ServiceError
        If the database, the store or the encoder fails; what was held is free again when its lease is over, and at once if
        it is a shard that is away.
    """
    where = _where(maker, batch_id)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not _one(maker, batch_id, where):
            return False
    return True


def _where(maker: ReportMaker, batch_id: int) -> Filter:
    with maker.style_search.database.session() as session:
        batch = session.get(ReportBatch, batch_id)
        if batch is None:
            raise NotFoundError(f"There is no batch {batch_id}.", code="unknown_batch")
        return filters.from_json(batch.filters)


def _one(maker: ReportMaker, batch_id: int, where: Filter) -> bool:
    """Make one report; return whether there was one to make."""
    database = maker.style_search.database
    with database.session() as session:
        row = session.execute(_CLAIM, {"batch": batch_id, "lease": LEASE_SECONDS}).one_or_none()
    if row is None:
        return False
    values: dict[str, object] = {"lease_until": None}
    if row.attempts > MOST_ATTEMPTS:
        values |= {
            "state": "failed",
            "error_code": "worker_lost",
            "error_text": "Whoever made it was lost, each time.",
        }
    else:
        try:
            data = maker.store.read(maker.store.query_key(row.query_sha256))
            saved = maker.make(data, name=row.name, where=where)
        except (InputError, NotFoundError) as error:
            values |= {"state": "failed", "error_code": error.code, "error_text": error.message}
        except ShardDownError:
            # Nobody's fault here: it is made when the shard is back.
            _finish(
                maker, batch_id, row.position, values | {"state": "pending", "attempts": row.attempts - 1}
            )
            raise
        else:
            values |= {"state": "done", "public_id": saved.public_id}
    _finish(maker, batch_id, row.position, values)
    return True


def _finish(maker: ReportMaker, batch_id: int, position: int, values: dict[str, object]) -> None:
    """Enter what came of an image that was held."""
    with maker.style_search.database.session() as session:
        session.execute(
            update(ReportItem)
            .where(
                ReportItem.batch_id == batch_id,
                ReportItem.position == position,
                ReportItem.state == "held",
            )
            .values(**values)
        )


def progress_of(session: Session, batch_id: int) -> Progress:
    """Return how far a batch is."""
    counted: dict[str, int] = {
        state: int(number)
        for state, number in session.execute(
            text("SELECT state, count(*) FROM report_item WHERE batch_id = :batch GROUP BY state"),
            {"batch": batch_id},
        )
    }
    return Progress(counted.get("done", 0), counted.get("failed", 0), sum(counted.values()))


def items_of(session: Session, batch_id: int) -> Iterator[ReportItem]:
    """Yield a batch's items in their order."""
    yield from session.scalars(
        select(ReportItem).where(ReportItem.batch_id == batch_id).order_by(ReportItem.position)
    )
