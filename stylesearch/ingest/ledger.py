"""The ledger of a run: which items there are, who holds them, what became of them.

PostgreSQL is the truth; a message that says "there is work" may be lost or doubled without harm.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from stylesearch.catalog.connections import raw_connection
from stylesearch.catalog.records import WorkRecord
from stylesearch.catalog.runs import HELD_STATES, IngestItem, IngestRun
from stylesearch.errors import StylesearchError
from stylesearch.ingest.counts import counts

NEVER_RETRIED = ("withdrawn", "outside_source")
_HELD = "state IN ('fetching', 'embedding')"
_DONE = "lease_until = NULL, held_by = NULL, spool_key = NULL, spool_bytes = 0, updated_at = now()"


@dataclass(frozen=True, slots=True)
class Stage:
    """One of the two stages: items that are ``ready`` for it are taken and then ``held``."""

    name: str
    ready: str
    held: str


FETCH = Stage("fetch", "pending", "fetching")
EMBED = Stage("embed", "prepared", "embedding")


@dataclass(frozen=True, slots=True)
class Claimed:
    """An item that we hold for a while; what is not known at its stage is empty."""

    id: int
    source_id: str
    locator: str
    record: WorkRecord
    sha256: bytes | None = None
    version: str | None = None
    task: str = "take"
    image_id: int | None = None
    facts: dict[str, Any] | None = None
    spool_key: str | None = None
    deferrals: int = 0


@dataclass(frozen=True, slots=True)
class Prepared:
    """What fetching hands over to embedding."""

    item_id: int
    sha256: bytes
    facts: dict[str, Any]
    spool_key: str
    spool_bytes: int


def holder() -> str:
    """Return the name that this process holds items under: machine and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def claim(
    session: Session, run_id: int, stage: Stage, *, limit: int, lease_seconds: int, max_attempts: int
) -> list[Claimed]:
    """Take some open items for a stage, so that nobody else has them until the lease is over.

    An item that has been taken before, and whose holder was lost, is taken alone: if it kills its holder again, it is
    known which one it was. After ``max_attempts`` it is put into quarantine.
    """
    _give_up(session, run_id, stage, max_attempts)
    rows = session.execute(
        text(
            """
            WITH lost AS MATERIALIZED (
                SELECT id FROM ingest_item
                WHERE run_id = :run AND ((state = :held AND lease_until < now()) OR (state = :ready AND attempts > 0))
                ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
            ), fresh AS MATERIALIZED (
                SELECT id FROM ingest_item
                WHERE run_id = :run AND state = :ready AND attempts = 0 AND NOT EXISTS (SELECT FROM lost)
                  AND (not_before IS NULL OR not_before <= now())
                ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
            )
            UPDATE ingest_item SET
                state = :held, attempts = attempts + 1, updated_at = now(), held_by = :holder,
                lease_until = now() + make_interval(secs => :lease)
            FROM (SELECT id FROM lost UNION ALL SELECT id FROM fresh) AS taken
            WHERE ingest_item.id = taken.id
            RETURNING ingest_item.id, source_id, locator, record, sha256, version, task, image_id, facts, spool_key,
                      deferrals
            """
        ),
        {
            "run": run_id,
            "ready": stage.ready,
            "held": stage.held,
            "limit": limit,
            "lease": lease_seconds,
            "holder": holder(),
        },
    )
    claimed = [
        Claimed(
            row.id,
            row.source_id,
            row.locator,
            WorkRecord.from_json(row.record),
            bytes(row.sha256) if row.sha256 is not None else None,
            row.version,
            row.task,
            row.image_id,
            row.facts,
            row.spool_key,
            row.deferrals,
        )
        for row in rows
    ]
    return sorted(claimed, key=lambda item: item.id)


def _give_up(session: Session, run_id: int, stage: Stage, max_attempts: int) -> None:
    """Put into quarantine what was lost with its holder too often."""
    lost = (
        select(IngestItem.id)
        .where(
            IngestItem.run_id == run_id,
            IngestItem.state == stage.held,
            IngestItem.lease_until < func.now(),
            IngestItem.attempts >= max_attempts,
        )
        .order_by(IngestItem.id)
        .with_for_update(skip_locked=True)
    )
    session.execute(
        update(IngestItem)
        .where(IngestItem.id.in_(lost.scalar_subquery()))
        .values(
            state="quarantined",
            lease_until=None,
            held_by=None,
            spool_key=None,
            spool_bytes=0,
            updated_at=func.now(),
            error_code="worker_lost",
            error_text=f"The worker that held it was lost {max_attempts} times.",
        )
    )


def renew(session: Session, item_ids: Sequence[int], *, lease_seconds: int) -> None:
    """Hold items for longer; those that have been taken over meanwhile stay with whoever took them.

    What is locked is just being settled, in an order of its own; waiting for it could end in a deadlock.
    """
    session.execute(
        text(
            "UPDATE ingest_item SET lease_until = now() + make_interval(secs => :lease) WHERE id IN ("
            f" SELECT id FROM ingest_item WHERE id = ANY(:ids) AND {_HELD} AND held_by = :holder"
            " FOR UPDATE SKIP LOCKED)"
        ),
        {"ids": list(item_ids), "lease": lease_seconds, "holder": holder()},
    )


