"""What became of a batch of the first stage, and writing it down in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from stylesearch.catalog.records import NewRecord
from stylesearch.catalog.rights import License
from stylesearch.catalog.runs import IngestRun
from stylesearch.catalog.works import Collection
from stylesearch.catalog.writers import write_records
from stylesearch.errors import StylesearchError
from stylesearch.ingest import ledger
from stylesearch.ingest.ledger import Prepared


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the stages need to know of a run.

    ``default_rights`` are those of works whose own metadata states none.
    """

    id: int
    collection_id: int
    encoder_id: int
    default_rights: str | None


def read_facts(session: Session, run_id: int) -> RunFacts:
    """Return what the stages need to know of a run."""
    row = session.execute(
        select(IngestRun.collection_id, IngestRun.encoder_id, License.uri)
        .join(Collection, Collection.id == IngestRun.collection_id)
        .outerjoin(License, License.id == Collection.default_license_id)
        .where(IngestRun.id == run_id)
    ).one()
    return RunFacts(run_id, row.collection_id, row.encoder_id, row.uri)


@dataclass
class Outcome:
    """What became of the items of a batch, by item id.

    Attributes
    ----------
    prepared:
        Ready to be described.
    records:
        Works whose image is as it was, with the image's id.
    unchanged, duplicates:
        With the id of the image that the collection has; it is joined at the end of the run where it is unknown.
    failures:
        For quarantine.
    deferred:
        How many seconds later to try again.
    digests:
        Of bytes that discovery did not know.
    versions:
        By source id: the source's and the server's version of what is unchanged all the same.
    """

    prepared: list[Prepared] = field(default_factory=list)
    records: dict[int, tuple[NewRecord, int]] = field(default_factory=dict)
    unchanged: dict[int, int] = field(default_factory=dict)
    duplicates: dict[int, int | None] = field(default_factory=dict)
    failures: dict[int, StylesearchError] = field(default_factory=dict)
    deferred: dict[int, float] = field(default_factory=dict)
    digests: dict[int, bytes] = field(default_factory=dict)
    versions: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)

    def write(self, session: Session, collection_id: int) -> set[int]:
        """Write all of it; return the prepared items that were still ours to hand over."""
        records = [record for record, _ in self.records.values()]
        write_records(session, collection_id=collection_id, records=records)
        for source_id, (source_version, fetch_version) in self.versions.items():
            session.execute(
                text(
                    "UPDATE work SET source_version = :source, fetch_version = :fetch"
                    " WHERE collection_id = :collection AND source_id = :id"
                ),
                {
                    "source": source_version,
                    "fetch": fetch_version,
                    "collection": collection_id,
                    "id": source_id,
                },
            )
        ledger.settle(
            session,
            ingested={item_id: image_id for item_id, (_, image_id) in self.records.items()},
            unchanged=self.unchanged,
            duplicates=self.duplicates,
            failures=self.failures,
            digests=self.digests,
        )
        ledger.defer(session, self.deferred)
        return ledger.hand_over(session, self.prepared)
