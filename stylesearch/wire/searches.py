"""Searches: what is asked, and the answer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from stylesearch.wire.base import Digest, Given, Id, Text, Told
from stylesearch.wire.works import Form, WorkTold

Measure = Literal["cosine", "csls", "whitened"]
Fusion = Literal["mean", "rank"]
Against = Literal["subtract", "margin"]
Mode = Literal["auto", "exact", "hnsw", "binary"]
Group = Literal["work", "image"]
MOST_EXPORTED = 10_000

_KINDS = ("image", "work", "file", "artist", "descriptor", "words")


class ExampleGiven(Given, json_schema_extra={"oneOf": [{"required": [kind]} for kind in _KINDS]}):
    """Something that is searched with; it names exactly one of image, work, file, artist, descriptor and words."""

    image: Id | None = Field(default=None, description="Number of an image.")
    work: Id | None = Field(default=None, description="Number of a work: what its images have in common.")
    file: Digest | None = Field(
        default=None, description="SHA-256 of a file that was uploaded, or of an image."
    )
    artist: Text | None = Field(default=None, max_length=300, description="Name of an artist.")
    descriptor: list[float] | None = Field(
        default=None,
        min_length=1,
        max_length=4000,
        description="Numbers, as `stylesearch encode` writes them.",
    )
    words: Text | None = Field(
        default=None, max_length=500, description="A description, for encoders that can read."
    )
    region: Text | None = Field(
        default=None,
        pattern=r"^\d{1,9}(,\d{1,9}){3}$",
        description="Part of an image or a file, in pixels: `left,top,width,height`.",
    )
    weight: float = Field(default=1.0, gt=0, le=100, description="How much it counts beside others.")
    against: bool = Field(default=False, description="Whether works should be unlike it.")


class ReadoutGiven(Given):
    """How works are scored."""

    measure: Measure = "cosine"
    fusion: Fusion = Field(default="mean", description="What is made of several examples.")
    against: Against = Field(default="margin", description="How examples against count.")
    force: float = Field(default=0.5, ge=0, le=10)
    margin: float = Field(default=0.1, ge=0, le=2)


Where = Text | dict[str, Any]


class SearchRequest(Given):
    """A question to the gallery; the same as `stylesearch.search.query.StyleQuery`."""

    examples: list[ExampleGiven] = Field(min_length=1, max_length=20)
    where: Where = Field(
        default="",
        description="Which works may be found: a filter as it is written, or as JSON;"
        ' `reuse:open year:1880..1900`, or `{"medium": "ink"}`.',
    )
    readout: ReadoutGiven = ReadoutGiven()
    k: int = Field(default=24, ge=1, le=1000, description="How many a page.")
    after: Text | None = Field(
        default=None, max_length=200, description="Where the page before ended: its `after`."
    )
    group: Group = Field(default="work", description="`image` finds every image of a work.")
    per_artist: int | None = Field(default=None, ge=1, le=1000, description="At most so many by one artist.")
    encoder: Text | None = Field(
        default=None, min_length=1, max_length=200, description="Whose gallery is searched."
    )
    mode: Mode = "auto"
    exclude_images: list[Id] = Field(
        default=[], max_length=10_000, description="Numbers of images to leave out."
    )
    facets: bool = Field(default=False, description="Whether to count what filters can be set to.")


class SearchParameters(Given):
    """A question to the gallery, in an address."""

    like: list[Text] = Field(
        default=[],
        max_length=20,
        description="What works should be like: `work:12`, `image:7@10,20,300,200`, `file:SHA256`, `artist:Jane Doe`,"
        " `words:a storm`; with `^2` behind it for twice the weight.",
    )
    unlike: list[Text] = Field(
        default=[], max_length=20, description="What they should not be like, written likewise."
    )
    q: list[Text] = Field(default=[], description="Filters as they are written; all must hold.")
    k: int = Field(default=24, ge=1, le=1000, description="How many a page.")
    after: Text | None = Field(
        default=None, max_length=200, description="Where the page before ended: its `after`."
    )
    group: Group = "work"
    per_artist: int | None = Field(default=None, ge=1, le=1000, description="At most so many by one artist.")
    encoder: Text | None = Field(
        default=None, min_length=1, max_length=200, description="Whose gallery is searched."
    )
    mode: Mode = "auto"
    measure: Measure = "cosine"
    fusion: Fusion = "mean"
    against: Against = "margin"
    force: float = Field(default=0.5, ge=0, le=10)
    margin: float = Field(default=0.1, ge=0, le=2)
    facets: bool = Field(default=False, description="Whether to count what filters can be set to.")


class Exporting(Given):
    """What an answer is written as."""

    format: Form = Field(
        default="json", description="`csv` and `jsonl` give page after page, as they are found."
    )
    most: int = Field(
        default=1000, ge=1, le=MOST_EXPORTED, description="Most works that `csv` and `jsonl` give."
    )


class SearchByAddress(SearchParameters, Exporting):
    """A search in an address, and what it is written as."""


class SearchOptions(Exporting):
    """What stands beside a search that is posted."""

    after: Text | None = Field(
        default=None, max_length=200, description="Where the page before ended; instead of the body's."
    )


class EncoderTold(Told):
    """An encoder, by name and by what it is."""

    slug: str
    digest: str


class Hit(WorkTold):
    """A work that was found."""

    rank: int = Field(description="Its place on the page, from 1.")
    score: float = Field(description="What the readout makes of the descriptors: no probability.")


class ChoiceTold(Told):
    """A value that a filter can be set to."""

    value: str
    label: str
    count: int


class SearchPage(Told):
    """The answer to a search."""

    query: str = Field(description="The filter in words.")
    where: str = Field(description="The filter as it is written.")
    encoder: EncoderTold
    method: str = Field(description="`exact`, `hnsw` or `binary`: how it was found.")
    matching: int | None = Field(description="Images that the filter lets through, where they were counted.")
    complete: bool = Field(description="False where the answer was cut off.")
    reason: str | None = Field(description="Why it was: `timeout`, `shard_down` or `rank_depth`.")
    after: str | None = Field(description="Where this page ends; null on the last one.")
    next: str | None = Field(
        description="Address of the next page; of a search that was posted, the same body goes there."
    )
    copies: list[WorkTold] = Field(description="Works whose image is the very file that was searched with.")
    results: list[Hit]
    facets: dict[str, list[ChoiceTold]] | None = Field(default=None, description="Where they were asked for.")


class FileTold(Told):
    """A picture that was taken to be searched with."""

    file: str = Field(description="Its SHA-256, which names it in searches and reports.")
    width: int
    height: int
    media_type: str
    kept_days: float = Field(description="For how long it is kept.")


class Address(Given):
    """Where a picture is on the open net."""

    url: Text = Field(min_length=1, max_length=8000, description="Begins with https:// or http://.")
