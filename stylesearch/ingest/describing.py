"""The second stage: describe spooled pixels, and write works and descriptors in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from stylesearch.catalog.database import Database
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.records import ImageFacts, NewWork, WorkRecord, source_digest
from stylesearch.catalog.writers import hold_collection, write_descriptors, write_works
from stylesearch.encoders.checking import checked
from stylesearch.encoders.protocol import Encoder, Pixels, PreparingEncoder
from stylesearch.encoders.registry import encode_checked
from stylesearch.errors import StylesearchError
from stylesearch.ingest import ledger
from stylesearch.ingest.held import withdrawals, withdrawn_error
from stylesearch.ingest.keeper import Keeper
from stylesearch.ingest.ledger import Claimed
from stylesearch.ingest.outages import through_outages
from stylesearch.ingest.outcome import RunFacts
from stylesearch.ingest.spool import Spool

Vectors = dict[int, NDArray[np.float32]]


@dataclass(frozen=True)
class Describer:
    """Does the second stage; one a device, used by one thread at a time."""

    database: Database
    spool: Spool
    keeper: Keeper

    def deal_with(self, run: RunFacts, items: list[Claimed], encoder: Encoder) -> None:
        """Take held items through the stage, write what came of it, and let go of their pixels.

        Raises
        ------
        StylesearchError
            If the encoder, the store or the database fails; nothing of the batch is then written.
        """
        pixels = {item.id: self.spool.get(item.spool_key or "") for item in items}
        there = {item_id: found for item_id, found in pixels.items() if found is not None}
        failures: dict[int, StylesearchError] = {}
        vectors = _describe(encoder, there, failures)
        self.keeper.moved()
        lost = [item_id for item_id, found in pixels.items() if found is None]
        through_outages(lambda: self._write(run, items, vectors, failures, lost))
        self.spool.remove(item.spool_key for item in items if item.spool_key)

    def _write(
        self,
        run: RunFacts,
        items: list[Claimed],
        vectors: Vectors,
        failures: dict[int, StylesearchError],
        lost: list[int],
    ) -> None:
        works = {
            item.id: _new_work(item, vectors[item.id])
            for item in items
            if item.id in vectors and item.task == "take"
        }
        added = {
            item.id: item.image_id
            for item in items
            if item.id in vectors and item.task == "descriptor" and item.image_id is not None
        }
        with self.database.session() as session:
            encoder = session.get_one(EncoderRow, run.encoder_id)
            failures |= _leave_out_withdrawn(session, run, works)
            image_ids = write_works(
                session, collection_id=run.collection_id, encoder=encoder, works=list(works.values())
            )
            if added:
                write_descriptors(
                    session, encoder, {image_id: vectors[item_id] for item_id, image_id in added.items()}
                )
            written = {
                item_id: image_ids[work.source_id]
                for item_id, work in works.items()
                if work.source_id in image_ids
            }
            ledger.settle(
                session,
                ingested=written | added,
                duplicates=[item_id for item_id, work in works.items() if work.source_id not in image_ids],
                failures=failures,
            )
            ledger.defer(session, dict.fromkeys(lost, 0.0))


def _leave_out_withdrawn(
    session: Session, run: RunFacts, works: dict[int, NewWork]
) -> dict[int, StylesearchError]:
    """Take out what a rights holder has had withdrawn since it was prepared; return it as failures."""
    if not works:
        return {}
    hold_collection(session, run.collection_id)
    found = withdrawals(
        session,
        run.collection_id,
        source_ids=[work.source_id for work in works.values()],
        digests=[work.image.sha256 for work in works.values()],
    )
    out = [item_id for item_id, work in works.items() if found.names(work.source_id, work.image.sha256)]
    for item_id in out:
        del works[item_id]
    return {item_id: withdrawn_error() for item_id in out}


def _describe(encoder: Encoder, pixels: dict[int, Pixels], failures: dict[int, StylesearchError]) -> Vectors:
    """Describe pixels by item id; one that no descriptor can be had of is added to the failures."""
    if not pixels:
        return {}
    try:
        if isinstance(encoder, PreparingEncoder):
            prepared = list(pixels.values())
            found = checked(encoder.encode_prepared(prepared), count=len(prepared), dim=encoder.spec.dim)
        else:
            found = encode_checked(encoder, list(pixels.values()))
    except StylesearchError as error:
        if error.code != "descriptor_invalid":
            raise
        if len(pixels) == 1:
            failures[next(iter(pixels))] = error
            return {}
        # One picture spoils the batch: each by itself tells which.
        alone = [_describe(encoder, {item_id: one}, failures) for item_id, one in pixels.items()]
        return {item_id: vector for vectors in alone for item_id, vector in vectors.items()}
    return dict(zip(pixels, found, strict=True))


def _new_work(item: Claimed, vector: NDArray[np.float32]) -> NewWork:
    assert item.facts is not None
    measured = dict(item.facts["image"])
    image = ImageFacts(**{**measured, "sha256": bytes.fromhex(measured["sha256"])})
    return NewWork(
        source_id=item.source_id,
        source_digest=source_digest(image.sha256, item.record),
        record=WorkRecord.from_json(item.facts["record"]),
        image=image,
        vector=vector,
        source_version=item.version,
        fetch_version=item.facts.get("fetch_version"),
    )
