"""What the pages show beside a search: how large the archive is, where to start, and other works of an artist."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from stylesearch.catalog.access import visible
from stylesearch.catalog.artists import Artist, WorkArtist
from stylesearch.catalog.cards import WorkCard, cards_of_images
from stylesearch.catalog.works import Image, Work
from web.identity import current_access

NAMES_SUGGESTED = 1000


@dataclass(frozen=True, slots=True)
class ArchiveSize:
    """How many works may be seen, by how many artists, in how many collections."""

    works: int
    artists: int
    collections: int


def archive_size(session: Session) -> ArchiveSize:
    """Count what may be seen."""
    artists = (
        select(func.count(WorkArtist.artist_id.distinct()))
        .join(Work, Work.id == WorkArtist.work_id)
        .where(visible(current_access()))
    )
    works, collections = session.execute(
        select(func.count(), func.count(Work.collection_id.distinct()))
        .select_from(Work)
        .where(visible(current_access()))
    ).one()
    return ArchiveSize(works, session.scalar(artists) or 0, collections)


def sample_works(session: Session, number: int) -> list[WorkCard]:
    """Return works to start from, each by another artist, spread evenly over all artists by name.

    The same archive gives the same works. Works without an artist are taken where no artist is known at all.
    """
    order = func.row_number().over(order_by=(Artist.sort_name, Artist.id)).label("place")
    total = session.scalar(select(func.count()).select_from(Artist)) or 0
    # A few more than needed, for artists whose works are all withdrawn.
    step = max(1, total // (2 * number))
    placed = select(Artist.id, order).subquery()
    first = (
        select(Image.id)
        .join(Work, Work.id == Image.work_id)
        .join(WorkArtist, WorkArtist.work_id == Work.id)
        .where(WorkArtist.artist_id == placed.c.id, visible(current_access()))
        .order_by(Image.id)
        .limit(1)
        .lateral()
    )
    image_ids = list(
        session.scalars(
            select(first.c.id)
            .select_from(placed)
            .join(first, first.c.id.is_not(None))
            .where(placed.c.place % step == 0)
            .order_by(placed.c.place)
        )
    )
    image_ids = list(dict.fromkeys(image_ids))
    if not image_ids:
        statement = select(Image.id).join(Work, Work.id == Image.work_id).where(visible(current_access()))
        image_ids = list(session.scalars(statement.order_by(Image.id).limit(number)))
    spread = image_ids[:: max(1, len(image_ids) // number)][:number]
    return _in_order(session, spread)


def other_works(session: Session, card: WorkCard, number: int) -> list[WorkCard]:
    """Return other works by a work's artists, each with one image."""
    artists = select(WorkArtist.artist_id).where(WorkArtist.work_id == card.work_id)
    first_images = (
        select(func.min(Image.id))
        .join(Work, Work.id == Image.work_id)
        .join(WorkArtist, WorkArtist.work_id == Work.id)
        .where(WorkArtist.artist_id.in_(artists), Work.id != card.work_id, visible(current_access()))
        .group_by(Work.id)
        .order_by(func.min(Image.id))
        .limit(number)
    )
    return _in_order(session, list(session.scalars(first_images)))


def artist_names(session: Session) -> list[str]:
    """Return artists' names to suggest while one is typed."""
    seen = exists().where(
        WorkArtist.artist_id == Artist.id, WorkArtist.work_id == Work.id, visible(current_access())
    )
    named = select(Artist.name).where(seen.correlate(Artist)).order_by(Artist.sort_name)
    return list(session.scalars(named.limit(NAMES_SUGGESTED)))


def _in_order(session: Session, image_ids: list[int]) -> list[WorkCard]:
    cards = cards_of_images(session, image_ids, current_access())
    return [cards[image_id] for image_id in image_ids if image_id in cards]