def hand_over(session: Session, prepared: Sequence[Prepared]) -> set[int]:
    """Pass fetched items on to embedding; return those that were still ours to pass on."""
    if not prepared:
        return set()
    rows = raw_connection(session).execute(
        """
        UPDATE ingest_item SET state = 'prepared', sha256 = new.sha256, facts = new.facts,
            spool_key = new.spool_key, spool_bytes = new.spool_bytes,
            attempts = 0, lease_until = NULL, held_by = NULL, updated_at = now()
        FROM unnest(%s::int8[], %s::bytea[], %s::jsonb[], %s::text[], %s::int8[])
            AS new (id, sha256, facts, spool_key, spool_bytes)
        WHERE ingest_item.id = new.id AND state = 'fetching' RETURNING ingest_item.id
        """,
        [
            [one.item_id for one in prepared],
            [one.sha256 for one in prepared],
            [Jsonb(one.facts) for one in prepared],
            [one.spool_key for one in prepared],
            [one.spool_bytes for one in prepared],
        ],
    )
    return {item_id for (item_id,) in rows}


def settle(
    session: Session,
    *,
    ingested: Mapping[int, int] | None = None,
    unchanged: Mapping[int, int] | None = None,
    duplicates: Mapping[int, int | None] | Sequence[int] = (),
    failures: Mapping[int, StylesearchError] | None = None,
    digests: Mapping[int, bytes] | None = None,
) -> None:
    """Write down what became of held items.

    Parameters
    ----------
    ingested, unchanged:
        Item id to image id.
    duplicates:
        Items whose bytes another work of the collection turned out to hold, and its image's id where it is known.
    failures:
        Item id to what was wrong with it; these go into quarantine.
    digests:
        Item id to the digest of its bytes, where discovery did not know it.
    """
    connection = raw_connection(session)
    if digests:
        connection.execute(
            f"""
            UPDATE ingest_item SET sha256 = new.sha256 FROM unnest(%s::int8[], %s::bytea[]) AS new (id, sha256)
            WHERE ingest_item.id = new.id AND {_HELD}
            """,
            [list(digests), list(digests.values())],
        )
    doubled = duplicates if isinstance(duplicates, Mapping) else dict.fromkeys(duplicates)
    became = [
        (item_id, state, image_id)
        for state, items in (("ingested", ingested), ("unchanged", unchanged), ("duplicate", doubled))
        for item_id, image_id in (items or {}).items()
    ]
    if became:
        connection.execute(
            f"""
            UPDATE ingest_item SET state = new.became, image_id = new.image, {_DONE}
            FROM unnest(%s::int8[], %s::text[], %s::int8[]) AS new (id, became, image)
            WHERE ingest_item.id = new.id AND {_HELD}
            """,
            [list(column) for column in zip(*became, strict=True)],
        )
    connection.cursor().executemany(
        f"UPDATE ingest_item SET state = 'quarantined', error_code = %s, error_text = %s, {_DONE}"
        f" WHERE id = %s AND {_HELD}",
        [(error.code, str(error), item_id) for item_id, error in (failures or {}).items()],
    )


def defer(session: Session, items: Mapping[int, float]) -> None:
    """Open held items again from their first stage on, each after some seconds."""
    raw_connection(session).cursor().executemany(
        f"""
        UPDATE ingest_item SET state = 'pending', attempts = 0, deferrals = deferrals + 1,
            not_before = now() + make_interval(secs => %s), {_DONE}
        WHERE id = %s AND {_HELD}
        """,
        [(seconds, item_id) for item_id, seconds in items.items()],
    )


def give_back(session: Session, run_id: int, item_ids: Sequence[int], problem: str | None) -> None:
    """Open held items again, as if they had never been taken, and note what stops the run, if something does."""
    session.execute(
        text(
            """
            UPDATE ingest_item SET state = CASE state WHEN 'fetching' THEN 'pending' ELSE 'prepared' END,
                lease_until = NULL, held_by = NULL, attempts = attempts - 1
            WHERE id = ANY(:ids) AND state = ANY(:held) AND held_by = :holder
            """
        ),
        {"ids": list(item_ids), "held": list(HELD_STATES), "holder": holder()},
    )
    if problem is not None:
        session.execute(update(IngestRun).where(IngestRun.id == run_id).values(problem=problem))


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


def retry(session: Session, run_id: int, *, code: str | None = None) -> int:
    """Open a run's quarantined items again, or those of one error code; return how many there are.

    Withdrawn works stay where they are, and so do links out of the source and what has no image to be fetched: only
    discovery looks where a link leads, and what a source says by now.
    """
    opened = session.execute(
        update(IngestItem)
        .where(
            IngestItem.run_id == run_id,
            IngestItem.state == "quarantined",
            IngestItem.error_code.not_in(NEVER_RETRIED),
            IngestItem.locator != "",
            *([IngestItem.error_code == code] if code is not None else []),
        )
        .values(state="pending", attempts=0, deferrals=0, not_before=None, error_code=None, error_text=None)
        .returning(IngestItem.id)
    ).all()
    if opened:
        session.execute(
            update(IngestRun)
            .where(IngestRun.id == run_id)
            .values(state="running", finished_at=None, problem=None)
        )
    return len(opened)
