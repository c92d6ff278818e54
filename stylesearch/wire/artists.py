"""Artists."""

from __future__ import annotations

from pydantic import Field

from stylesearch.wire.base import Given, Id, Page, Text, Told
from stylesearch.wire.works import Form


class ArtistLinks(Told):
    """Where more of an artist is to be had."""

    url: str
    works: str = Field(description="The works credited to the artist, in this API.")
    search: str = Field(description="Works in the artist's style, in this API.")


class ArtistTold(Told):
    """An artist of whom there is a work to be seen."""

    artist_id: int
    name: str
    sort_name: str
    birth_year: int | None
    death_year: int | None
    ulan_id: str | None
    wikidata_id: str | None
    works: int = Field(description="How many works are credited to the artist.")
    links: ArtistLinks


class ArtistDetail(ArtistTold):
    """An artist, with other names."""

    aliases: list[str]
    outright: int = Field(description="How many of the works are the artist's own, without a qualifier.")


class ArtistPage(Page[ArtistTold]):
    """Artists, by their names."""


class ArtistsQuery(Given):
    """Which artists."""

    name: Text | None = Field(
        default=None, min_length=1, max_length=300, description="Part of a name or of an alias, in any case."
    )
    q: list[Text] = Field(default=[], description="Only artists of works that these filters let through.")
    limit: int = Field(default=50, ge=1, le=200, description="How many a page.")
    after: Id | None = Field(
        default=None, description="Number of the artist that the page before ended with."
    )
    format: Form = Field(
        default="json", description="`csv` and `jsonl` give all that there are, not a page, as they are read."
    )
