"""Searches by style: in an address or posted, as a page, as CSV or JSON Lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from werkzeug.wrappers import Response as AnyResponse

from stylesearch.errors import InputError, NotFoundError, ServiceError
from stylesearch.search.describing import Described
from stylesearch.search.examples import Example, FileExample, parse_example
from stylesearch.search.facets import Facets
from stylesearch.search.filters import Filter
from stylesearch.search.grammar import write
from stylesearch.search.query import MOST_RESULTS, StyleQuery
from stylesearch.search.readout import Readout
from stylesearch.search.service import SearchResult, through_retirement
from stylesearch.wire.searches import (
    ChoiceTold,
    EncoderTold,
    Exporting,
    Hit,
    SearchByAddress,
    SearchOptions,
    SearchPage,
    SearchParameters,
    SearchRequest,
)
from web.api import links
from web.api.answers import JSON, told
from web.api.exports import CSV, JSON_LINES, exported, work_table
from web.api.filtering import filter_of, filter_of_lines, filter_pairs
from web.api.operations import Answer, Operations
from web.api.requests import JsonBody
from web.api.telling import work_told, work_values
from web.services import services

operations = Operations("search")
TABLE = work_table("search", "rank", "score")
ANSWER = Answer("The works nearest in style.", {JSON: SearchPage, CSV: None, JSON_LINES: None})


@operations.add("GET", "/search", "read", ANSWER, query=SearchByAddress, problems=(422,), rate="search")
def search_by_address(query: SearchByAddress) -> AnyResponse:
    """Search by style, with the question in the address.

    Give at least one `like`. The answer says when it was cut off (`complete`), and an export is whole or none.
    """
    asked = query_of(query)
    if query.format != "json":
        return _export(asked, query)
    result = ask(asked, with_facets=query.facets)
    following = None
    if result.following is not None:
        following = links.address(
            "search_by_address", search_pairs(query, asked.where, after=str(result.following.after))
        )
    return told(_page_told(result, following))


@operations.add(
    "POST",
    "/search",
    "read",
    ANSWER,
    query=SearchOptions,
    body=JsonBody(SearchRequest),
    problems=(422,),
    rate="search",
)
def search_by_body(query: SearchOptions, body: SearchRequest) -> AnyResponse:
    """Search by style, with the question in the body.

    For questions that are too long for an address, such as descriptors. `next` leads to the next page: post the same body
    there.
    """
    values = body.model_dump(exclude_none=True, exclude={"facets"}) | {
        "where": filter_of(body.where).to_json()
    }
    asked = StyleQuery.from_json(values | ({"after": query.after} if query.after is not None else {}))
    if query.format != "json":
        return _export(asked, query)
    result = ask(asked, with_facets=body.facets)
    following = None
    if result.following is not None:
        following = links.address("search_by_body", [("after", str(result.following.after))])
    return told(_page_told(result, following))


def query_of(query: SearchParameters) -> StyleQuery:
    """Return the question in an address.

    Raises
    ------
    InputError
        If a part of it cannot be used.
    """
    examples = [
        _example(text, against=against)
        for texts, against in ((query.like, False), (query.unlike, True))
        for text in texts
    ]
    asked = StyleQuery(
        examples=tuple(examples),
        where=filter_of_lines(query.q),
        readout=Readout(query.measure, query.fusion, query.against, query.force, query.margin),
        k=query.k,
        group=query.group,
        per_artist=query.per_artist,
        encoder=query.encoder,
        mode=query.mode,
    )
    return asked if query.after is None else _from(asked, query.after)


def search_pairs(query: SearchParameters, where: Filter, *, after: str | None) -> links.Pairs:
    """Return the parameters of the page of a search behind a place, or of its first."""
    left_out = {"q", "after", *Exporting.model_fields}
    values: Mapping[str, Any] = query.model_dump(exclude_defaults=True, exclude=left_out)
    pairs = [
        (name, _written(one))
        for name, value in values.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    return [*pairs, *filter_pairs(where), *([("after", after)] if after is not None else [])]


def ask(query: StyleQuery, *, with_facets: bool = False) -> SearchResult:
    """Answer a question; see :meth:`stylesearch.search.service.StyleSearch.search`."""
    return through_retirement(
        lambda: services().style_search.search(query, at_hand=_at_hand(query), with_facets=with_facets)
    )


def _from(query: StyleQuery, after: str) -> StyleQuery:
    return StyleQuery.from_json(query.to_json() | {"after": after})


def _example(text: str, *, against: bool) -> Example:
    found = parse_example(text, against=against)
    if found is None:
        raise InputError(
            f"{text[:50]!r} is no example.",
            hint="Write work:12, image:7, file:SHA256, artist:NAME or words:TEXT.",
            code="bad_example",
        )
    return found


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _at_hand(query: StyleQuery) -> Iterable[Described]:
    """Return the descriptions of uploaded files that are remembered, or that are made here to be so."""
    if query.encoder is not None:
        return
    for one in query.examples:
        if isinstance(one, FileExample) and one.region is None:
            with suppress(NotFoundError):  # it may be a file of the catalogue
                yield services().examples.find(one.file)


def _page_told(result: SearchResult, following: str | None) -> SearchPage:
    return SearchPage(
        query=result.ranking.sentence,
        where=write(result.query.where),
        encoder=EncoderTold(slug=result.encoder, digest=result.encoder_digest),
        method=result.ranking.method,
        matching=result.ranking.matching,
        complete=result.ranking.complete,
        reason=result.ranking.reason,
        after=str(result.following.after) if result.following is not None else None,
        next=following,
        copies=[work_told(card) for card in result.copies],
        results=_hits(result),
        facets=_facets_told(result.ranking.facets),
    )


def _hits(result: SearchResult, before: int = 0) -> list[Hit]:
    return [Hit(rank=before + hit.rank, score=hit.score, **work_values(hit.card)) for hit in result.hits]


def _facets_told(facets: Facets | None) -> dict[str, list[ChoiceTold]] | None:
    if facets is None:
        return None
    return {
        name: [ChoiceTold(value=one.value, label=one.label, count=one.count) for one in choices]
        for name, choices in facets.items()
    }


def _export(query: StyleQuery, how: Exporting) -> AnyResponse:
    paged = StyleQuery.from_json(query.to_json() | {"k": min(how.most, MOST_RESULTS)})
    return exported(_every_hit(paged, how.most), how.format, TABLE)


def _every_hit(query: StyleQuery, most: int) -> Iterator[Hit]:
    following: StyleQuery | None = query
    given = 0
    while following is not None and given < most:
        result = ask(following)
        if not result.ranking.complete:
            raise ServiceError(
                f"The search was cut short ({result.ranking.reason}), and half a list is none.",
                hint="Ask for fewer works, or narrow the search.",
                code="cut_short",
            )
        hits = _hits(result, given)[: most - given]
        yield from hits
        given += len(hits)
        following = result.following
