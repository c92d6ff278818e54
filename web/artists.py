"""Artists: all of them by name, and each with works, with who is near, and with what can be told of the style."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.attribution.calibration import FEWEST_WORKS
from stylesearch.attribution.gaps import SetGap
from stylesearch.catalog.access import visible
from stylesearch.catalog.artists import Artist, ArtistAlias, WorkArtist
from stylesearch.catalog.cards import WorkCard
from stylesearch.catalog.works import Image, Work
from stylesearch.errors import NotFoundError, StylesearchError
from stylesearch.search.conditions import ByArtist
from stylesearch.search.examples import LARGEST_ID, ArtistExample
from stylesearch.search.filters import negated
from stylesearch.search.listing import list_works
from stylesearch.search.query import StyleQuery
from stylesearch.search.service import Hit
from web import errors
from web.calibrations import Standing, standing_of
from web.identity import current_access
from web.language import score_text
from web.messages import gettext as _
from web.paging import Pages, page_number, pages_of
from web.query_string import PAGE, SearchAddress
from web.services import services
from web.showcase import cards_in_order

NAMES = 60
NEIGHBOURS = 8

artists = Blueprint("artists", __name__, url_prefix="/artists")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An artist whose works are on the whole near another's, and one of those works."""

    name: str
    score: float
    card: WorkCard | None


@artists.get("")
def listed() -> str:
    """List artists by name, all or those whose names hold what was typed."""
    typed = request.args.get("q", "").replace("\0", "").strip()[:100]
    with services().database.session() as session:
        number = func.count(WorkArtist.work_id.distinct())
        found = (
            select(Artist.id, Artist.name, Artist.birth_year, Artist.death_year, number.label("works"))
            .join(WorkArtist, WorkArtist.artist_id == Artist.id)
            .join(Work, Work.id == WorkArtist.work_id)
            .where(visible(current_access()), *([_named_like(typed)] if typed else []))
            .group_by(Artist.id)
        )
        total = session.scalar(select(func.count()).select_from(found.subquery())) or 0
        pages = pages_of(total, NAMES, page_number())
        rows = session.execute(
            found.order_by(func.lower(Artist.sort_name), Artist.id).limit(NAMES).offset(pages.skipped)
        ).all()
    return render_template("artists.html", rows=rows, pages=pages, typed=typed)


def _named_like(typed: str) -> ColumnElement[bool]:
    aliases = select(ArtistAlias.artist_id).where(ArtistAlias.name.icontains(typed, autoescape=True))
    return or_(Artist.name.icontains(typed, autoescape=True), Artist.id.in_(aliases))


@artists.get("/by-name")
def named() -> AnyResponse:
    """Lead to the artist of a name."""
    name = request.args.get("name", "").replace("\0", "")
    with services().database.session() as session:
        known = select(Artist.id).where(Artist.name == name, _has_works()).order_by(Artist.id)
        artist_id = session.scalar(known.limit(1))
    if artist_id is None:
        raise _unknown(name)
    return redirect(url_for("artists.shown", artist_id=artist_id))


@artists.get(f"/<int(max={LARGEST_ID}):artist_id>")
def shown(artist_id: int) -> str:
    """Show an artist: works, who is near, and whether the style can be told from others'."""
    with services().database.session() as session:
        artist = session.scalar(select(Artist).where(Artist.id == artist_id, _has_works()))
        if artist is None:
            raise _unknown(str(artist_id))
        aliases = [one.name for one in artist.aliases]
        works = list_works(
            session,
            ByArtist(artist.name),
            order="oldest",
            page=page_number(),
            size=PAGE,
            access=current_access(),
        )
        standing = standing_of(session, services().style_search, artist.name)
        neighbours = _neighbours(session, standing)
        gap = _gap_words(session, artist.name, standing)
    near, unavailable = _near_works(artist.name)
    return render_template(
        "artist.html",
        artist=artist,
        aliases=aliases,
        works=works,
        pages=Pages(works.page, works.pages, PAGE),
        gap=gap,
        neighbours=neighbours,
        near=near,
        unavailable=unavailable,
        address=SearchAddress((ArtistExample(artist.name),)),
        listing=SearchAddress(where=ByArtist(artist.name)),
    )


