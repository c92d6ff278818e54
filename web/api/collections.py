"""Collections: what there is, and who may see them."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from stylesearch.catalog.access import Access, open_to, visible
from stylesearch.catalog.collections import change_collection, find_collection
from stylesearch.catalog.rights import License
from stylesearch.catalog.works import Collection, Work
from stylesearch.search.conditions import FromCollection
from stylesearch.wire.collections import (
    CollectionChange,
    CollectionLinks,
    CollectionPage,
    CollectionsQuery,
    CollectionTold,
)
from stylesearch.wire.works import RightsTold
from web.api import access, links
from web.api.answers import JSON, told
from web.api.filtering import filter_pairs
from web.api.operations import Answer, Operations
from web.api.preconditions import check_unchanged
from web.api.requests import JsonBody
from web.services import services

operations = Operations("collections")


@operations.add("GET", "/collections", "read", CollectionPage, query=CollectionsQuery)
def list_collections(query: CollectionsQuery) -> CollectionPage:
    """List collections, by their slugs."""
    seen = access.current()
    with services().database.session() as session:
        statement = _statement(seen).order_by(Collection.slug).limit(query.limit + 1)
        if query.after is not None:
            statement = statement.where(Collection.slug > query.after)
        rows = session.execute(statement).all()
        total = None
        if query.after is None:
            total = session.scalar(select(func.count()).select_from(_statement(seen).subquery()))
    shown, following = rows[: query.limit], None
    if len(rows) > query.limit:
        page = [("limit", str(query.limit)), ("after", shown[-1].Collection.slug)]
        following = links.address("list_collections", page)
    return CollectionPage(items=[*map(_collection_told, shown)], next=following, total=total)


@operations.add("GET", "/collections/{slug}", "read", CollectionTold)
def read_collection(slug: str) -> CollectionTold:
    """Tell of a collection."""
    with services().database.session() as session:
        return _read(session, slug)


@operations.add(
    "PATCH",
    "/collections/{slug}",
    "admin",
    Answer("The collection as it is now.", {JSON: CollectionTold}, headers={"ETag": "Of the new state."}),
    body=JsonBody(CollectionChange),
    problems=(412, 428),
)
def change_one_collection(slug: str, body: CollectionChange) -> Response:
    """Change what is said of a collection, or who may see it.

    Send the `ETag` that it was read with as `If-Match`: what somebody else has changed since is not overwritten.
    """
    with services().database.session() as session:
        session.execute(select(Collection.id).where(Collection.slug == slug).with_for_update())
        check_unchanged(_read(session, slug))
        visibility = Access(body.visibility) if body.visibility is not None else None
        change_collection(session, slug, title=body.title, visibility=visibility)
        session.flush()
        return told(_read(session, slug))


def _read(session: Session, slug: str) -> CollectionTold:
    seen = access.current()
    found = find_collection(session, slug, seen)
    return _collection_told(session.execute(_statement(seen).where(Collection.id == found.id)).one())


def _statement(seen: Access) -> Select[Any]:
    number = (
        select(func.count())
        .select_from(Work)
        .where(Work.collection_id == Collection.id, visible(seen))
        .correlate(Collection)
        .scalar_subquery()
    )
    statement = select(Collection, License, number.label("works")).outerjoin(
        License, License.id == Collection.default_license_id
    )
    return statement.where(open_to(seen))


def _collection_told(row: Row[Any]) -> CollectionTold:
    collection, rights = row.Collection, row.License
    source = collection.source_uri or ""
    return CollectionTold(
        slug=collection.slug,
        title=collection.title,
        provider=collection.provider,
        source_url=source if source.startswith(("https://", "http://")) else None,
        default_rights=None
        if rights is None
        else RightsTold(label=rights.label, uri=rights.uri, reuse=rights.reuse, spdx_id=rights.spdx_id),
        works=row.works,
        visibility=collection.visibility,
        links=CollectionLinks(
            url=links.address("read_collection", slug=collection.slug),
            works=links.address("list_all_works", filter_pairs(FromCollection(collection.slug))),
            manifests=links.address("list_manifests", slug=collection.slug),
        ),
    )
