"""A run in numbers, counted in the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from stylesearch.catalog.runs import IngestItem


@dataclass(frozen=True, slots=True)
class Counts:
    """A run in numbers; ``errors`` counts quarantined items by code."""

    pending: int = 0
    fetching: int = 0
    prepared: int = 0
    embedding: int = 0
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
    def held(self) -> int:
        """Items that somebody is at work on."""
        return self.fetching + self.embedding

    @property
    def open(self) -> int:
        """Items that are still to be dealt with."""
        return self.pending + self.prepared + self.held

    @property
    def done(self) -> int:
        """Items that have come to their end."""
        return self.ingested + self.duplicate + self.unchanged + self.quarantined

    @property
    def moved(self) -> int:
        """A number that grows with every stage that an item has behind it."""
        return self.prepared + self.embedding + 2 * self.done


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
