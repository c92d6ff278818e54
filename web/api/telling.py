"""From the catalogue's own objects to what the API tells of them."""

from __future__ import annotations

from typing import Any

from stylesearch.catalog.cards import Rights, WorkCard
from stylesearch.wire.works import RightsTold, WorkLinks, WorkTold
from web.api import links


def work_told(card: WorkCard) -> WorkTold:
    """Return what is told of a work."""
    return WorkTold(**work_values(card))


def work_values(card: WorkCard) -> dict[str, Any]:
    """Return what is told of a work, for models that tell more."""
    return card.to_json() | {
        "work_rights": rights_told(card.work_rights),
        "image_rights": rights_told(card.image_rights),
        "links": work_links(card.work_id, card.sha256),
    }


def rights_told(rights: Rights) -> RightsTold:
    """Return what is told of a rights statement."""
    return RightsTold(label=rights.label, uri=rights.uri, reuse=rights.reuse, spdx_id=rights.spdx_id)


def work_links(work_id: int, digest: str) -> WorkLinks:
    """Return where more of a work is to be had."""
    return WorkLinks(
        url=links.address("read_work", work_id=work_id),
        page=links.page("portal.work", work_id=work_id),
        manifest=links.address("read_manifest", work_id=work_id),
        thumbnail=links.thumbnail(digest),
        image=links.original(digest),
    )
