"""Works: listed under a filter, and each with all of its images and credits."""

from __future__ import annotations

from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.catalog.artists import Artist, WorkArtist
from stylesearch.catalog.cards import WorkCard, card_of_work
from stylesearch.catalog.works import Image, Work
from stylesearch.errors import NotFoundError
from stylesearch.search.ordered import count_works, every_work, list_works
from stylesearch.wire.works import CreditTold, ImageTold, WorkDetail, WorkPage, WorksQuery
from web.api import access, links
from web.api.answers import JSON, told
from web.api.exports import CSV, JSON_LINES, exported, work_table
from web.api.filtering import filter_of_lines, filter_pairs
from web.api.operations import Answer, Operations
from web.api.telling import work_told, work_values
from web.services import services

operations = Operations("works")
TABLE = work_table("works")


@operations.add(
    "GET",
    "/works",
    "read",
    Answer("Works.", {JSON: WorkPage, CSV: None, JSON_LINES: None}),
    query=WorksQuery,
)
def list_all_works(query: WorksQuery) -> AnyResponse:
    """List works under a filter.

    Only works with an image are listed. With `format=csv` or `format=jsonl` all of them are sent, as they are read; then
    `limit` counts for nothing.
    """
    where, seen = filter_of_lines(query.q), access.current()
    if query.format != "json":
        cards = every_work(services().database, where, order=query.sort, after=query.after, access=seen)
        return exported(map(work_told, cards), query.format, TABLE)
    with services().database.session() as session:
        cards_and_more = list_works(
            session, where, order=query.sort, limit=query.limit + 1, after=query.after, access=seen
        )
        total = count_works(session, where, seen) if query.after is None else None
    shown = cards_and_more[: query.limit]
    following = None
    if len(cards_and_more) > query.limit:
        sort = [("sort", query.sort)] if query.sort != "id" else []
        pairs = [*filter_pairs(where), *sort, ("limit", str(query.limit)), ("after", str(shown[-1].work_id))]
        following = links.address("list_all_works", pairs)
    return told(WorkPage(items=[*map(work_told, shown)], next=following, total=total))


@operations.add("GET", "/works/{work_id}", "read", WorkDetail)
def read_work(work_id: int) -> WorkDetail:
    """Tell all of a work."""
    with services().database.session() as session:
        card = card_or_missing(card_of_work(session, work_id, access.current()), work_id)
        work = session.get_one(Work, work_id)
        images = session.scalars(select(Image).where(Image.work_id == work_id).order_by(Image.id)).all()
        credited = session.execute(
            select(WorkArtist, Artist.name)
            .join(Artist, Artist.id == WorkArtist.artist_id)
            .where(WorkArtist.work_id == work_id)
            .order_by(WorkArtist.position, WorkArtist.artist_id, WorkArtist.role)
        ).all()
        return WorkDetail(
            **work_values(card),
            images=[_image_told(image) for image in images],
            credits=[
                CreditTold(
                    artist_id=credit.artist_id,
                    name=name,
                    role=credit.role,
                    qualifier=credit.qualifier,
                    url=links.address("read_artist", artist_id=credit.artist_id),
                )
                for credit, name in credited
            ],
            ai_training=work.ai_training,
            created_at=work.created_at,
            updated_at=work.updated_at,
        )


def card_or_missing(card: WorkCard | None, work_id: int) -> WorkCard:
    """Return a card.

    Raises
    ------
    NotFoundError
        ``unknown_work``, if there is none.
    """
    if card is None:
        raise NotFoundError(
            f"There is no work {work_id} here.", hint="It may have been withdrawn.", code="unknown_work"
        )
    return card


def _image_told(image: Image) -> ImageTold:
    digest = image.sha256.hex()
    return ImageTold(
        image_id=image.id,
        sha256=digest,
        width=image.width,
        height=image.height,
        media_type=image.media_type,
        thumbnail=links.thumbnail(digest),
        image=links.original(digest),
    )
