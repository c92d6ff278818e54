"""From open items to written works, in two stages: fetch and decode, then describe and write."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from sqlalchemy.orm import Session

from stylesearch.catalog.database import Database
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.encoders import changed
from stylesearch.encoders.protocol import Encoder
from stylesearch.encoders.registry import configured_encoder
from stylesearch.errors import ServiceError, StylesearchError
from stylesearch.images.store import ImageStore, open_spool
from stylesearch.ingest import ledger
from stylesearch.ingest.batching import BatchSize
from stylesearch.ingest.describing import Describer
from stylesearch.ingest.fetching.fetcher import Fetcher
from stylesearch.ingest.getting import Getter
from stylesearch.ingest.keeper import Keeper
from stylesearch.ingest.ledger import Claimed, Stage
from stylesearch.ingest.outages import AWAY, through_outages
from stylesearch.ingest.outcome import RunFacts, read_facts
from stylesearch.ingest.pixel_budget import PixelBudget
from stylesearch.ingest.preparing import Preparer
from stylesearch.ingest.spool import Spool
from stylesearch.logs import logging_about
from stylesearch.settings import Settings


class Pipeline:
    """Both stages of a process. The first may be used by several threads, the second by one at a time.

    Parameters
    ----------
    encoder:
        The encoder that new works are described with; runs for another one get theirs.
    expendable:
        Whether a process that is stuck may end itself, because somebody starts it again.

    Attributes
    ----------
    spool:
        Where pixels wait between the stages.
    """

    def __init__(
        self,
        database: Database,
        store: ImageStore,
        encoder: Encoder,
        settings: Settings,
        *,
        expendable: bool = False,
    ) -> None:
        self.database = database
        self.settings = settings
        self.spool = Spool(open_spool(settings), max_bytes=settings.spool_max_bytes)
        self.store = store
        self.encoder = encoder
        self._encoders: dict[int, Encoder] = {}
        self._guard = threading.Lock()
        self._keeper = Keeper(
            database,
            lease_seconds=settings.ingest_lease_seconds,
            stall_seconds=settings.worker_stall_seconds,
            exits=expendable,
        )
        self._fetcher = Fetcher(settings)
        getter = Getter(store, self._fetcher, settings.ingest_threads)
        budget = PixelBudget(settings.decode_pixels)
        self._preparer = Preparer(database, store, self.spool, getter, self._keeper, budget, settings)
        self._describer = Describer(database, self.spool, self._keeper)
        self._batch_size = BatchSize(settings.embed_batch_size)

    def close(self) -> None:
        """Close connections to servers."""
        self._fetcher.close()

    def fetch_batch(self, run_id: int) -> int:
        """Fetch, decode and spool a batch of a run's items.

        Returns
        -------
        int
            How many it was; 0 when none was to be had, or there is no room in the spool for more.

        Raises
        ------
        StylesearchError
            If the store or, for longer than ten minutes, the database fails. That is no fault of the items: they are
            given back, and the run says what its problem is.
        """
        return through_outages(lambda: self._fetch_batch(run_id))

    def _fetch_batch(self, run_id: int) -> int:
        with self.database.session() as session:
            limit = min(self.settings.ingest_batch_size, self.spool.room(session))
            items = self._claim(session, run_id, ledger.FETCH, limit) if limit else []
            facts = read_facts(session, run_id)
        if items:
            with self._holding(run_id, items):
                self._preparer.deal_with(facts, items, self._encoder_of(facts))
        return len(items)

    def embed_batch(self, run_id: int) -> int:
        """Describe and write a batch of a run's spooled items; result and errors as :meth:`fetch_batch`.

        The encoder's failures stop the run too.
        """
        return through_outages(lambda: self._embed_batch(run_id))

    def _embed_batch(self, run_id: int) -> int:
        size = self._batch_size
        with self.database.session() as session:
            items = self._claim(session, run_id, ledger.EMBED, size.size)
            facts = read_facts(session, run_id)
        if items:
            began = time.monotonic()
            with self._holding(run_id, items):
                self._describer.deal_with(facts, items, self._encoder_of(facts))
            size.record(len(items), time.monotonic() - began)
        return len(items)

    def run_batch(self, run_id: int) -> int:
        """Do a batch of each stage, one after the other; return how many items were moved on."""
        return self.fetch_batch(run_id) + self.embed_batch(run_id)

    def _claim(self, session: Session, run_id: int, stage: Stage, limit: int) -> list[Claimed]:
        return ledger.claim(
            session,
            run_id,
            stage,
            limit=limit,
            lease_seconds=self.settings.ingest_lease_seconds,
            max_attempts=self.settings.ingest_max_attempts,
        )

    @contextmanager
    def _holding(self, run_id: int, items: list[Claimed]) -> Iterator[None]:
        """Hold items for as long as the block lasts; give them back if it ends early through no fault of theirs."""
        ids = [item.id for item in items]
        try:
            with logging_about(run=run_id), self._keeper.holding(ids):
                yield
        except StylesearchError as error:
            # A server that was away for a moment is back when this is written, and stops nobody.
            problem = None if error.code in AWAY else str(error)
            through_outages(partial(self._give_back, run_id, ids, problem))
            raise
        except (KeyboardInterrupt, SystemExit):
            with suppress(ServiceError):
                self._give_back(run_id, ids, None)
            raise

    def _give_back(self, run_id: int, ids: list[int], problem: str | None) -> None:
        with self.database.session() as session:
            ledger.give_back(session, run_id, ids, problem)

    def _encoder_of(self, run: RunFacts) -> Encoder:
        """Return the encoder that a run's images are described with.

        Raises
        ------
        StylesearchError
            If it is not here, or has changed since the run was begun.
        """
        with self._guard:
            if run.encoder_id not in self._encoders:
                with self.database.session() as session:
                    row = session.get_one(EncoderRow, run.encoder_id)
                self._encoders[run.encoder_id] = self._find_encoder(row)
            return self._encoders[run.encoder_id]

    def _find_encoder(self, row: EncoderRow) -> Encoder:
        if self.encoder.spec.digest == row.digest:
            return self.encoder
        found = configured_encoder(self.settings, row.slug)
        if found.spec.digest != row.digest:
            raise changed(row, found.spec.digest)
        return found
