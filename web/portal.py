"""Where a search starts, its results, and the choice of a part of an image."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from http import HTTPStatus

from flask import Blueprint, Response, redirect, render_template, request
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.catalog.cards import WorkCard
from stylesearch.errors import InputError, NotFoundError, StylesearchError
from stylesearch.search.examples import (
    Example,
    FileExample,
    ImageExample,
    Region,
    WorkExample,
)
from stylesearch.search.facets import Facets
from stylesearch.search.filters import EVERYTHING
from stylesearch.search.listing import Listing, Order, list_works
from stylesearch.search.query import MOST_RESULTS
from stylesearch.search.service import Hit, SearchResult, through_retirement
from web import errors
from web.filter_panel import filter_panel
from web.identity import current_access
from web.phrases import sentence
from web.query_string import PAGE, SearchAddress, of_a_form, read_written
from web.rates import limited
from web.services import services
from web.showcase import archive_size, names_like, sample_works
from web.tray import Shown, image_of, tray

SAMPLES = 12
FILTER_CODES = frozenset(["unknown_artist", "unknown_license", "unknown_collection", "unknown_map"])
"""Errors that are mended in the filters, and so are shown above them."""

BOX = ("left", "top", "width", "height")
portal = Blueprint("portal", __name__)


@portal.get("/")
def home() -> str:
    """Show where a search starts."""
    with services().database.session() as session:
        return render_template(
            "home.html",
            size=archive_size(session),
            samples=sample_works(session, SAMPLES),
            address=SearchAddress(),
        )


@portal.post("/search")
@limited("describe")
def upload() -> AnyResponse:
    """Take a visitor's image, or the address of one, into a search, and lead to its results."""
    form = MultiDict(request.form)
    url, side = form.pop("url", "").strip(), form.pop("side", "like")
    address = SearchAddress.read(form)
    file = request.files.get("image")
    data = file.read() if file is not None else b""
    if file is not None and (file.filename or data):
        most = services().settings.max_upload_bytes
        if len(data) > most:
            return errors.answer(errors.too_large(most))
    elif url:
        data = services().fetcher.fetch(url)
    else:
        raise InputError(
            "No image was chosen.",
            hint="Choose a file, drop one, paste one, or give an address.",
            code="no_image",
        )
    example = FileExample(services().examples.take(data), against=side == "unlike")
    return redirect(address.adding(example).url, HTTPStatus.SEE_OTHER)


