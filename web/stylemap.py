"""The style map: a page with all works laid out by style, and what it is drawn from."""

from __future__ import annotations

import gzip
import hashlib
import re

from flask import Blueprint, Response, render_template, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from stylesearch.catalog.access import visible
from stylesearch.catalog.maps import StyleMap
from stylesearch.catalog.works import Image, Work
from stylesearch.errors import InputError, NotFoundError, StylesearchError
from stylesearch.search import stylemap
from stylesearch.search.conditions import OnMap
from stylesearch.search.examples import FileExample
from stylesearch.search.filters import Filter, every, parts_of
from stylesearch.search.grammar import parse, write
from web import errors
from web.identity import current_access
from web.language import language
from web.map_view import MapView, packed, parts_of_map, read_map, state_of
from web.query_string import SearchAddress
from web.recent import Recent
from web.services import services
from web.showcase import cards_in_order
from web.tray import tray

MOST_THUMBNAILS = 80
MARKED = 24
"""So many of the nearest works are marked on the map of a search."""

mapped = Blueprint("stylemap", __name__, url_prefix="/map")
_views: Recent[tuple[str, ...], MapView] = Recent(4)
_files: Recent[str, bytes] = Recent(8)


@mapped.get("")
def show() -> Response:
    """Show the map, and on it the nearest works of a search, if one is given."""
    address = SearchAddress.read(request.args)
    where = _elsewhere(address.where)
    problem = None
    with services().database.session() as session:
        examples = tray(session, address)
        found = _newest(session)
        view = None
        if found is not None:
            try:
                view = _view(session, found, where)
            except (NotFoundError, InputError) as error:
                problem = errors.told(error)
        parts = [] if view is None else parts_of_map(view)
    page = render_template(
        "map.html",
        address=address,
        examples=examples,
        where=where,
        line=write(where),
        found=found,
        view=view,
        parts_of_map=parts,
        problem=problem,
        marked=_marked(address) if examples and view is not None else [],
        chosen=next((one for one in parts_of(address.where) if isinstance(one, OnMap)), None),
        every=every,
    )
    return Response(page, status=200 if problem is None else problem.status)


@mapped.get("/points")
def points() -> Response:
    """Give the places and colours of all works on the map, under a filter."""
    where = parse(request.args.get("q", ""))
    with services().database.session() as session:
        found = _newest(session)
        if found is None:
            raise _no_map()
        key = "/".join(_key(session, found, where))
        tag = hashlib.sha256(key.encode()).hexdigest()[:32]
        data = _files.get(tag)
        if data is None:
            data = gzip.compress(packed(_view(session, found, where)), 5)
            _files.put(tag, data)
    response = Response(data, mimetype="application/octet-stream")
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Cache-Control"] = "private, no-cache"  # asked for again each time, and mostly unchanged
    response.vary.update(["Accept-Language", "Cookie"])
    response.set_etag(tag)
    response.make_conditional(request)
    return response


@mapped.get("/works")
def works() -> Response:
    """Give what is shown of some works where the map is near enough, as JSON by id."""
    text = request.args.get("ids", "")
    if not re.fullmatch(r"\d{1,18}(,\d{1,18})*", text, re.ASCII) or text.count(",") >= MOST_THUMBNAILS:
        raise InputError(
            "The address names no works.",
            hint=f"Give at most {MOST_THUMBNAILS} numbers, parted by commas.",
            code="bad_parameter",
        )
    wanted = list(map(int, text.split(",")))
    with services().database.session() as session:
        images = session.scalars(
            select(func.min(Image.id))
            .join(Work, Work.id == Image.work_id)
            .where(Work.id.in_(wanted), visible(current_access()))
            .group_by(Work.id)
        )
        cards = cards_in_order(session, list(images))
    response = errors.as_json(
        {
            card.work_id: {
                "title": card.title,
                "artist": card.artist_text,
                "date": card.date_text or "",
                "page": url_for("portal.work", work_id=card.work_id),
                "picture": url_for("media.small", digest=card.sha256),
            }
            for card in cards
        }
    )
    response.headers["Cache-Control"] = "private, max-age=300"
    return response


def _newest(session: Session) -> StyleMap | None:
    """Return the map of the gallery that serves, if there is one."""
    try:
        return stylemap.newest(session, services().style_search.gallery_encoder(session))
    except NotFoundError:
        return None


def _no_map() -> NotFoundError:
    return NotFoundError(
        "There is no style map yet.",
        hint="It is drawn in the background, once works have been taken in.",
        code="no_map",
    )


def _key(session: Session, found: StyleMap, where: Filter) -> tuple[str, ...]:
    return str(found.id), state_of(session, found), current_access().value, write(where), language()


def _view(session: Session, found: StyleMap, where: Filter) -> MapView:
    key = _key(session, found, where)
    view = _views.get(key)
    if view is None:
        view = read_map(session, found, where, current_access())
        _views.put(key, view)
    return view


def _elsewhere(where: Filter) -> Filter:
    """Return a filter without the part of the map that it asks for."""
    return every(*(one for one in parts_of(where) if not isinstance(one, OnMap)))


def _marked(address: SearchAddress) -> list[int]:
    """Return the works nearest to a search's examples; none where they cannot be found now."""
    try:
        files = [
            services().examples.find(one.file) for one in address.examples if isinstance(one, FileExample)
        ]
        query = address.filtered(_elsewhere(address.where)).showing(MARKED).query
        return [hit.card.work_id for hit in services().style_search.search(query, at_hand=files).hits]
    except StylesearchError:
        return []
