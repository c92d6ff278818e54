"""``stylesearch search --server``: the same search, on another server."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

import click

from stylesearch.cli.progress import console, errors
from stylesearch.cli.remote import client_of
from stylesearch.cli.results import hits_table, reason_text
from stylesearch.search.examples import Example, FileExample
from stylesearch.search.query import StyleQuery
from stylesearch.wire.searches import SearchPage, SearchRequest


def search_there(
    server: str,
    query: StyleQuery,
    examples: Iterable[Example],
    files: Iterable[tuple[bytes, bool]],
    *,
    after: str | None,
    as_json: bool,
) -> None:
    """Send a query to a server, with its picture files, and print the answer.

    Parameters
    ----------
    examples, files:
        What is searched with; of each file, whether works should be unlike it.
    """
    with client_of(server) as client:
        sent = [
            replace(FileExample(client.upload(data).file), against=against)  # each file is sent once
            for data, against in files
        ]
        asked = query.with_(examples=(*examples, *sent)).to_json()
        page = client.search(SearchRequest.model_validate(asked | ({"after": after} if after else {})))
    if as_json:
        told = page.model_dump(mode="json", exclude={"after", "next", "where", "facets"}) | {
            "next": page.after
        }
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        show_page(page)


def show_page(page: SearchPage) -> None:
    """Print a page of results as a table."""
    for work in page.copies:
        credited = ", ".join(work.artists) or "Unknown artist"
        console.print(
            f"This very file is in the archive: “{work.title}” by {credited} (work {work.work_id}).",
            highlight=False,
        )
    rows = [
        (
            hit.rank, hit.score, hit.work_id, hit.title, ", ".join(hit.artists) or "Unknown artist", hit.date_text,
            hit.image_rights.reuse, hit.image_rights.spdx_id or hit.image_rights.label,
        )
        for hit in page.results
    ]  # fmt: skip
    console.print(hits_table(page.query, rows) if rows else "Nothing matches.")
    if not page.complete:
        errors.print(reason_text(page.reason), highlight=False)
    if page.after is not None:
        console.print(f"more: --after {page.after}", highlight=False, soft_wrap=True)
