"""Requests to a server of the API: its token, its problems, its patience."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import urlsplit

import httpx2
from pydantic import BaseModel, ValidationError

import stylesearch
from stylesearch.errors import ImageError, InputError, NotFoundError, ServiceError, StylesearchError
from stylesearch.wire.problems import Problem

PREFIX = "/api/v1"
TRIES = 3
LONGEST_WAIT = 30.0
"""Longest that a server may ask a client to wait before it asks again."""
MOST_BYTES = 256 * 1024**2
PROBLEM = "application/problem+json"

Parameters = Mapping[str, object] | Sequence[tuple[str, str]]
Model = TypeVar("Model", bound=BaseModel)

_KINDS: dict[int, type[StylesearchError]] = {404: NotFoundError, 422: ImageError}
_PASSING = frozenset([429, 503])


class ApiError(InputError):
    """A request that a server refuses because of who asks: 401 or 403."""

    code = "refused"


class Transport:
    """Asks one server.

    Parameters
    ----------
    server:
        Where its portal is: ``https://styles.example.org``.
    token:
        Shown with each request.
    timeout:
        Seconds that the server may take for the next piece of an answer.

    Raises
    ------
    InputError
        ``server_address`` if that is no address; ``token_in_clear`` if the token would go over the net for all to read.
    """

    def __init__(self, server: str, *, token: str | None = None, timeout: float = 120.0) -> None:
        self.server = _checked(server, with_token=token is not None)
        headers = {
            "User-Agent": f"stylesearch/{stylesearch.__version__}",
            "Accept": f"application/json, {PROBLEM}",
        }
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        # A redirect might lead elsewhere with the token, so none is followed.
        self._http = httpx2.Client(headers=headers, timeout=timeout, follow_redirects=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def read(self, model: type[Model], path: str, parameters: Parameters = ()) -> Model:
        """Return what an address tells."""
        return self._told(model, self._ask("GET", path, parameters=parameters))

    def send(
        self,
        model: type[Model],
        path: str,
        body: BaseModel | bytes | None = None,
        *,
        method: str = "POST",
        parameters: Parameters = (),
        headers: Mapping[str, str] | None = None,
    ) -> Model:
        """Send something and return what the server tells of it."""
        content, media_type = None, None
        if isinstance(body, BaseModel):
            content = body.model_dump_json(exclude_unset=True).encode()
            media_type = "application/json"
        elif body is not None:
            content, media_type = body, "application/octet-stream"
        sent = dict(headers or {}) | ({"Content-Type": media_type} if media_type else {})
        return self._told(
            model, self._ask(method, path, parameters=parameters, content=content, headers=sent)
        )

    def read_bytes(self, path: str, *, accept: str = "*/*") -> bytes:
        """Return the file that an address gives."""
        return self._ask("GET", path, headers={"Accept": accept}).content

    def read_tagged(self, model: type[Model], path: str) -> tuple[Model, str]:
        """Return what an address tells, and the ETag of that."""
        answer = self._ask("GET", path)
        return self._told(model, answer), answer.headers.get("ETag", "")

    def stream(self, path: str, parameters: Parameters = ()) -> Iterator[bytes]:
        """Yield a large answer in pieces, as they come.

        Raises
        ------
        StylesearchError
            Also if the answer ends before its end.
        """
        url = self._url(path)
        with (
            self._trouble(),
            self._http.stream("GET", url, params=_pairs(parameters), headers={"Accept": "*/*"}) as answer,
        ):
            if answer.status_code >= 300:
                answer.read()
                raise _problem(answer, self.server)
            yield from answer.iter_bytes()

    def _ask(
        self,
        method: str,
        path: str,
        *,
        parameters: Parameters = (),
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """Make a request, again where the server asks for a moment and nothing can have been changed."""
        url = self._url(path)
        for attempt in range(TRIES):
            with self._trouble():
                answer = self._http.request(
                    method, url, params=_pairs(parameters) or None, content=content, headers=headers
                )
            if answer.status_code < 300:
                return answer
            wait = _wait(answer)
            if attempt == TRIES - 1 or answer.status_code not in _PASSING or method != "GET" or wait is None:
                raise _problem(answer, self.server)
            time.sleep(wait)
        raise AssertionError("a request is made at least once")

    def _url(self, path: str) -> str:
        """Return a whole address; one that a server has given must be its own."""
        if not path.startswith(("http://", "https://")):
            return f"{self.server}{PREFIX}{path}"
        given, own = urlsplit(path), urlsplit(self.server)
        if (given.scheme, given.netloc) != (own.scheme, own.netloc):
            # The server may know itself by another name; what counts is that the token goes nowhere else.
            return given._replace(scheme=own.scheme, netloc=own.netloc).geturl()
        return path

    def _told(self, model: type[Model], answer: httpx2.Response) -> Model:
        try:
            return model.model_validate_json(answer.content)
        except ValidationError as error:
            raise ServiceError(
                f"{self.server} answers something else than this version of stylesearch understands.",
                hint="Check the address; upgrade the older of the two.",
                code="answer_unreadable",
            ) from error

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        try:
            yield
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            why = " ".join(str(error).split())[:200] or type(error).__name__
            raise ServiceError(
                f"{self.server} cannot be reached: {why.rstrip('.')}.",
                hint="Check the address, and that the server runs.",
                code="server_unreachable",
            ) from error


def _checked(server: str, *, with_token: bool) -> str:
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise InputError(
            f"{server[:200]!r} is no address of a server.",
            hint="Give it as in https://styles.example.org.",
            code="server_address",
        )
    if with_token and parts.scheme == "http" and not _is_near(parts.hostname):
        raise InputError(
            "The token would go over the net for all to read.",
            hint="Use https://.",
            code="token_in_clear",
        )
    return server.rstrip("/").removesuffix(PREFIX)


def _is_near(host: str) -> bool:
    """Whether a host is this machine, as far as its name tells."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _pairs(parameters: Parameters) -> tuple[tuple[str, str], ...]:
    if not isinstance(parameters, Mapping):
        return tuple(parameters)
    return tuple(
        (name, _written(one))
        for name, value in parameters.items()
        if value is not None
        for one in (value if isinstance(value, list | tuple) else [value])
    )


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _wait(answer: httpx2.Response) -> float | None:
    text = answer.headers.get("Retry-After", "")
    seconds = float(text) if text.isdecimal() else None
    return seconds if seconds is not None and seconds <= LONGEST_WAIT else None


def _problem(answer: httpx2.Response, server: str) -> StylesearchError:
    """Return the error that a problem document tells; of anything else, that the server is not what it should be."""
    try:
        problem = Problem.model_validate_json(answer.content)
    except ValidationError:
        return ServiceError(
            f"{server} answers {answer.status_code}, and not as stylesearch does.",
            hint="Check the address.",
            code="server_unexpected",
        )
    kind: type[StylesearchError] = _KINDS.get(problem.status, InputError)
    if problem.status in (401, 403):
        kind = ApiError
    if problem.status >= 500 or problem.status == 429:
        kind = ServiceError
    error = kind(problem.detail, hint=problem.hint, code=problem.code)
    if problem.place:
        error.detail = problem.place
    return error
