"""What a request says, read into a model; what does not fit is told by its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar, get_origin

from flask import request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from stylesearch.errors import InputError
from web.api.problems import RefusedError, faulty, too_large
from web.services import services

JSON_BYTES = 4 * 1024**2
"""Bytes of a JSON body: a search with the most and longest descriptors has fewer."""

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class JsonBody:
    """A body of JSON.

    Attributes
    ----------
    most:
        Bytes that it may have.
    """

    model: type[BaseModel]
    most: int = JSON_BYTES

    def read(self) -> BaseModel:
        """Return the body of the request.

        Raises
        ------
        RefusedError
            ``media_type``, ``body_too_large``.
        FaultyError
            ``bad_body``.
        """
        if not request.is_json:
            raise wrong_media_type("application/json")
        data = read_bytes(self.most)
        try:
            return self.model.model_validate_json(data)
        except ValidationError as error:
            raise faulty(
                error, "The body" if not error.errors()[0]["loc"] else "The field", "bad_body"
            ) from None


@dataclass(frozen=True, slots=True)
class FileBody:
    """A body that is an image file, or JSON with the address of one."""

    model: type[BaseModel]
    media_types: tuple[str, ...] = ("image/*", "application/octet-stream")

    def read(self) -> bytes | BaseModel:
        """Return the file, or what the JSON says. Errors as :meth:`JsonBody.read`."""
        if request.is_json:
            return JsonBody(self.model).read()
        if not (request.mimetype.startswith("image/") or request.mimetype == "application/octet-stream"):
            raise wrong_media_type(*self.media_types, "application/json")
        return read_bytes(services().settings.max_upload_bytes)


def read_bytes(most: int) -> bytes:
    """Return the body of the request.

    Raises
    ------
    RefusedError
        ``body_too_large``.
    """
    request.max_content_length = most
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise too_large(most) from None


def wrong_media_type(*wanted: str) -> RefusedError:
    """Return the error that a body is of another media type."""
    shown = f"{request.mimetype[:50]!r}" if request.mimetype else "nothing"
    return RefusedError(
        415,
        f"The Content-Type says {shown}, which is not taken here.",
        hint=f"Send {' or '.join(wanted)}.",
        code="media_type",
        headers={"Accept": ", ".join(wanted)},
    )


def read_query(model: type[Model], values: MultiDict[str, str]) -> Model:
    """Return the parameters of an address.

    Raises
    ------
    InputError
        ``unknown_parameter`` or ``bad_parameter``, naming it.
    """
    known = model.model_fields
    unknown = [name for name in values if name not in known]
    if unknown:
        raise InputError(
            f"There is no parameter {', '.join(repr(name[:50]) for name in unknown[:5])} here.",
            hint=f"Parameters: {', '.join(known)}." if known else "This address takes no parameters.",
            code="unknown_parameter",
        )
    given: dict[str, Any] = {}
    for name in values:
        texts = values.getlist(name)
        if get_origin(known[name].annotation) is list:
            given[name] = texts
        elif len(texts) > 1:
            raise InputError(
                f"The parameter {name} is given more than once.",
                hint="Keep one of them.",
                code="bad_parameter",
            )
        else:
            given[name] = texts[0]
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise faulty(error, "The parameter", "bad_parameter") from None
