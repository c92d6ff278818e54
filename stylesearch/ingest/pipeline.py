"""From claimed items to written works: read, decode, describe, store, write."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeVar

from sqlalchemy import select

from stylesearch.catalog.database import Database
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.records import ImageFacts, NewWork, WorkRecord, source_digest, tidy
from stylesearch.catalog.rights import License
from stylesearch.catalog.runs import IngestRun
from stylesearch.catalog.works import Collection
from stylesearch.catalog.writers import write_works
from stylesearch.encoders.decoding import decode_for
from stylesearch.encoders.protocol import Encoder
from stylesearch.encoders.registry import encode_checked
from stylesearch.errors import ImageError, ServiceError, StylesearchError
from stylesearch.images.decode import Picture
from stylesearch.images.hashes import perceptual_hash, sha256
from stylesearch.images.store import ImageStore
from stylesearch.images.thumbnails import thumbnail
from stylesearch.ingest import ledger
from stylesearch.ingest.ledger import Claimed
from stylesearch.ingest.metadata.embedded import read_embedded_metadata
from stylesearch.ingest.metadata.svg import read_svg_metadata
from stylesearch.ingest.sources.folder import read_locator
from stylesearch.settings import Settings

SVG = "image/svg+xml"
OUTAGE_SECONDS = 60.0

log = logging.getLogger(__name__)
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Ready:
    """An item decoded and stored, still without a descriptor."""

    item: Claimed
    record: WorkRecord
    image: ImageFacts
    picture: Picture


@dataclass(frozen=True)
class Pipeline:
    """What an ingest task needs; one a process, used by one thread at a time."""

    database: Database
    store: ImageStore
    encoder: Encoder
    settings: Settings

    def run_batch(self, run_id: int) -> int:
        """Deal with one batch of a run's open items; return how many it was, 0 when none was to be had.

        Raises
        ------
        StylesearchError
            If the store, the encoder or, for longer than a minute, the database fails. That is no fault of the items:
            they are given back, and the run says what its problem is.
        """
        items, run = self._claim(run_id)
        if not items:
            return 0
        try:
            self._deal_with(items, run)
        except StylesearchError as error:
            # Where the database is what fails, the items are free again when their lease is over.
            with suppress(ServiceError), self.database.session() as session:
                ledger.give_back(session, run_id, [item.id for item in items], str(error))
            raise
        return len(items)

    def _deal_with(self, items: list[Claimed], run: IngestRun) -> None:
        default_rights = self._default_rights(run)
        ready: list[_Ready] = []
        failures: dict[int, StylesearchError] = {}
        for item in items:
            try:
                ready.append(self._prepare(item, default_rights))
            except ImageError as error:
                failures[item.id] = error
        works = self._describe(ready, failures)
        through_outages(lambda: self._write(run, works, failures))

    def _claim(self, run_id: int) -> tuple[list[Claimed], IngestRun]:
        with self.database.session() as session:
            run = session.get_one(IngestRun, run_id)
            items = ledger.claim(
                session,
                run_id,
                limit=self.settings.ingest_batch_size,
                lease_seconds=self.settings.ingest_lease_seconds,
                max_attempts=self.settings.ingest_max_attempts,
            )
            return items, run

    def _default_rights(self, run: IngestRun) -> str | None:
        with self.database.session() as session:
            return session.scalar(
                select(License.uri)
                .join(Collection, Collection.default_license_id == License.id)
                .where(Collection.id == run.collection_id)
            )

    def _prepare(self, item: Claimed, default_rights: str | None) -> _Ready:
        max_bytes, max_pixels = self.settings.max_file_bytes, self.settings.max_pixels
        data = read_locator(item.locator, max_bytes=max_bytes)
        picture = decode_for(self.encoder, data, max_bytes=max_bytes, max_pixels=max_pixels)
        digest = sha256(data)
        key = self.store.put_original(data, digest, picture.info.media_type)
        self.store.put_thumbnail(thumbnail(picture.pixels), digest)
        image = ImageFacts(
            sha256=digest,
            perceptual_hash=perceptual_hash(picture.pixels),
            width=picture.info.width,
            height=picture.info.height,
            media_type=picture.info.media_type,
            storage_key=key,
        )
        return _Ready(item, complete_record(item, data, image.media_type, default_rights), image, picture)

    def _describe(self, ready: list[_Ready], failures: dict[int, StylesearchError]) -> dict[int, NewWork]:
        """Describe prepared items; one that no descriptor can be had of is added to the failures."""
        if not ready:
            return {}
        try:
            vectors = encode_checked(self.encoder, [one.picture.pixels for one in ready])
        except StylesearchError as error:
            if error.code != "descriptor_invalid":
                raise
            if len(ready) == 1:
                failures[ready[0].item.id] = error
                return {}
            # One picture spoils the batch: each by itself tells which.
            alone = [self._describe([one], failures) for one in ready]
            return {item_id: work for works in alone for item_id, work in works.items()}
        return {
            one.item.id: NewWork(
                source_id=one.item.source_id,
                source_digest=source_digest(one.image.sha256, one.item.record),
                record=one.record,
                image=one.image,
                vector=vector,
            )
            for one, vector in zip(ready, vectors, strict=True)
        }

    def _write(
        self, run: IngestRun, works: dict[int, NewWork], failures: dict[int, StylesearchError]
    ) -> None:
        with self.database.session() as session:
            encoder = session.get_one(EncoderRow, run.encoder_id)
            image_ids = write_works(
                session, collection_id=run.collection_id, encoder=encoder, works=list(works.values())
            )
            ledger.settle(
                session,
                ingested={
                    item_id: image_ids[work.source_id]
                    for item_id, work in works.items()
                    if work.source_id in image_ids
                },
                duplicates=[item_id for item_id, work in works.items() if work.source_id not in image_ids],
                failures=failures,
            )


def complete_record(item: Claimed, data: bytes, media_type: str, default_rights: str | None) -> WorkRecord:
    """Return an item's metadata: the table beside it first, then the file's own, then its name."""
    inside = read_svg_metadata(data) if media_type == SVG else read_embedded_metadata(data)
    name = tidy(PurePosixPath(item.source_id).stem.replace("_", " "))
    fallback = WorkRecord(
        title=name or item.source_id, work_rights=default_rights, image_rights=default_rights
    )
    return item.record.over(inside).over(fallback).clipped()


def through_outages(action: Callable[[], Result]) -> Result:
    """Do something with the database, again and again while it cannot be reached, for a minute at most.

    What took seconds to describe is not thrown away because the database restarts.
    """
    deadline = time.monotonic() + OUTAGE_SECONDS
    while True:
        try:
            return action()
        except ServiceError as error:
            if error.code != "database_unreachable" or time.monotonic() > deadline:
                raise
            log.warning("waiting for the database: %s", error)
            time.sleep(1)
