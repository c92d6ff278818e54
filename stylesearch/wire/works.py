"""Works, as they are told wherever they are listed."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from stylesearch.wire.base import Given, Id, Page, Text, Told

Order = Literal["id", "title", "year", "-year", "added", "-added"]
Form = Literal["json", "csv", "jsonl"]


class RightsTold(Told):
    """A rights statement."""

    label: str
    uri: str | None
    reuse: str = Field(
        description="`open`, `restricted`, `permission`, or `unknown` where nothing is stated."
    )
    spdx_id: str | None


class WorkLinks(Told):
    """Where more of a work is to be had."""

    url: str = Field(description="The work in this API.")
    page: str = Field(description="Its page for people.")
    manifest: str = Field(description="Its IIIF manifest.")
    thumbnail: str = Field(description="A small picture, WebP.")
    image: str = Field(description="The image file as it was taken in.")


class WorkTold(Told):
    """A work and its first image."""

    work_id: int
    image_id: int
    source_id: str = Field(description="What its source calls it.")
    collection: str = Field(description="Slug of its collection.")
    collection_title: str
    title: str
    description: str | None
    artists: list[str] = Field(
        description="Credits as people read them: `after Jane Doe` for a qualified one."
    )
    date_text: str | None
    year_from: int | None
    year_to: int | None
    medium: str | None
    movement: str | None
    period: str | None
    object_type: str | None
    keywords: list[str]
    source_url: str | None
    work_rights: RightsTold = Field(description="Rights of the work itself.")
    image_rights: RightsTold = Field(description="Rights of the image; what filters ask for.")
    credit_line: str = Field(description="What a reuser prints.")
    sha256: str = Field(description="Of the image file, in hex.")
    width: int = Field(description="Of the image, in pixels.")
    height: int = Field(description="Of the image, in pixels.")
    media_type: str
    links: WorkLinks


class ImageTold(Told):
    """An image of a work."""

    image_id: int
    sha256: str
    width: int
    height: int
    media_type: str
    thumbnail: str
    image: str


class CreditTold(Told):
    """An artist's part in a work."""

    artist_id: int
    name: str
    role: str
    qualifier: str | None = Field(description="`after`, `circle of`, ...; null where it is the artist's own.")
    url: str = Field(description="The artist in this API.")


class WorkDetail(WorkTold):
    """A work with all of its images and credits."""

    images: list[ImageTold]
    credits: list[CreditTold]
    ai_training: bool | None = Field(
        description="False where its holders reserve it against machine learning."
    )
    created_at: datetime = Field(description="When it was taken in.")
    updated_at: datetime


class WorkPage(Page[WorkTold]):
    """Works."""


class WorksQuery(Given):
    """Which works, in which order."""

    q: list[Text] = Field(default=[], description="Filters as they are written; all must hold.")
    sort: Order = Field(default="id", description="What they are ordered by; with `-`, from the end.")
    limit: int = Field(default=50, ge=1, le=200, description="How many a page.")
    after: Id | None = Field(default=None, description="Number of the work that the page before ended with.")
    format: Form = Field(
        default="json", description="`csv` and `jsonl` give all that there are, not a page, as they are read."
    )
