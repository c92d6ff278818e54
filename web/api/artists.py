"""Artists of whom there are works to be seen."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.catalog.access import visible
from stylesearch.catalog.artists import Artist, ArtistAlias, WorkArtist
from stylesearch.catalog.works import Work
from stylesearch.errors import NotFoundError
from stylesearch.search.conditions import ByArtist
from stylesearch.search.makers import Maker, count_makers, every_maker, list_makers
from stylesearch.wire.artists import ArtistDetail, ArtistLinks, ArtistPage, ArtistsQuery, ArtistTold
from web.api import access, links
from web.api.answers import JSON, told
from web.api.exports import CSV, JSON_LINES, Table, exported
from web.api.filtering import filter_of_lines, filter_pairs
from web.api.operations import Answer, Operations
from web.services import services

operations = Operations("artists")

_COLUMNS = (
    "artist_id", "name", "sort_name", "birth_year", "death_year", "ulan_id", "wikidata_id", "works",
)  # fmt: skip
TABLE: Table[ArtistTold] = Table(
    "artists",
    (*_COLUMNS, "link_url"),
    lambda row: [*(getattr(row, name) for name in _COLUMNS), row.links.url],
)


@operations.add(
    "GET",
    "/artists",
    "read",
    Answer("Artists, by their sort names.", {JSON: ArtistPage, CSV: None, JSON_LINES: None}),
    query=ArtistsQuery,
)
def list_artists(query: ArtistsQuery) -> AnyResponse:
    """List artists, by name or of works under a filter.

    `works` counts the works that the filter lets through.
    """
    where, seen = filter_of_lines(query.q), access.current()
    if query.format != "json":
        makers = every_maker(services().database, where, name=query.name, after=query.after, access=seen)
        return exported(map(_artist_told, makers), query.format, TABLE)
    with services().database.session() as session:
        found = list_makers(
            session, where, name=query.name, limit=query.limit + 1, after=query.after, access=seen
        )
        total = None
        if query.after is None:
            total = count_makers(session, where, name=query.name, access=seen)
    shown, following = found[: query.limit], None
    if len(found) > query.limit:
        name = [("name", query.name)] if query.name is not None else []
        page = [("limit", str(query.limit)), ("after", str(shown[-1].artist.id))]
        following = links.address("list_artists", [*filter_pairs(where), *name, *page])
    return told(ArtistPage(items=[*map(_artist_told, shown)], next=following, total=total))


@operations.add("GET", "/artists/{artist_id}", "read", ArtistDetail)
def read_artist(artist_id: int) -> ArtistDetail:
    """Tell all of an artist."""
    number = func.count(WorkArtist.work_id.distinct())
    with services().database.session() as session:
        artist = session.get(Artist, artist_id)
        works, outright = session.execute(
            select(number, number.filter(WorkArtist.qualifier.is_(None)))
            .join(Work, Work.id == WorkArtist.work_id)
            .where(WorkArtist.artist_id == artist_id, visible(access.current()))
        ).one()
        if artist is None or not works:
            raise NotFoundError(
                f"There is no artist {artist_id} here.",
                hint="None of the artist's works may be seen.",
                code="unknown_artist",
            )
        aliases = session.scalars(
            select(ArtistAlias.name).where(ArtistAlias.artist_id == artist_id).order_by(ArtistAlias.name)
        ).all()
    return ArtistDetail(**_values(Maker(artist, works)), aliases=list(aliases), outright=outright)


def _artist_told(maker: Maker) -> ArtistTold:
    return ArtistTold(**_values(maker))


def _values(maker: Maker) -> dict[str, Any]:
    artist = maker.artist
    return {
        "artist_id": artist.id,
        "name": artist.name,
        "sort_name": artist.sort_name,
        "birth_year": artist.birth_year,
        "death_year": artist.death_year,
        "ulan_id": artist.ulan_id,
        "wikidata_id": artist.wikidata_id,
        "works": maker.works,
        "links": ArtistLinks(
            url=links.address("read_artist", artist_id=artist.id),
            works=links.address("list_all_works", filter_pairs(ByArtist(artist.name))),
            search=links.address("search_by_address", [("like", f"artist:{artist.name}")]),
        ),
    }
