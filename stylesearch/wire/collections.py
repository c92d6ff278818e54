"""Collections."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stylesearch.wire.base import Given, Page, Text, Told
from stylesearch.wire.works import RightsTold

Visibility = Literal["everybody", "viewers", "staff"]


class CollectionLinks(Told):
    """Where more of a collection is to be had."""

    url: str
    works: str = Field(description="Its works, in this API.")
    manifests: str = Field(description="Its works as a IIIF collection.")


class CollectionTold(Told):
    """A collection."""

    slug: str
    title: str
    provider: str | None = Field(description="Who holds it.")
    source_url: str | None = Field(description="Where it was taken from, if that is on the net.")
    default_rights: RightsTold | None = Field(description="Rights where a work's own metadata say nothing.")
    works: int = Field(description="How many of its works may be seen.")
    visibility: Visibility = Field(description="Who may see it.")
    links: CollectionLinks


class CollectionPage(Page[CollectionTold]):
    """Collections, by their slugs."""


class CollectionsQuery(Given):
    """Which page."""

    limit: int = Field(default=50, ge=1, le=200, description="How many a page.")
    after: Text | None = Field(
        default=None, max_length=200, description="Slug of the collection that the page before ended with."
    )


class CollectionChange(Given):
    """What is to be changed of a collection."""

    title: Text | None = Field(default=None, min_length=1, max_length=300)
    visibility: Visibility | None = None
