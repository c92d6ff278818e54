"""The operations of the API: one table, from which they are served and described."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request
from pydantic import BaseModel
from werkzeug.wrappers import Response as AnyResponse

from stylesearch.search.examples import LARGEST_ID
from web.api import access
from web.api.answers import JSON, told
from web.api.requests import FileBody, JsonBody, read_query

View = Callable[..., BaseModel | AnyResponse]
Schema = Mapping[str, Any]

PREFIX = "/api/v1"
_ID = f"int(min=1, max={LARGEST_ID})"
_ID_SCHEMA: Schema = {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}
PATHS: dict[str, tuple[str, Schema, str]] = {
    "work_id": (_ID, _ID_SCHEMA, "Number of the work."),
    "artist_id": (_ID, _ID_SCHEMA, "Number of the artist."),
    "run_id": (_ID, _ID_SCHEMA, "Number of the run."),
    "slug": ("string(maxlength=200)", {"type": "string", "maxLength": 200}, "Slug of the collection."),
    "report_id": ("string(maxlength=64)", {"type": "string", "maxLength": 64}, "Id of the report."),
}
"""What stands in addresses: how Flask reads it, its schema, and what it is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that goes well.

    Attributes
    ----------
    media:
        By media type, the model or the JSON Schema of what is sent; ``None`` for what is no JSON.
    headers:
        That come with it, and what they say.
    """

    about: str
    media: Mapping[str, type[BaseModel] | Schema | None]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked of the API.

    Attributes
    ----------
    path:
        Below the prefix, with names from :data:`PATHS` in braces.
    scope:
        What a token must be good for; ``None`` where nothing is given away.
    query, body:
        What is read from the request, and given to the view by these names.
    problems:
        Statuses of problem documents, besides those that every operation has.
    rate:
        What requests count towards.
    lenient:
        Whether the view reads the parameters itself, and answers bad ones in its own way.
    """

    method: str
    path: str
    view: View
    tag: str
    scope: str | None
    answer: Answer
    query: type[BaseModel] | None = None
    body: JsonBody | FileBody | None = None
    problems: tuple[int, ...] = ()
    rate: str = "api"
    lenient: bool = False

    @property
    def name(self) -> str:
        """What it is called in the description and among Flask's endpoints."""
        return self.view.__name__

    @property
    def summary(self) -> str:
        """What it does, in a line."""
        return inspect.cleandoc(self.view.__doc__ or "").split("\n\n")[0].replace("\n", " ")

    @property
    def description(self) -> str:
        """What else is to be known of it."""
        return "\n\n".join(inspect.cleandoc(self.view.__doc__ or "").split("\n\n")[1:])

    @property
    def places(self) -> list[str]:
        """The names in its path."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]

    @property
    def for_anybody(self) -> bool:
        """Whether it may be asked without a token."""
        return access.is_for_visitors(self.scope)

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing, so that an answer may still be right."""
        return self.method == "GET"

    @property
    def statuses(self) -> list[int]:
        """The statuses of its problem documents."""
        found = {400, 401, 404, 405, 429, 500, 503, *self.problems}
        if self.scope is not None:
            found.add(403)
        if self.body is not None:
            found |= {413, 415}
        return sorted(found)

    def rule(self) -> str:
        """Return its path as Flask writes it."""
        path = self.path
        for name in self.places:
            path = path.replace(f"{{{name}}}", f"<{PATHS[name][0]}:{name}>")
        return path

    def serve(self, **places: Any) -> AnyResponse:
        """Answer the request."""
        values = dict(places)
        if not self.lenient:
            parameters = read_query(self.query or _NoParameters, request.args)
            if self.query is not None:
                values["query"] = parameters
        if self.body is not None:
            values["body"] = self.body.read()
        found = self.view(**values)
        return found if isinstance(found, AnyResponse) else told(found, status=self.answer.status)


class _NoParameters(BaseModel):
    pass


@dataclass
class Operations:
    """A part of the API: its operations, in their order."""

    tag: str
    found: list[Operation] = field(default_factory=list)

    def add(
        self,
        method: str,
        path: str,
        scope: str | None,
        answer: Answer | type[BaseModel],
        **more: Any,
    ) -> Callable[[View], View]:
        """Make a view an operation; see :class:`Operation`. An answer that is a model is told as JSON, status 200."""

        def added(view: View) -> View:
            whole = answer if isinstance(answer, Answer) else Answer(about_of(answer), {JSON: answer})
            self.found.append(Operation(method, path, view, self.tag, scope, whole, **more))
            return view

        return added

    def serve(self, blueprint: Blueprint) -> None:
        """Enter the operations into a blueprint."""
        for one in self.found:
            blueprint.add_url_rule(one.rule(), one.name, _view(one), methods=[one.method])


def _view(one: Operation) -> Callable[..., AnyResponse]:
    def serve(**places: Any) -> AnyResponse:
        return one.serve(**places)

    return access.guarded(serve, one.scope, one.rate)


def about_of(model: type[BaseModel]) -> str:
    """Return what a model is, in a line."""
    return inspect.cleandoc(model.__doc__ or model.__name__).split("\n\n")[0].replace("\n", " ")


def created(model: BaseModel, location: str) -> Response:
    """Return the answer that something was made."""
    return told(model, status=HTTPStatus.CREATED, location=location)
