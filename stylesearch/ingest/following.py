"""How a run stands at a moment: numbers, pace, who is at work on it and who is stuck."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from stylesearch.catalog.runs import IngestItem, IngestRun
from stylesearch.catalog.works import Collection
from stylesearch.ingest.counts import Counts, counts

PACE_SECONDS = 60.0
"""Over how long a pace is measured."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds items; ``quiet_seconds`` is how long nothing of them has moved."""

    name: str
    items: int
    quiet_seconds: float


@dataclass(frozen=True, slots=True)
class Standing:
    """How a run stands.

    Attributes
    ----------
    expected:
        How many items there will be in all, as far as is known.
    described_rate, prepared_rate:
        Items a second that came through each stage lately.
    waiting_seconds:
        How long the item that waits longest to be described has waited.
    seconds_left:
        At the present pace; ``None`` where there is none.
    """

    run_id: int
    kind: str
    collection: str
    source_uri: str
    state: str
    problem: str | None
    started_at: datetime
    finished_at: datetime | None
    expected: int
    counts: Counts
    prepared_rate: float
    described_rate: float
    waiting_seconds: float
    deferred: int
    holders: tuple[Holder, ...]

    @property
    def seconds_left(self) -> float | None:
        """Time left at the present pace."""
        left = self.expected - self.counts.done
        return left / self.described_rate if left > 0 and self.described_rate > 0 else None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        values = asdict(self)
        for name in ("started_at", "finished_at"):
            moment = values[name]
            values[name] = moment.isoformat() if moment is not None else None
        values["counts"] |= {"discovered": self.counts.discovered, "open": self.counts.open}
        return values | {"seconds_left": self.seconds_left}


def standing(session: Session, run_id: int) -> Standing:
    """Return how a run stands now."""
    run, slug = session.execute(
        select(IngestRun, Collection.slug)
        .join(Collection, Collection.id == IngestRun.collection_id)
        .where(IngestRun.id == run_id)
    ).one()
    found = counts(session, run_id)
    finished, prepared, waiting, deferred = session.execute(
        text(
            """
            SELECT count(*) FILTER (WHERE state IN ('ingested', 'duplicate', 'unchanged', 'quarantined') AND recent),
                   count(*) FILTER (WHERE state IN ('prepared', 'embedding', 'ingested') AND recent),
                   coalesce(extract(epoch FROM max(now() - updated_at) FILTER (WHERE state = 'prepared')), 0)::float,
                   count(*) FILTER (WHERE state = 'pending' AND not_before > now())
            FROM (
                SELECT *, updated_at > now() - make_interval(secs => :pace) AS recent
                FROM ingest_item WHERE run_id = :run
            ) AS item
            """
        ),
        {"run": run_id, "pace": PACE_SECONDS},
    ).one()
    age = session.scalar(select(func.extract("epoch", func.now() - run.started_at))) or 0.0
    seconds = max(1.0, min(PACE_SECONDS, float(age)))
    return Standing(
        run_id=run.id,
        kind=run.kind,
        collection=slug,
        source_uri=run.source_uri,
        state=run.state,
        problem=run.problem,
        started_at=run.started_at,
        finished_at=run.finished_at,
        expected=max(found.discovered, run.total or 0) if run.state == "discovering" else found.discovered,
        counts=found,
        prepared_rate=prepared / seconds,
        described_rate=finished / seconds,
        waiting_seconds=waiting,
        deferred=deferred,
        holders=_holders(session, run_id),
    )


def _holders(session: Session, run_id: int) -> tuple[Holder, ...]:
    rows = session.execute(
        select(
            IngestItem.held_by,
            func.count(),
            func.extract("epoch", func.now() - func.max(IngestItem.updated_at)),
        )
        .where(IngestItem.run_id == run_id, IngestItem.held_by.is_not(None))
        .group_by(IngestItem.held_by)
        .order_by(IngestItem.held_by)
    )
    return tuple(Holder(name, number, float(quiet)) for name, number, quiet in rows if name is not None)
