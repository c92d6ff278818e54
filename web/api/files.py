"""Pictures that are sent to be searched with, or fetched for it."""

from __future__ import annotations

from flask import Response

from stylesearch.wire.searches import Address, FileTold
from web.api import links
from web.api.answers import JSON
from web.api.operations import Answer, Operations, created
from web.api.requests import FileBody
from web.services import services

operations = Operations("search")


@operations.add(
    "POST",
    "/files",
    "read",
    Answer("The picture was taken.", {JSON: FileTold}, status=201, headers={"Location": "A search with it."}),
    body=FileBody(Address),
    problems=(422, 502),
    rate="describe",
)
def take_file(body: bytes | Address) -> Response:
    """Take a picture to search with, or to report on.

    Send the file itself, or JSON with the address that it is to be fetched from: only addresses of the open net are asked.
    It is described at once and kept for a while, under its SHA-256.
    """
    data = body if isinstance(body, bytes) else services().fetcher.fetch(body.url)
    taken = services().examples
    digest = taken.take(data)
    info = taken.find(digest).info
    found = FileTold(
        file=digest,
        width=info.width,
        height=info.height,
        media_type=info.media_type,
        kept_days=services().settings.query_keep_days,
    )
    return created(found, links.address("search_by_address", [("like", f"file:{digest}")]))
