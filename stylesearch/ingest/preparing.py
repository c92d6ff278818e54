"""The first stage: get a file, look whether there is anything to do, decode it, store it, and spool its pixels."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass

from sqlalchemy import text

from stylesearch.catalog.database import Database
from stylesearch.catalog.records import ImageFacts, NewRecord, WorkRecord, source_digest
from stylesearch.encoders.decoding import decode_for
from stylesearch.encoders.protocol import Encoder, PreparingEncoder
from stylesearch.errors import ImageError
from stylesearch.images import formats
from stylesearch.images.decode import Picture, weigh
from stylesearch.images.hashes import perceptual_hash, sha256
from stylesearch.images.store import ImageStore
from stylesearch.images.thumbnails import thumbnail
from stylesearch.ingest.fetching.answers import TroubleError
from stylesearch.ingest.fetching.fetcher import Fetched
from stylesearch.ingest.fetching.reservations import Reservation, opted_out
from stylesearch.ingest.getting import Getter, Got
from stylesearch.ingest.held import Held, held_works, holders, withdrawals, withdrawn_error
from stylesearch.ingest.keeper import Keeper
from stylesearch.ingest.ledger import Claimed, Prepared
from stylesearch.ingest.metadata.mining import read_mining_reservations
from stylesearch.ingest.outages import through_outages
from stylesearch.ingest.outcome import Outcome, RunFacts
from stylesearch.ingest.pixel_budget import PixelBudget
from stylesearch.ingest.records import complete_record, with_reservations
from stylesearch.ingest.spool import Spool
from stylesearch.logs import logging_about
from stylesearch.settings import Settings

log = logging.getLogger(__name__)

FIRST_DEFERRAL, LONGEST_DEFERRAL = 30.0, 6 * 3600.0
"""How many seconds a server that is not ready is left alone, four times as long each time."""


@dataclass(frozen=True)
class Preparer:
    """Does the first stage; one a process, for any number of threads."""

    database: Database
    store: ImageStore
    spool: Spool
    getter: Getter
    keeper: Keeper
    budget: PixelBudget
    settings: Settings

    def deal_with(self, run: RunFacts, items: list[Claimed], encoder: Encoder) -> None:
        """Take held items through the stage, and write down what became of them.

        Raises
        ------
        StylesearchError
            If the store or the database fails; nothing of the batch is then written or left in the spool.
        """
        outcome = Outcome()
        batch = _Batch(self, run, encoder, outcome)
        try:
            with self.database.session() as session:
                held = held_works(
                    session, run.collection_id, run.encoder_id, [item.source_id for item in items]
                )
            for item, got in self.getter.get_all(items, held):
                with logging_about(item=item.id):
                    batch.take(item, held.get(item.source_id), got)
                self.keeper.moved()
            for item_id, error in outcome.failures.items():
                with logging_about(item=item_id):
                    log.info("quarantined: %s: %s", error.code, error)
            kept = through_outages(lambda: self._write(run, outcome))
        except BaseException:
            self.spool.remove(one.spool_key for one in outcome.prepared)
            raise
        # Somebody else took these over meanwhile, and has prepared them too.
        self.spool.remove(one.spool_key for one in outcome.prepared if one.item_id not in kept)

    def _write(self, run: RunFacts, outcome: Outcome) -> set[int]:
        with self.database.session() as session:
            return outcome.write(session, run.collection_id)

    def decode(self, data: bytes, encoder: Encoder) -> Picture:
        """Decode a file, when memory has room for its pixels."""
        max_bytes, max_pixels = self.settings.max_file_bytes, self.settings.max_pixels
        pixels = 0
        if formats.sniff(data) is not formats.SVG:  # a drawing is rendered at the size it is needed
            pixels = weigh(data, max_bytes=max_bytes, max_pixels=max_pixels)
        with self.budget.decoding(pixels):
            return decode_for(encoder, data, max_bytes=max_bytes, max_pixels=max_pixels)


@dataclass(frozen=True)
class _Batch:
    """A batch on its way through the stage."""

    stage: Preparer
    run: RunFacts
    encoder: Encoder
    outcome: Outcome

    def take(self, item: Claimed, held: Held | None, got: Got) -> None:
        try:
            if isinstance(got, TroubleError):
                self._defer(item, got)
            elif isinstance(got, ImageError):
                self.outcome.failures[item.id] = got
            elif item.task == "descriptor":
                self._spool(item, self.stage.decode(got.data, self.encoder), sha256(got.data), {})
            else:
                self._look(item, held, got)
        except ImageError as error:
            self.outcome.failures[item.id] = error.bare()

    def _defer(self, item: Claimed, error: TroubleError) -> None:
        if item.deferrals + 1 >= self.stage.settings.ingest_max_attempts:
            self.outcome.failures[item.id] = error
            return
        wait = max(error.retry_after or 0.0, FIRST_DEFERRAL * 4**item.deferrals)
        self.outcome.deferred[item.id] = min(wait, LONGEST_DEFERRAL)

    def _look(self, item: Claimed, held: Held | None, got: Fetched) -> None:
        """Tell what is to be done with a file, now that its bytes are known."""
        if got.not_modified:
            assert held is not None, "only what is held is asked for on a condition"
            data = self.stage.getter.original(held.storage_key)
        else:
            data = got.data
        digest = sha256(data)
        reservations = self._reservations(got, data)
        if digest != item.sha256:
            self.outcome.digests[item.id] = digest
            if self._needs_nothing(item, held, digest, got):
                return
        same_image = held is not None and held.described and held.sha256 == digest
        if held is not None and same_image and (item.task == "record" or item.sha256 is None):
            said = NewRecord(
                item.source_id,
                source_digest(digest, item.record),
                self._record(item, data, reservations),
                item.version,
                got.version or held.fetch_version,
            )
            self.outcome.records[item.id] = (said, held.image_id)
            return
        self._prepare(item, data, digest, got.version, reservations)

    def _reservations(self, got: Fetched, data: bytes) -> tuple[Reservation, ...]:
        """Return what was reserved.

        Raises
        ------
        ImageError
            ``opted_out``, if it asks to leave the work out altogether.
        """
        found = got.reservations + read_mining_reservations(data)
        out = opted_out(found)
        if out is not None and self.stage.settings.honour_reservations:
            raise ImageError(
                f"Its server says {out.kind}.",
                hint="It is left out; STYLESEARCH_HONOUR_RESERVATIONS decides.",
                code="opted_out",
            )
        return found

    def _needs_nothing(self, item: Claimed, held: Held | None, digest: bytes, got: Fetched) -> bool:
        """Look whether bytes that discovery did not know need any work; if not, note why."""
        run = self.run
        with self.stage.database.session() as session:
            withdrawn = withdrawals(session, run.collection_id, source_ids=[item.source_id], digests=[digest])
            holder = holders(session, run.collection_id, [digest]).get(digest)
            earlier = session.scalar(
                text(
                    "SELECT 1 FROM ingest_item WHERE run_id = :run AND sha256 = :digest AND id <> :id"
                    " AND state IN ('prepared', 'embedding', 'ingested', 'unchanged') LIMIT 1"
                ),
                {"run": run.id, "digest": digest, "id": item.id},
            )
        if withdrawn.names(item.source_id, digest):
            raise withdrawn_error()
        if holder is not None and holder[0] != item.source_id:
            self.outcome.duplicates[item.id] = holder[1]
            return True
        if earlier is not None or any(one.sha256 == digest for one in self.outcome.prepared):
            self.outcome.duplicates[item.id] = None
            return True
        if held is None or not held.described or held.source_digest != source_digest(digest, item.record):
            return False
        self.outcome.unchanged[item.id] = held.image_id
        versions = (item.version, got.version or held.fetch_version)
        if versions != (held.source_version, held.fetch_version):
            self.outcome.versions[item.source_id] = versions
        return True

    def _record(self, item: Claimed, data: bytes, reservations: tuple[Reservation, ...]) -> WorkRecord:
        found = formats.sniff(data)
        media_type = found.media_type if found else ""
        record = complete_record(item.source_id, item.record, data, media_type, self.run.default_rights)
        return with_reservations(record, reservations)

    def _prepare(
        self,
        item: Claimed,
        data: bytes,
        digest: bytes,
        fetch_version: str | None,
        reservations: tuple[Reservation, ...],
    ) -> None:
        picture = self.stage.decode(data, self.encoder)
        info = picture.info
        image = ImageFacts(
            sha256=digest,
            perceptual_hash=perceptual_hash(picture.pixels),
            width=info.width,
            height=info.height,
            media_type=info.media_type,
            storage_key=self.stage.store.put_original(data, digest, info.media_type),
        )
        self.stage.store.put_thumbnail(thumbnail(picture.pixels), digest)
        facts: dict[str, object] = {
            "image": {**asdict(image), "sha256": digest.hex()},
            "record": self._record(item, data, reservations).to_json(),
            "fetch_version": fetch_version,
        }
        self._spool(item, picture, digest, facts)

    def _spool(self, item: Claimed, picture: Picture, digest: bytes, facts: dict[str, object]) -> None:
        encoder = self.encoder
        pixels = encoder.prepare(picture.pixels) if isinstance(encoder, PreparingEncoder) else picture.pixels
        key, size = self.stage.spool.put(pixels)
        self.outcome.prepared.append(Prepared(item.id, digest, facts, key, size))
