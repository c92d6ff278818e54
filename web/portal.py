"""The pages of the portal: home, results, and a work."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.catalog.cards import WorkCard, card_of_work
from stylesearch.errors import InputError, NotFoundError, ServiceError, StylesearchError
from stylesearch.search.examples import LARGEST_ID, WorkExample
from stylesearch.search.filters import EVERYTHING
from stylesearch.search.query import MOST_RESULTS, StyleQuery
from stylesearch.search.service import SearchResult, through_retirement
from web import errors
from web.filter_panel import filter_panel
from web.query_string import PAGE, SearchAddress, of_a_form
from web.services import services
from web.showcase import archive_size, other_works, sample_works

SAMPLES = 12
NEAREST = 12
OTHERS = 6
FILTER_CODES = frozenset(["unknown_artist", "unknown_license", "unknown_collection"])
"""Errors that are mended in the filters, and so are shown above them."""

portal = Blueprint("portal", __name__)


@portal.get("/")
def home() -> str:
    """Show where a search starts."""
    with services().database.session() as session:
        return render_template(
            "home.html", size=archive_size(session), samples=sample_works(session, SAMPLES)
        )


@portal.post("/search")
def upload() -> AnyResponse:
    """Take a visitor's image, and lead to its results."""
    file = request.files.get("image")
    data = file.read() if file is not None else b""
    if file is None or not (file.filename or data):
        raise InputError(
            "No image was chosen.", hint="Choose a file, drop one, or paste one.", code="no_image"
        )
    most = services().settings.max_upload_bytes
    if len(data) > most:
        return errors.answer(errors.too_large(most))
    address = SearchAddress(image=services().examples.take(data))
    return redirect(address.url, HTTPStatus.SEE_OTHER)


@portal.get("/search")
def results() -> AnyResponse:
    """Show the works nearest in style to an image, under filters. What a form's boxes say is written into the address."""
    address = SearchAddress.read(request.args)
    if of_a_form(request.args):
        return redirect(address.url)
    example_card = _example_card(address)
    try:
        result = _search(address)
    except (NotFoundError, InputError) as error:
        if error.code not in FILTER_CODES:
            raise
        return _results_page(address, example_card, problem=error)
    return _results_page(address, example_card, result=result)


def _example_card(address: SearchAddress) -> WorkCard | None:
    return None if address.work is None else _visible_card(address.work)


def _search(address: SearchAddress) -> SearchResult:
    def ask() -> SearchResult:
        at_hand = [services().examples.find(address.image)] if address.image is not None else []
        return services().style_search.search(address.query, at_hand=at_hand, with_facets=True)

    return through_retirement(ask)


def _results_page(
    address: SearchAddress,
    example_card: WorkCard | None,
    *,
    result: SearchResult | None = None,
    problem: StylesearchError | None = None,
) -> Response:
    with services().database.session() as session:
        panel = filter_panel(
            session,
            address,
            counted=None if result is None else result.ranking.facets,
            count_under=None if problem is None else EVERYTHING,
        )
    page = render_template(
        "results.html",
        address=address,
        example_card=example_card,
        example_info=None if address.image is None else services().examples.find(address.image).info,
        panel=panel,
        result=result,
        problem=problem,
        more=None if result is None else _more(address, result),
    )
    return Response(page, status=200 if problem is None else errors.status_of(problem))


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


@portal.get(f"/works/<int(max={LARGEST_ID}):work_id>")
def work(work_id: int) -> str:
    """Show a work, its rights, and what is near it."""
    card = _visible_card(work_id)
    with services().database.session() as session:
        others = other_works(session, card, OTHERS)
    result, unavailable = _nearest(work_id)
    return render_template(
        "work.html",
        card=card,
        others=others,
        nearest=() if result is None else result.hits,
        nearest_complete=result is None or result.ranking.complete,
        unavailable=unavailable,
        address=SearchAddress(work=work_id),
    )


def _visible_card(work_id: int) -> WorkCard:
    with services().database.session() as session:
        card = card_of_work(session, work_id)
    if card is None:
        raise NotFoundError(
            f"There is no work {work_id} here.", hint="It may have been withdrawn.", code="unknown_work"
        )
    return card


def _nearest(work_id: int) -> tuple[SearchResult | None, StylesearchError | None]:
    """Return the nearest works; a work that was described by another encoder is still shown, without them."""
    try:
        query = StyleQuery(examples=(WorkExample(work_id),), k=NEAREST)
        return services().style_search.search(query), None
    except (NotFoundError, ServiceError) as error:
        return None, error
