"""Which pictures may be seen, and how large ones are drawn for pages."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from stylesearch.catalog.access import visible
from stylesearch.catalog.works import Image, Work
from web.identity import current_access
from web.services import services


@dataclass(frozen=True, slots=True)
class Original:
    """An image file of the store."""

    storage_key: str
    media_type: str


def visible_original(digest: str) -> Original | None:
    """Return where an image is kept, if a work that may be seen has it."""
    with services().database.session() as session:
        row = session.execute(
            select(Image.storage_key, Image.media_type)
            .join(Work, Work.id == Image.work_id)
            .where(Image.sha256 == bytes.fromhex(digest), visible(current_access()))
            .limit(1)
        ).one_or_none()
    return None if row is None else Original(*row)
