"""The ledger of a run: which items there are, who holds them, what became of them.

PostgreSQL is the truth; a message that says "there is work" may be lost or doubled without harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from psycopg.types.json import Jsonb
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from stylesearch.catalog.records import WorkRecord, source_digest
from stylesearch.catalog.runs import IngestItem, IngestRun
from stylesearch.catalog.writers import copy_binary, raw_connection
from stylesearch.errors import StylesearchError
from stylesearch.ingest.sources.folder import Found

ITEM_COLUMNS = {
    "run_id": "int8",
    "source_id": "text",
    "locator": "text",
    "sha256": "bytea",
    "record": "jsonb",
    "state": "text",
    "error_code": "text",
    "error_text": "text",
    "image_id": "int8",
}
NEVER_RETRIED = ("withdrawn", "outside_source")


@dataclass(frozen=True, slots=True)
class Claimed:
    """An item that we hold for a while."""

    id: int
    source_id: str
    locator: str
    record: WorkRecord


@dataclass(frozen=True, slots=True)
class Counts:
    """A run in numbers; ``errors`` counts quarantined items by code."""

    pending: int = 0
    leased: int = 0
    ingested: int = 0
    duplicate: int = 0
    unchanged: int = 0
    quarantined: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    @property
    def discovered(self) -> int:
        """All items."""
        return self.open + self.done

    @property
    def open(self) -> int:
        """Items that are still to be dealt with."""
        return self.pending + self.leased

    @property
    def done(self) -> int:
        """Items that have come to their end."""
        return self.ingested + self.duplicate + self.unchanged + self.quarantined


@dataclass(frozen=True, slots=True)
class Held:
    """What a collection holds already, by the bytes of its images."""

    source_id: str
    image_id: int
    source_digest: bytes


class Discovery:
    """Enters what a source has into the ledger, telling at once what needs no work.

    A file whose bytes came earlier in the run, or stand in the collection under another work, is a duplicate; one
    that stands there as the same work with the same metadata is unchanged. So the outcome does not hang on which
    worker is the quickest. A discovery that was interrupted goes on where it was.
    """

    def __init__(self, session: Session, run: IngestRun) -> None:
        self.run_id = run.id
        held = session.execute(
            text(
                """
                SELECT image.sha256, work.source_id, image.id, work.source_digest,
                       descriptor.image_id IS NOT NULL AS described
                FROM image JOIN work ON work.id = image.work_id
                LEFT JOIN descriptor ON descriptor.image_id = image.id AND descriptor.encoder_id = :encoder
                WHERE image.collection_id = :collection
                """
            ),
            {"collection": run.collection_id, "encoder": run.encoder_id},
        )
        self._held: dict[bytes, Held] = {}
        self._described: set[bytes] = set()
        for row in held:
            self._held[bytes(row.sha256)] = Held(row.source_id, row.id, bytes(row.source_digest))
            if row.described:
                self._described.add(bytes(row.sha256))
        self._withdrawn_sources, self._withdrawn_images = _withdrawals(session, run.collection_id)
        self._entered: set[str] = set()
        self._seen: set[bytes] = set()
        known = select(IngestItem.source_id, IngestItem.sha256, IngestItem.state).where(
            IngestItem.run_id == run.id
        )
        for source_id, sha256, _ in session.execute(known):
            self._entered.add(source_id)
            if sha256 is not None:
                self._seen.add(bytes(sha256))

    def enter(self, session: Session, found: Sequence[Found]) -> None:
        """Enter some files; those that are in the ledger already are passed over."""
        rows = [self._row(item) for item in found if item.source_id not in self._entered]
        copy_binary(session, "ingest_item", ITEM_COLUMNS, rows)
        self._entered.update(item.source_id for item in found)

    def _row(self, item: Found) -> tuple[object, ...]:
        state, code, why, image_id = self._judge(item)
        record = Jsonb(item.record.to_json())
        return (self.run_id, item.source_id, item.locator, item.sha256, record, state, code, why, image_id)

    def _judge(self, item: Found) -> tuple[str, str | None, str | None, int | None]:
        if item.error is not None or item.sha256 is None:
            assert item.error is not None
            return "quarantined", item.error.code, str(item.error), None
        if item.source_id in self._withdrawn_sources or item.sha256 in self._withdrawn_images:
            return "quarantined", "withdrawn", "A rights holder had this work withdrawn.", None
        held = self._held.get(item.sha256)
        if held is not None and held.source_id != item.source_id:
            return "duplicate", None, None, held.image_id
        if item.sha256 in self._seen:
            return "duplicate", None, None, None
        self._seen.add(item.sha256)
        if (
            held is not None
            and item.sha256 in self._described
            and held.source_digest == source_digest(item.sha256, item.record)
        ):
            return "unchanged", None, None, held.image_id
        return "pending", None, None, None


def _withdrawals(session: Session, collection_id: int) -> tuple[set[str], set[bytes]]:
    rows = session.execute(
        text(
            "SELECT collection_id, source_id, sha256 FROM withdrawal WHERE collection_id = :id OR collection_id IS NULL"
        ),
        {"id": collection_id},
    ).all()
    sources = {row.source_id for row in rows if row.source_id is not None and row.collection_id is not None}
    return sources, {bytes(row.sha256) for row in rows if row.sha256 is not None}


def claim(
    session: Session, run_id: int, *, limit: int, lease_seconds: int, max_attempts: int
) -> list[Claimed]:
    """Take some open items, so that nobody else has them until the lease is over.

    An item that has been taken before, and whose holder was lost, is taken alone: if it kills its holder again, it is
    known which one it was. After ``max_attempts`` it is put into quarantine.
    """
    session.execute(
        update(IngestItem)
        .where(
            IngestItem.run_id == run_id,
            IngestItem.state == "leased",
            IngestItem.lease_until < func.now(),
            IngestItem.attempts >= max_attempts,
        )
        .values(
            state="quarantined",
            lease_until=None,
            error_code="worker_lost",
            error_text=f"The worker that held it was lost {max_attempts} times.",
        )
    )
    rows = session.execute(
        text(
            """
            WITH lost AS MATERIALIZED (
                SELECT id FROM ingest_item
                WHERE run_id = :run AND ((state = 'leased' AND lease_until < now()) OR (state = 'pending' AND attempts > 0))
                ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
            ), fresh AS MATERIALIZED (
                SELECT id FROM ingest_item
                WHERE run_id = :run AND state = 'pending' AND attempts = 0 AND NOT EXISTS (SELECT FROM lost)
                ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
            )
            UPDATE ingest_item SET
                state = 'leased', attempts = attempts + 1, updated_at = now(),
                lease_until = now() + make_interval(secs => :lease)
            FROM (SELECT id FROM lost UNION ALL SELECT id FROM fresh) AS taken
            WHERE ingest_item.id = taken.id
            RETURNING ingest_item.id, source_id, locator, record
            """
        ),
        {"run": run_id, "limit": limit, "lease": lease_seconds},
    )
    return sorted(
        (Claimed(row.id, row.source_id, row.locator, WorkRecord.from_json(row.record)) for row in rows),
        key=lambda item: item.id,
    )


def settle(
    session: Session,
    *,
    ingested: dict[int, int],
    duplicates: Sequence[int] = (),
    failures: dict[int, StylesearchError] | None = None,
) -> None:
    """Write down what became of held items.

    Parameters
    ----------
    ingested:
        Item id to image id.
    duplicates:
        Items whose bytes another work of the collection turned out to hold.
    failures:
        Item id to what was wrong with it; these go into quarantine.
    """
    cursor = raw_connection(session).cursor()
    done = "lease_until = NULL, updated_at = now()"
    cursor.executemany(
        f"UPDATE ingest_item SET state = 'ingested', image_id = %s, {done} WHERE id = %s AND state = 'leased'",
        [(image_id, item_id) for item_id, image_id in ingested.items()],
    )
    cursor.execute(
        f"UPDATE ingest_item SET state = 'duplicate', {done} WHERE id = ANY(%s) AND state = 'leased'",
        [list(duplicates)],
    )
    cursor.executemany(
        f"UPDATE ingest_item SET state = 'quarantined', error_code = %s, error_text = %s, {done}"
        " WHERE id = %s AND state = 'leased'",
        [(error.code, str(error), item_id) for item_id, error in (failures or {}).items()],
    )


def give_back(session: Session, run_id: int, item_ids: Sequence[int], problem: str) -> None:
    """Open held items again, as if they had never been taken, and note what stops the run."""
    session.execute(
        update(IngestItem)
        .where(IngestItem.id.in_(item_ids), IngestItem.state == "leased")
        .values(state="pending", lease_until=None, attempts=IngestItem.attempts - 1)
    )
    session.execute(update(IngestRun).where(IngestRun.id == run_id).values(problem=problem))


def counts(session: Session, run_id: int) -> Counts:
    """Count a run's items by state and error."""
    rows = session.execute(
        select(IngestItem.state, IngestItem.error_code, func.count())
        .where(IngestItem.run_id == run_id)
        .group_by(IngestItem.state, IngestItem.error_code)
    )
    states: dict[str, int] = {}
    errors: dict[str, int] = {}
    for state, code, number in rows:
        states[state] = states.get(state, 0) + number
        if code is not None:
            errors[code] = number
    return Counts(**states, errors=dict(sorted(errors.items())))