def _has_works() -> ColumnElement[bool]:
    works = (
        select(WorkArtist.work_id)
        .join(Work, Work.id == WorkArtist.work_id)
        .where(WorkArtist.artist_id == Artist.id, visible(current_access()))
    )
    return works.correlate(Artist).exists()


def _unknown(name: str) -> NotFoundError:
    return NotFoundError(
        f"There is no artist {name[:100]!r} here.",
        hint="Look through the list of artists.",
        code="unknown_artist",
    )


def _near_works(name: str) -> tuple[Sequence[Hit], errors.Problem | None]:
    """Return the works nearest to an artist's prototype that are by others, each by another one."""
    query = StyleQuery(
        examples=(ArtistExample(name),), where=negated(ByArtist(name)), k=NEIGHBOURS, per_artist=1
    )
    try:
        return services().style_search.search(query).hits, None
    except StylesearchError as error:
        return (), errors.told(error)


def _neighbours(session: Session, standing: Standing) -> list[Neighbour]:
    """Return the artists whose prototypes are nearest, each with a work to look at."""
    if standing.place is None or standing.calibration is None:
        return []
    known = standing.calibration.prototypes
    means = known.means / np.linalg.norm(known.means, axis=1, keepdims=True)
    scores = means @ means[standing.place]
    order = [int(one) for one in np.argsort(-scores) if one != standing.place][: 2 * NEIGHBOURS]
    names = [known.artists[one] for one in order]
    works = _works_of(session, names)
    # Whoever has no work that may be seen any more is not named.
    return [
        Neighbour(name, float(scores[place]), works[name])
        for place, name in zip(order, names, strict=True)
        if name in works
    ][:NEIGHBOURS]


def _works_of(session: Session, names: Sequence[str]) -> dict[str, WorkCard]:
    """Return one work each of some artists."""
    rows = session.execute(
        select(Artist.name, func.min(Image.id))
        .join(WorkArtist, WorkArtist.artist_id == Artist.id)
        .join(Work, Work.id == WorkArtist.work_id)
        .join(Image, Image.work_id == Work.id)
        .where(Artist.name.in_(names), visible(current_access()))
        .group_by(Artist.name)
    ).all()
    cards = {card.image_id: card for card in cards_in_order(session, [image for _name, image in rows])}
    return {name: cards[image] for name, image in rows if image in cards}


def _gap_words(session: Session, name: str, standing: Standing) -> tuple[str, ...]:
    """Say in plain words whether an artist's works can be told from others'."""
    if standing.calibration is None:
        return (_("Nobody has measured yet how well artists can be told apart here."),)
    if standing.place is None:
        return (
            _(
                "There are fewer than %(number)s works here that are surely by %(name)s. That is too few to say whether the"
                " style can be told from others’.",
                number=FEWEST_WORKS,
                name=name,
            ),
        )
    gap = standing.calibration.gaps[standing.place]
    if math.isnan(gap.low):
        return (_("There is too little here to compare %(name)s with.", name=name),)
    # Whoever has no work that may be seen any more is not named.
    rival = ", ".join(_works_of(session, gap.rival)) or _("somebody else")
    return _measured(name, gap, rival)


def _measured(name: str, gap: SetGap, rival: str) -> tuple[str, ...]:
    interval = _(
        "The difference is %(gap)s; drawing the works anew, it lies from %(low)s to %(high)s in 95 of 100 cases.",
        gap=score_text(gap.gap),
        low=score_text(gap.low),
        high=score_text(gap.high),
    )
    if gap.tells_apart:
        return (
            _(
                "Works by %(name)s can be told from others’ here. They are nearer to each other than the works of %(rival)s,"
                " who come nearest, are to them.",
                name=name,
                rival=rival,
            ),
            interval,
        )
    return (
        _(
            "Works by %(name)s cannot be told from others’ here for sure. Works by %(rival)s may come as near to them as they"
            " do to each other, or nearer, so that nearness to %(name)s alone says nothing about who made a work.",
            name=name,
            rival=rival,
        ),
        interval,
    )