@portal.get("/search")
@limited("search")
def results() -> AnyResponse:
    """Show works: the nearest in style to examples, or all, under filters. What a form's boxes say is written into the address."""
    address = SearchAddress.read(request.args)
    if of_a_form(request.args):
        return redirect(address.url)
    with services().database.session() as session:
        examples = tray(session, address)
    try:
        found = _ranked(address) if address.examples else _listed(address)
    except (NotFoundError, InputError) as error:
        if error.code not in FILTER_CODES:
            raise
        return _results_page(address, examples, problem=error)
    return _results_page(address, examples, found=found)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, ranked or listed: one of the two."""

    cards: tuple[WorkCard, ...]
    facets: Facets | None
    result: SearchResult | None = None
    hits: tuple[Hit, ...] = ()
    listing: Listing | None = None


def _ranked(address: SearchAddress) -> Found:
    memory, access = services().facets, current_access()
    counted = memory.recall(address.where, access)

    def ask() -> SearchResult:
        files = dict.fromkeys(one.file for one in address.examples if isinstance(one, FileExample))
        at_hand = [services().examples.find(file) for file in files]
        return services().style_search.search(address.query, at_hand=at_hand, with_facets=counted is None)

    with memory.counting(address.where, access) if counted is None else nullcontext():
        result = through_retirement(ask)
        if result.ranking.facets is not None:
            counted = result.ranking.facets
            memory.remember(address.where, access, counted)
    hits = _in_order(result.hits, address.sort)
    return Found(tuple(hit.card for hit in hits), counted, result=result, hits=hits)


def _in_order(hits: Sequence[Hit], sort: str) -> tuple[Hit, ...]:
    """Put the nearest works in order of their dates where that is wanted, undated ones last."""
    if sort == "oldest":
        return tuple(sorted(hits, key=lambda hit: (hit.card.year_from is None, hit.card.year_from or 0)))
    if sort == "newest":
        return tuple(sorted(hits, key=lambda hit: (hit.card.year_to is None, -(hit.card.year_to or 0))))
    return tuple(hits)


def _listed(address: SearchAddress) -> Found:
    order: Order = address.sort  # type: ignore[assignment]  # without examples it is none other
    with services().database.session() as session:
        listing = list_works(
            session,
            address.where,
            order=order,
            page=address.page,
            size=PAGE,
            access=current_access(),
        )
    return Found(listing.cards, None, listing=listing)


def _results_page(
    address: SearchAddress,
    examples: tuple[Shown, ...],
    *,
    found: Found | None = None,
    problem: StylesearchError | None = None,
) -> Response:
    with services().database.session() as session:
        panel = filter_panel(
            session,
            address,
            counted=None if found is None else found.facets,
            count_under=None if problem is None else EVERYTHING,
        )
        told = sentence(session, address.where)
    page = render_template(
        "results.html",
        address=address,
        examples=examples,
        subject=_reportable(address),
        panel=panel,
        found=found,
        told=told,
        problem=None if problem is None else errors.told(problem),
        more=None if found is None or found.result is None else _more(address, found.result),
    )
    return Response(page, status=200 if problem is None else errors.status_of(problem))


def _reportable(address: SearchAddress) -> Example | None:
    """Return the whole image that a report can be made on: the one that a search starts from."""
    whole = [
        one for one in address.wanted
        if isinstance(one, FileExample | WorkExample | ImageExample) and getattr(one, "region", None) is None
    ]  # fmt: skip
    return whole[0] if whole else None


@dataclass(frozen=True, slots=True)
class More:
    """The link to further results; ``number`` is 0 where they are on a page of their own."""

    number: int
    url: str


def _more(address: SearchAddress, result: SearchResult) -> More | None:
    """Return the link that doubles the number of results, and from the most on leads to the next page."""
    following, matching = result.following, result.ranking.matching
    shown = len(result.hits) if address.after is None else 0
    if following is None or (matching is not None and matching <= shown):
        return None
    if address.k >= MOST_RESULTS or address.after is not None:
        return More(0, address.page_after(str(following.after)).url)
    k = min(MOST_RESULTS, max(address.k * 2, PAGE))
    return More(k - address.k, f"{address.showing(k).url}#result-{address.k + 1}")


@portal.get("/part")
def part() -> AnyResponse:
    """Show an example as large as can be, to choose a part of it; what was chosen leads back to the results."""
    values = MultiDict(request.args)
    of = values.pop("of", "")
    box = [values.pop(name, "").strip() for name in BOX]
    address = SearchAddress.read(values)
    example = read_written(of.removeprefix("-"), against=of.startswith("-"))
    if not isinstance(example, FileExample | ImageExample | WorkExample) or example not in address.examples:
        raise InputError(
            "The search has no such image.", hint="Go back to its results.", code="bad_parameter"
        )
    with services().database.session() as session:
        (shown,) = (one for one in tray(session, address) if one.example == example)
        if any(box):
            return redirect(address.replacing(example, _part_of(session, example, box, shown)).url)
    return Response(render_template("part.html", address=address, shown=shown, of=of))


def _part_of(session: Session, example: Example, box: list[str], shown: Shown) -> Example:
    region = Region.parse(",".join(box))
    assert shown.picture is not None
    region.check_inside(shown.picture.width, shown.picture.height)
    if isinstance(example, WorkExample):
        return ImageExample(
            image_of(session, example), region, weight=example.weight, against=example.against
        )
    assert isinstance(example, FileExample | ImageExample)
    return dataclasses.replace(example, region=region)


@portal.get("/suggest/artists")
def suggest() -> Response:
    """Return names of artists that are like what was typed, as JSON."""
    typed = request.args.get("q", "").replace("\0", "").strip()[:100]
    with services().database.session() as session:
        names = names_like(session, typed) if typed else []
    response = errors.as_json(names)
    response.headers["Cache-Control"] = "private, max-age=60"
    return response
