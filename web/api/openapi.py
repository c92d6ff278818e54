"""The API's description, OpenAPI 3.1, from the very table and models that serve it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

import stylesearch
from stylesearch.accounts.roles import SCOPES, Role
from stylesearch.wire.problems import Problem
from web.api.operations import PATHS, PREFIX, Answer, Operation
from web.api.problems import MEANINGS, NOT_MODIFIED
from web.api.requests import FileBody, JsonBody

PROBLEM_TYPE = "application/problem+json"
INTRO = """\
Search an archive by style, and read its works, artists, collections and reports.

Answers are JSON. Lists have `next`, the address of the next page, or null on the last one. Answers carry an `ETag`; with
`If-None-Match` one that has not changed is 304. Errors are problem documents (RFC 9457): `code` names the cause and stays,
`detail` says it in a line, `hint` what to do. What an address or a body cannot have is refused, not passed over.

A token is sent as `Authorization: Bearer TOKEN`; without one, visitors see what is open to everybody. It is good for some
scopes, and never for more than its user:

"""
HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": "How to show who asks."},
    405: {"Allow": "What may be done here."},
    429: {"Retry-After": "Seconds."},
    503: {"Retry-After": "Seconds."},
}

Document = dict[str, Any]
Schemas = Mapping[tuple[Any, JsonSchemaMode], Document]


@cache
def document() -> Document:
    """Return the description of the whole API."""
    from web.api.parts import PARTS, TAGS  # a part of the API is its own description, so this comes late

    every = [one for part in PARTS for one in part.found]
    schemas, definitions = models_json_schema(
        _models(every), ref_template="#/components/schemas/{model}", title="stylesearch"
    )
    paths: Document = {}
    for one in every:
        paths.setdefault(f"{PREFIX}{one.path}", {})[one.method.lower()] = _operation(one, schemas)
    scopes = "\n".join(
        f"- `{name}`: {about}" + ("" if role is Role.VISITOR else f"; for tokens of a {role} or more")
        for name, (role, about) in SCOPES.items()
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "stylesearch",
            "version": stylesearch.__version__,
            "description": INTRO + scopes,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": about} for name, about in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "responses": {_problem(status): _problem_answer(status) for status in sorted(MEANINGS)},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A token, with its scopes."}
            },
        },
    }


def _models(every: Iterable[Operation]) -> list[tuple[type[BaseModel], JsonSchemaMode]]:
    found: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(Problem, "serialization"): None}
    for one in every:
        if one.body is not None:
            found[one.body.model, "validation"] = None
        for content in one.answer.media.values():
            if isinstance(content, type):
                found[content, "serialization"] = None
    return list(found)


def _operation(one: Operation, schemas: Schemas) -> Document:
    answers: Document = {str(one.answer.status): _answer(one.answer, schemas)}
    if one.is_read and not one.lenient:
        answers["304"] = {"description": NOT_MODIFIED}
    answers |= {
        str(status): {"$ref": f"#/components/responses/{_problem(status)}"} for status in one.statuses
    }
    told: Document = {
        "operationId": one.name,
        "tags": [one.tag],
        "summary": one.summary,
        **({"description": one.description} if one.description else {}),
        "parameters": [*map(_place, one.places), *_parameters(one)],
        **({"requestBody": _body(one.body, schemas)} if one.body is not None else {}),
        "responses": answers,
        "security": _security(one),
    }
    return told


def _security(one: Operation) -> list[Document]:
    if one.scope is None:
        return []
    token: Document = {"token": [one.scope]}
    return [{}, token] if one.for_anybody else [token]


def _place(name: str) -> Document:
    _, schema, about = PATHS[name]
    return {"name": name, "in": "path", "required": True, "description": about, "schema": dict(schema)}


def _parameters(one: Operation) -> list[Document]:
    if one.query is None:
        return []
    schema = one.query.model_json_schema()
    needed = schema.get("required", [])
    found = []
    for name, told in schema["properties"].items():
        about = told.pop("description", "")
        found.append(
            {
                "name": name,
                "in": "query",
                "required": name in needed,
                **({"description": about} if about else {}),
                "schema": _without_null(told),
            }
        )
    return found


def _without_null(schema: Document) -> Document:
    """Return the schema of a parameter that may be left out: in an address there is no null."""
    kept = {name: value for name, value in schema.items() if name not in ("anyOf", "title")}
    if kept.get("default", ...) is None:
        del kept["default"]
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    return (options[0] if len(options) == 1 else {"anyOf": options}) | kept if options else kept


def _body(body: JsonBody | FileBody, schemas: Schemas) -> Document:
    schema = dict(schemas[body.model, "validation"])
    content: Document = {"application/json": {"schema": schema}}
    if isinstance(body, FileBody):
        content = {name: {} for name in body.media_types} | content
    return {"required": True, "content": content}


def _answer(answer: Answer, schemas: Schemas) -> Document:
    content: Document = {}
    for media_type, told in answer.media.items():
        if isinstance(told, type):
            content[media_type] = {"schema": dict(schemas[told, "serialization"])}
        else:
            content[media_type] = {} if told is None else {"schema": dict(told)}
    headers = {name: _header(about) for name, about in answer.headers.items()}
    return {
        "description": answer.about,
        **({"headers": headers} if headers else {}),
        "content": content,
    }


def _header(about: str) -> Document:
    return {"description": about, "schema": {"type": "string"}}


def _problem(status: int) -> str:
    return f"Problem{status}"


def _problem_answer(status: int) -> Document:
    headers = {name: _header(about) for name, about in HEADERS.get(status, {}).items()}
    return {
        "description": f"{HTTPStatus(status).phrase}. {MEANINGS[status]}",
        **({"headers": headers} if headers else {}),
        "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
