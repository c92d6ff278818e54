"""Collections: what there is, and each with what it holds and under which rights."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from stylesearch.catalog.access import visible
from stylesearch.catalog.cards import WorkCard
from stylesearch.catalog.collections import find_collection
from stylesearch.catalog.works import Collection, Image, Work
from stylesearch.search.conditions import FromCollection
from stylesearch.search.listing import list_works
from web.identity import current_access
from web.paging import Pages, page_number
from web.query_string import PAGE, SearchAddress
from web.services import services
from web.showcase import cards_in_order

SAMPLES = 4

collections = Blueprint("collections", __name__, url_prefix="/collections")


@dataclass(frozen=True, slots=True)
class Summary:
    """A collection with how many works it has, from when, and some of them."""

    collection: Collection
    works: int
    first_year: int | None
    last_year: int | None
    samples: tuple[WorkCard, ...] = ()


@collections.get("")
def listed() -> str:
    """List the collections that may be seen and hold something."""
    with services().database.session() as session:
        found = [
            Summary(
                one.collection, one.works, one.first_year, one.last_year, _samples(session, one.collection)
            )
            for one in _summaries(session)
        ]
    return render_template("collections.html", collections=found)


@collections.get("/<slug>")
def shown(slug: str) -> str:
    """Show a collection: where it comes from, what it holds, and its works."""
    access = current_access()
    with services().database.session() as session:
        collection = find_collection(session, slug.replace("\0", ""), access)
        where = FromCollection(collection.slug)
        works = list_works(session, where, page=page_number(), size=PAGE, access=access, with_facets=True)
        summary = next(iter(_summaries(session, collection.id)), Summary(collection, 0, None, None))
    source = collection.source_uri or ""
    return render_template(
        "collection.html",
        summary=summary,
        works=works,
        pages=Pages(works.page, works.pages, PAGE),
        source=source if source.startswith(("http://", "https://")) else "",
        listing=SearchAddress(where=where),
    )


def _summaries(session: Session, collection_id: int | None = None) -> list[Summary]:
    found = (
        select(Collection, func.count(Work.id), func.min(Work.year_from), func.max(Work.year_to))
        .join(Work, Work.collection_id == Collection.id)
        .where(visible(current_access()))
        .group_by(Collection.id)
        .order_by(func.lower(Collection.title), Collection.id)
    )
    if collection_id is not None:
        found = found.where(Collection.id == collection_id)
    return [Summary(*row) for row in session.execute(found)]


def _samples(session: Session, collection: Collection) -> tuple[WorkCard, ...]:
    """Return a few works of a collection, the same ones each time."""
    ids = session.scalars(
        select(Image.id)
        .join(Work, Work.id == Image.work_id)
        .where(Work.collection_id == collection.id, visible(current_access()))
        .order_by(func.hashint8(Image.id))
        .limit(SAMPLES)
    )
    return tuple(cards_in_order(session, list(ids)))
