"""What the API tells of itself."""

from __future__ import annotations

import json

from flask import Response
from pydantic import Field

import stylesearch
from stylesearch.wire.base import Told
from web.api import links
from web.api.answers import JSON, given
from web.api.openapi import document
from web.api.operations import Answer, Operations

operations = Operations("about")


class Index(Told):
    """Where to begin."""

    name: str
    version: str
    openapi: str = Field(description="The description of this API, OpenAPI 3.1.")
    search: str
    works: str
    artists: str
    collections: str
    oai: str = Field(description="For harvesters, OAI-PMH 2.0.")


@operations.add("GET", "/", None, Index)
def read_index() -> Index:
    """Tell where to begin."""
    return Index(
        name="stylesearch",
        version=stylesearch.__version__,
        openapi=links.address("read_description"),
        search=links.address("search_by_address"),
        works=links.address("list_all_works"),
        artists=links.address("list_artists"),
        collections=links.address("list_collections"),
        oai=links.address("harvest"),
    )


@operations.add("GET", "/openapi.json", None, Answer("An OpenAPI 3.1 document.", {JSON: {"type": "object"}}))
def read_description() -> Response:
    """Describe this API."""
    return given(json.dumps(document(), ensure_ascii=False).encode(), JSON)