def finish(session: Session, run_id: int) -> bool:
    """Close a run that has no open items; return whether this call closed it.

    Duplicates are joined to the image that holds their bytes; where that one went into quarantine, so do they.
    """
    run = session.scalar(select(IngestRun).where(IngestRun.id == run_id).with_for_update())
    if run is None or run.state != "running" or counts(session, run_id).open:
        return False
    parameters = {"run": run_id, "collection": run.collection_id}
    session.execute(
        text(
            """
            UPDATE ingest_item SET image_id = image.id FROM image
            WHERE run_id = :run AND state = 'duplicate' AND image_id IS NULL
              AND image.collection_id = :collection AND image.sha256 = ingest_item.sha256
            """
        ),
        parameters,
    )
    session.execute(
        text(
            """
            UPDATE ingest_item AS item SET state = 'quarantined', error_code = first.error_code, error_text = first.error_text
            FROM ingest_item AS first
            WHERE item.run_id = :run AND item.state = 'duplicate' AND item.image_id IS NULL
              AND first.run_id = :run AND first.state = 'quarantined' AND first.sha256 = item.sha256
            """
        ),
        parameters,
    )
    run.state = "finished"
    run.finished_at = func.now()
    return True


def retry(session: Session, run_id: int) -> int:
    """Open a run's quarantined items again; return how many there are.

    Withdrawn works stay where they are, and so do links out of the source: only discovery looks where a link leads.
    """
    opened = session.execute(
        update(IngestItem)
        .where(
            IngestItem.run_id == run_id,
            IngestItem.state == "quarantined",
            IngestItem.error_code.not_in(NEVER_RETRIED),
        )
        .values(state="pending", attempts=0, error_code=None, error_text=None)
        .returning(IngestItem.id)
    ).all()
    if opened:
        session.execute(
            update(IngestRun)
            .where(IngestRun.id == run_id)
            .values(state="running", finished_at=None, problem=None)
        )
    return len(opened)
