"""A work's page, and two pictures side by side."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template, request

from stylesearch.catalog.artists import Artist, WorkArtist
from stylesearch.catalog.cards import WorkCard, card_of_work, cards_of_images
from stylesearch.errors import InputError, NotFoundError, ServiceError, StylesearchError
from stylesearch.search.examples import (
    LARGEST_ID,
    Example,
    FileExample,
    ImageExample,
    WorkExample,
)
from stylesearch.search.nearness import nearness
from stylesearch.search.query import StyleQuery
from stylesearch.search.service import SearchResult
from web import errors
from web.identity import current_access
from web.portal import portal
from web.query_string import SearchAddress, read_written
from web.services import services
from web.showcase import other_works
from web.tray import Picture, named, unknown_work

NEAREST = 12
OTHERS = 6


@portal.get(f"/works/<int(max={LARGEST_ID}):work_id>")
def work(work_id: int) -> str:
    """Show a work, its rights, and what is near it."""
    access = current_access()
    with services().database.session() as session:
        card = card_of_work(session, work_id, access)
        if card is None:
            raise unknown_work(work_id)
        others = other_works(session, card, OTHERS)
        credited = (
            session.query(Artist.id, Artist.name)
            .join(WorkArtist, WorkArtist.artist_id == Artist.id)
            .filter(WorkArtist.work_id == work_id)
            .order_by(WorkArtist.position)
            .all()
        )
    result, unavailable = _nearest(work_id)
    return render_template(
        "work.html",
        card=card,
        others=others,
        artists=list(dict.fromkeys((row.id, row.name) for row in credited)),
        nearest=() if result is None else result.hits,
        nearest_complete=result is None or result.ranking.complete,
        unavailable=None if unavailable is None else errors.told(unavailable),
        address=SearchAddress((WorkExample(work_id),)),
    )


def _nearest(work_id: int) -> tuple[SearchResult | None, StylesearchError | None]:
    """Return the nearest works; a work that was described by another encoder is still shown, without them."""
    try:
        query = StyleQuery(examples=(WorkExample(work_id),), k=NEAREST)
        return services().style_search.search(query), None
    except (NotFoundError, ServiceError) as error:
        return None, error


@dataclass(frozen=True, slots=True)
class Side:
    """One of two pictures that are compared; ``card`` is ``None`` for a visitor's image."""

    name: str
    link: str
    picture: Picture
    card: WorkCard | None


@portal.get("/compare")
def compare() -> str:
    """Show two pictures side by side, and how near they are in style."""
    examples = [_compared(request.args.get(name, "")) for name in ("a", "b")]
    with services().database.session() as session:
        sides = []
        for example in examples:
            name, link, picture = named(session, example)
            assert picture is not None
            card = None
            if isinstance(example, WorkExample):
                card = card_of_work(session, example.work, current_access())
            elif isinstance(example, ImageExample):
                card = cards_of_images(session, [example.image], current_access()).get(example.image)
            sides.append(Side(name, link, picture, card))
    score, unavailable = None, None
    try:
        files = [services().examples.find(one.file) for one in examples if isinstance(one, FileExample)]
        score = nearness(services().style_search, *examples, at_hand=files)
    except (NotFoundError, ServiceError) as error:
        unavailable = errors.told(error)
    return render_template("compare.html", sides=sides, score=score, unavailable=unavailable)


def _compared(text: str) -> Example:
    found = read_written(text.replace("\0", "")) if text else None
    if not isinstance(found, FileExample | ImageExample | WorkExample):
        raise InputError(
            "Two pictures are compared.",
            hint="Choose a work, and then another one beside it.",
            code="bad_parameter",
        )
    return found
