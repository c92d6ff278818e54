"""Works as IIIF manifests, and what searches and lists find as IIIF collections (Presentation API 3)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any

from flask import Response
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from stylesearch.catalog.cards import WorkCard, card_of_work
from stylesearch.catalog.collections import find_collection
from stylesearch.catalog.works import Image
from stylesearch.search.clauses import clause
from stylesearch.search.conditions import FromCollection
from stylesearch.search.filters import Filter
from stylesearch.search.ordered import list_works
from stylesearch.wire.base import Given, Id, Text
from stylesearch.wire.searches import SearchParameters
from web.api import access, links
from web.api.answers import given
from web.api.filtering import filter_of_lines, filter_pairs
from web.api.operations import Answer, Operations
from web.api.searches import ask, query_of, search_pairs
from web.api.works import card_or_missing
from web.services import services

CONTEXT = "http://iiif.io/api/presentation/3/context.json"
MEDIA_TYPE = f'application/ld+json;profile="{CONTEXT}"'
# What the specification lets `rights` be.
RIGHTS = (
    "http://creativecommons.org/",
    "https://creativecommons.org/",
    "http://rightsstatements.org/",
    "https://rightsstatements.org/",
)
SHOWN_BY_BROWSERS = frozenset(
    ["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/svg+xml"]
)
PER_PAGE = 200

Object = dict[str, Any]

MANIFEST = Answer(
    "A manifest.", {MEDIA_TYPE: {"type": "object", "required": ["@context", "id", "type", "items"]}}
)
COLLECTION = Answer(
    "A collection of manifests; its last item is the next page, where there is one.",
    {MEDIA_TYPE: {"type": "object", "required": ["@context", "id", "type", "items"]}},
)
operations = Operations("iiif")


class PageQuery(Given):
    """Which page."""

    after: Id | None = Field(default=None, description="Number of the work that the page before ended with.")


class ListQuery(PageQuery):
    """Which works."""

    q: list[Text] = Field(default=[], description="Filters as they are written; all must hold.")


@operations.add("GET", "/works/{work_id}/manifest", "read", MANIFEST)
def read_manifest(work_id: int) -> Response:
    """Give a work as a IIIF manifest, with a canvas for each of its images."""
    with services().database.session() as session:
        card = card_or_missing(card_of_work(session, work_id, access.current()), work_id)
        images = session.scalars(select(Image).where(Image.work_id == work_id).order_by(Image.id)).all()
    return _answer(_manifest(card, images))


@operations.add(
    "GET", "/search/manifests", "read", COLLECTION, query=SearchParameters, problems=(422,), rate="search"
)
def search_manifests(query: SearchParameters) -> Response:
    """Give what a search finds as a IIIF collection."""
    asked = query_of(query)
    result = ask(asked)
    following = result.following
    return _answer(
        _collection(
            links.address("search_manifests", search_pairs(query, asked.where, after=query.after)),
            f"{result.ranking.sentence}, by style",
            (hit.card for hit in result.hits),
            None
            if following is None
            else links.address(
                "search_manifests", search_pairs(query, asked.where, after=str(following.after))
            ),
        )
    )


@operations.add("GET", "/works/manifests", "read", COLLECTION, query=ListQuery)
def list_work_manifests(query: ListQuery) -> Response:
    """Give works under a filter as a IIIF collection."""
    where = filter_of_lines(query.q)
    with services().database.session() as session:
        label = clause(session, where, access.current()).sentence
        cards = _cards(session, where, query.after)

    def page(after: int | None) -> str:
        pairs = [*filter_pairs(where), *_after(after)]
        return links.address("list_work_manifests", pairs)

    return _answer(_page_of(cards, label, page(query.after), page))


@operations.add("GET", "/collections/{slug}/manifests", "read", COLLECTION, query=PageQuery)
def list_manifests(query: PageQuery, slug: str) -> Response:
    """Give the works of a collection as a IIIF collection."""
    with services().database.session() as session:
        found = find_collection(session, slug, access.current())
        cards = _cards(session, FromCollection(found.slug), query.after)

    def page(after: int | None) -> str:
        return links.address("list_manifests", _after(after), slug=found.slug)

    return _answer(_page_of(cards, found.title, page(query.after), page))


def _answer(thing: Object) -> Response:
    return given(json.dumps(thing, ensure_ascii=False).encode(), MEDIA_TYPE)


def _after(after: int | None) -> links.Pairs:
    return [("after", str(after))] if after is not None else []


def _cards(session: Session, where: Filter, after: int | None) -> list[WorkCard]:
    return list_works(session, where, limit=PER_PAGE + 1, after=after, access=access.current())


def _page_of(cards: list[WorkCard], label: str, address: str, page: Any) -> Object:
    shown = cards[:PER_PAGE]
    following = page(shown[-1].work_id) if len(cards) > PER_PAGE else None
    return _collection(address, label, shown, following)


def _collection(address: str, label: str, cards: Iterable[WorkCard], following: str | None) -> Object:
    items: list[Object] = [
        {
            "id": links.address("read_manifest", work_id=card.work_id),
            "type": "Manifest",
            "label": _none(card.title),
            "thumbnail": [_thumbnail(card.sha256)],
        }
        for card in cards
    ]
    if following is not None:
        items.append({"id": following, "type": "Collection", "label": {"en": ["More"]}})
    return {"@context": CONTEXT, "id": address, "type": "Collection", "label": _none(label), "items": items}


def _manifest(card: WorkCard, images: Iterable[Image]) -> Object:
    address = links.address("read_manifest", work_id=card.work_id)
    manifest: Object = {
        "@context": CONTEXT,
        "id": address,
        "type": "Manifest",
        "label": _none(card.title),
        "metadata": _metadata(card),
        "requiredStatement": {"label": {"en": ["Credit"]}, "value": _none(_harmless(card.credit_line))},
        "homepage": [
            {
                "id": links.page("portal.work", work_id=card.work_id),
                "type": "Text",
                "label": _none(card.title),
                "format": "text/html",
            }
        ],
        "seeAlso": [
            {
                "id": links.address("read_work", work_id=card.work_id),
                "type": "Dataset",
                "label": {"en": ["The work in the API"]},
                "format": "application/json",
            }
        ],
        "partOf": [
            {
                "id": links.address("list_manifests", slug=card.collection),
                "type": "Collection",
                "label": _none(card.collection_title),
            }
        ],
        "thumbnail": [_thumbnail(card.sha256)],
        "items": [_canvas(address, image) for image in images],
    }
    if card.description:
        manifest["summary"] = _none(_harmless(card.description))
    if (card.image_rights.uri or "").startswith(RIGHTS):
        manifest["rights"] = card.image_rights.uri
    return manifest


def _metadata(card: WorkCard) -> list[Object]:
    told: dict[str, Iterable[str | None]] = {
        "Artist": card.artists,
        "Date": [card.date_text],
        "Medium": [card.medium],
        "Movement": [card.movement],
        "Period": [card.period],
        "Type": [card.object_type],
        "Keywords": card.keywords,
        "Rights": [card.image_rights.label],
        "Rights of the work": [card.work_rights.label],
        "Collection": [card.collection_title],
        "Identifier": [card.source_id],
        "Source": [card.source_url],
    }
    return [
        {"label": {"en": [label]}, "value": {"none": given_values}}
        for label, values in told.items()
        if (given_values := [_harmless(value) for value in values if value])
    ]


def _canvas(manifest: str, image: Image) -> Object:
    address = f"{manifest}/canvas/{image.id}"
    digest = image.sha256.hex()
    body: Object = {
        "id": links.original(digest),
        "type": "Image",
        "format": image.media_type,
        "width": image.width,
        "height": image.height,
    }
    if image.media_type not in SHOWN_BY_BROWSERS:
        whole = links.whole_image(digest)
        kind = "image/jpeg" if whole.endswith(".jpg") else "image/webp"
        body = {"id": whole, "type": "Image", "format": kind}
    service = links.image_service(digest)
    if service is not None:
        body["service"] = [{"id": service, "type": "ImageService3", "profile": "level2"}]
    return {
        "id": address,
        "type": "Canvas",
        "width": image.width,
        "height": image.height,
        "thumbnail": [_thumbnail(digest)],
        "items": [
            {
                "id": f"{address}/page",
                "type": "AnnotationPage",
                "items": [
                    {
                        "id": f"{address}/painting",
                        "type": "Annotation",
                        "motivation": "painting",
                        "target": address,
                        "body": body,
                    }
                ],
            }
        ],
    }


def _thumbnail(digest: str) -> Object:
    return {"id": links.thumbnail(digest), "type": "Image", "format": "image/webp"}


def _none(text: str) -> Object:
    """Return a text of which nobody says which language it is in."""
    return {"none": [text]}


def _harmless(text: str) -> str:
    """Return a text that viewers do not take for markup, as they do for what begins and ends with angle brackets."""
    return (
        f"<span>{escape(text)}</span>"
        if text.lstrip().startswith("<") and text.rstrip().endswith(">")
        else text
    )
