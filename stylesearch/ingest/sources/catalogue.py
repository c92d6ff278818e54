"""The catalogue's own images, to be described by another encoder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from stylesearch.catalog.collections import find_collection
from stylesearch.catalog.database import Database, open_database
from stylesearch.catalog.records import WorkRecord
from stylesearch.catalog.works import Image, Work
from stylesearch.ingest.sources.protocol import Found, Page
from stylesearch.settings import Settings

PAGE = 1000


@dataclass(frozen=True)
class CatalogueSource:
    """The images of one collection, as the image store has them.

    An image's source id and version are its number; its locator is ``store:`` and its key.

    Attributes
    ----------
    collection:
        Slug.
    encoder:
        Slug of the encoder that is to describe them.
    """

    database: Database
    collection: str
    encoder: str

    @property
    def uri(self) -> str:
        """What names this source in the ledger."""
        return f"encoder:{self.encoder}"

    @property
    def kind(self) -> str:
        """``backfill``."""
        return "backfill"

    def pages(self, cursor: str | None) -> Iterator[Page]:
        """Yield the images in the order of their numbers; a cursor is the last one before the place to go on from."""
        last = int(cursor or 0)
        with self.database.session() as session:
            collection_id = find_collection(session, self.collection).id
            here = (Image.collection_id == collection_id, Work.withdrawn_at.is_(None))
            total = session.scalar(select(func.count()).select_from(Image).join(Work).where(*here)) or 0
        while True:
            with self.database.session() as session:
                rows = session.execute(
                    select(Image.id, Image.storage_key, Image.sha256)
                    .join(Work, Work.id == Image.work_id)
                    .where(*here, Image.id > last)
                    .order_by(Image.id)
                    .limit(PAGE)
                ).all()
            found = tuple(
                Found(str(row.id), f"store:{row.storage_key}", bytes(row.sha256), WorkRecord(), str(row.id))
                for row in rows
            )
            if len(rows) < PAGE:
                yield Page(found, None, total)
                return
            last = rows[-1].id
            yield Page(found, str(last), total)


def from_options(options: Mapping[str, Any], settings: Settings) -> CatalogueSource:
    """Return the source that a run's options describe: ``collection`` and ``encoder``."""
    return CatalogueSource(open_database(settings), options["collection"], options["encoder"])
