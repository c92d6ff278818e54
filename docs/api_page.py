"""The page about the API, from its OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from stylesearch.wire.base import LARGEST_ID
from web.api.openapi import document
from web.api.parts import TAGS

Document = dict[str, Any]
Table = Callable[[tuple[str, ...], Sequence[tuple[str, ...]]], str]

HOW = """\
## Ask

```sh
curl 'http://127.0.0.1:8080/api/v1/search?like=work:12&q=reuse:open&k=5'
curl --data-binary @picture.png -H 'Content-Type: image/png' http://127.0.0.1:8080/api/v1/files
curl 'http://127.0.0.1:8080/api/v1/works?q=medium:ink&format=csv' > works.csv
```

`like` and `unlike` are written as `stylesearch search --like` takes them, and `q` is a filter as in [Search](search.md).

In Python, the package has a typed client. Its errors are those of the library, with the server's own words:

```python
from stylesearch.client import Client
from stylesearch.wire.searches import ExampleGiven, SearchRequest

with Client("https://styles.example.org", token=None) as client:
    file = client.upload(open("picture.png", "rb").read()).file
    request = SearchRequest(examples=[ExampleGiven(file=file)], where="reuse:open", k=100)
    for hit in client.search_all(request):
        print(hit.score, hit.title, hit.credit_line)
```

On the command line, `--server URL` asks another server: `stylesearch search picture.png --server https://styles.example.org`,
and so with `stylesearch report`, `stylesearch collections`, `stylesearch ingest status`, `stylesearch ingest errors`,
`stylesearch ingest retry`, `stylesearch ingest iiif` and `stylesearch ingest oai`. `STYLESEARCH_API_TOKEN` may hold a token,
which `stylesearch tokens make` makes there. It is sent to no address that begins with `http://`, but for this machine's own.

## Go through lists

Follow `next` until it is null; it is in the header `Link` too. Lists hold still where what they are ordered by does. A page
past the end is empty.

`format=csv` and `format=jsonl` give a whole list. They are sent while they are read: what is broken off, such as by a
database that stops, ends without its last chunk, which clients tell as an error. In CSV, a text that a spreadsheet would take
for a formula has an apostrophe before it.

## Errors

```json
{"type": "about:blank", "title": "Bad Request", "status": 400, "code": "bad_parameter",
 "detail": "The parameter limit cannot be used: input should be less than or equal to 200.",
 "hint": "The API's description says what it may be.",
 "errors": [{"where": "limit", "why": "input should be less than or equal to 200"}]}
```

`place` shows a place in a filter, with a caret below it.

## IIIF and OAI-PMH

Each work is a manifest, and each list and search a collection of manifests: open it in a viewer, or take it in elsewhere with
`stylesearch ingest iiif`. Where there are more, the last item of a collection is the next page, a collection itself.

Harvesters find all works at `/api/v1/oai`, as `oai_dc`, with the collections as sets. Resumption tokens do not expire. A
withdrawn work is a deleted record; one of a collection that was hidden has none, so `deletedRecord` is `transient`. Works of a
collection that is opened to all keep their datestamps: harvest its set once whole.

Set `STYLESEARCH_WEB_URL` where the portal is known by one address: it is written into manifests and records, which others keep.
"""


def api_page(note: str, table: Table) -> str:
    """Return the page.

    Parameters
    ----------
    note:
        What stands before it.
    table:
        Makes a table of a head and rows.
    """
    told = document()
    parts = [note, "# API\n\n", told["info"]["description"], "\n\n", HOW, "\n## Operations\n"]
    for tag, about in TAGS.items():
        parts.append(f"\n### {tag.capitalize()}\n\n{about}\n")
        for path, methods in told["paths"].items():
            for method, operation in methods.items():
                if operation["tags"] == [tag]:
                    parts.extend(_operation(path, method.upper(), operation, table))
    parts.append("\n## Objects\n")
    for name, schema in sorted(told["components"]["schemas"].items()):
        parts.extend(_object(name, schema, table))
    return "".join(parts)


def _operation(path: str, method: str, operation: Document, table: Table) -> Iterator[str]:
    yield f"\n#### {method} {path}\n\n{operation['summary']}\n"
    if "description" in operation:
        yield f"\n{operation['description']}\n"
    scopes = [scope for one in operation["security"] for scope in one.get("token", [])]
    free = not operation["security"] or {} in operation["security"]
    if scopes:
        yield f"\n{'Open to everybody; a token' if free else 'A token'} needs the scope `{scopes[0]}`.\n"
    rows = [
        (
            f"`{one['name']}`" + (" (required)" if one["required"] else ""),
            _type(one["schema"]),
            one.get("description", ""),
        )
        for one in operation["parameters"]
    ]
    if rows:
        yield "\n" + table(("Parameter", "Type", "Meaning"), rows)
    if "requestBody" in operation:
        kinds = [
            f"{_type(of['schema'])} as `{kind}`" if "schema" in of else f"`{kind}`"
            for kind, of in operation["requestBody"]["content"].items()
        ]
        yield f"\nBody: {', or '.join(kinds)}.\n"
    yield "\n" + table(("Status", "Answer"), [*_answers(operation)])


def _answers(operation: Document) -> Iterator[tuple[str, str]]:
    problems = []
    for status, answer in operation["responses"].items():
        if "$ref" in answer:
            problems.append(status)
            continue
        kinds = [
            f"{_type(content['schema'])} as `{kind}`" if "$ref" in content.get("schema", {}) else f"`{kind}`"
            for kind, content in answer.get("content", {}).items()
        ]
        yield status, answer["description"] + (f" {'; '.join(kinds)}" if kinds else "")
    if problems:
        yield ", ".join(problems), f"{_link('Problem')} as `application/problem+json`"


def _object(name: str, schema: Document, table: Table) -> Iterator[str]:
    yield f"\n### {name}\n\n{schema.get('description', '')}\n"
    needed = schema.get("required", [])
    rows = []
    for field, of in schema.get("properties", {}).items():
        meaning = of.get("description", "")
        if field not in needed and of.get("default") not in (None, [], ""):
            meaning = f"{meaning} Default: `{json.dumps(of['default'])}`.".strip()
        rows.append((f"`{field}`" + (" (required)" if field in needed else ""), _type(of), meaning))
    if rows:
        yield "\n" + table(("Field", "Type", "Meaning"), rows)


def _type(schema: Document) -> str:
    """Return what a schema lets through, in few words."""
    if "$ref" in schema:
        return _link(schema["$ref"].rpartition("/")[2])
    words = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if words:
        return ", ".join(f"`{one}`" for one in words)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(_type, schema["anyOf"])))
    return _plain_type(str(schema.get("type", "anything")), schema)


def _plain_type(kind: str, schema: Document) -> str:
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    least, most = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum")
    if kind in ("integer", "number") and least is not None and most is not None and most < LARGEST_ID:
        return f"{kind}, {least} to {most}"
    return f"{kind} ({schema['format']})" if schema.get("format") else kind


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"
