"""The API on the small drawn archive; every answer that a test gets is held against the API's own description."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from werkzeug.test import TestResponse

from stylesearch.accounts.roles import SCOPES, Role
from stylesearch.accounts.tokens import make_token
from stylesearch.accounts.users import add_user
from stylesearch.ingest.run import find_run
from web.api.openapi import document
from web.app import create_app

ROOT = "urn:description"


class Described:
    """Holds answers against the description."""

    def __init__(self) -> None:
        self.document = document()
        self._registry = Registry().with_resource(ROOT, DRAFT202012.create_resource(self.document))

    def operation(self, endpoint: str) -> dict[str, Any]:
        for path in self.document["paths"].values():
            for operation in path.values():
                if operation["operationId"] == endpoint:
                    return operation
        raise LookupError(endpoint)

    def check(self, endpoint: str, answer: TestResponse) -> None:
        told = self.operation(endpoint)["responses"]
        assert str(answer.status_code) in told, (
            f"{endpoint} does not say that it answers {answer.status_code}"
        )
        response = told[str(answer.status_code)]
        if "$ref" in response:
            response = self.document["components"]["responses"][response["$ref"].rpartition("/")[2]]
        if answer.status_code == 304:
            assert answer.data == b""
            return
        content = response["content"]
        media_type = answer.content_type if answer.content_type in content else answer.mimetype
        assert media_type in content, f"{endpoint} does not say that it answers {answer.content_type}"
        schema = content[media_type].get("schema")
        if schema is not None:
            self.validate(schema, json.loads(answer.data))

    def validate(self, schema: dict[str, Any], value: Any) -> None:
        """Fail where a value is not of a schema of the description; answers may have nothing that it does not tell."""
        if "$ref" in schema:
            schema = {"$ref": f"{ROOT}{schema['$ref']}"}
        Draft202012Validator(
            schema, registry=self._registry, format_checker=jsonschema.FormatChecker()
        ).validate(value)


@pytest.fixture(scope="session")
def described() -> Described:
    return Described()


class ApiClient:
    """Asks the API as a program does, and checks each answer."""

    def __init__(self, client: FlaskClient, app: Flask, described: Described) -> None:
        self.client = client
        self._adapter = app.url_map.bind("localhost")
        self._described = described

    def open(self, method: str, address: str, **more: Any) -> TestResponse:
        path = address.removeprefix("http://localhost")
        if not path.startswith("/"):
            path = f"/api/v1/{path}"
        answer = self.client.open(path, method=method, **more)
        endpoint, _ = self._adapter.match(path.partition("?")[0], method)
        blueprint, _, name = endpoint.partition(".")
        assert blueprint == "api"
        self._described.check(name, answer)
        return answer

    def get(self, address: str, **more: Any) -> TestResponse:
        return self.open("GET", address, **more)

    def post(self, address: str, **more: Any) -> TestResponse:
        return self.open("POST", address, **more)

    def told(self, address: str, status: int = 200, **more: Any) -> Any:
        answer = self.get(address, **more)
        assert answer.status_code == status, answer.text
        return answer.json

    def refused(self, address: str, status: int, code: str, method: str = "GET", **more: Any) -> Any:
        """Return the problem document of a request that must be refused in this way."""
        answer = self.open(method, address, **more)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), answer.text
        assert answer.json["code"] == code, answer.json
        assert answer.json["status"] == status
        assert "Traceback" not in answer.text
        return answer.json

    def every(self, address: str) -> Iterator[Any]:
        """Yield the items of all pages of a list."""
        following: str | None = address
        while following is not None:
            page = self.told(following)
            yield from page["items"]
            following = page["next"]


@pytest.fixture
def api(app: Flask, described: Described) -> ApiClient:
    return ApiClient(app.test_client(), app, described)


@pytest.fixture
def with_settings(archive, described: Described) -> Callable[..., ApiClient]:
    """Make a client of the API under other settings."""

    def make(**changes: object) -> ApiClient:
        app = create_app(archive.settings.model_copy(update=changes))
        return ApiClient(app.test_client(), app, described)

    return make


@pytest.fixture(scope="session")
def tokens(archive) -> dict[str, str]:
    """A token of an administrator for each scope."""
    with archive.database.session() as session:
        user = add_user(session, email="tokens@example.org", name="Tokens", role=Role.ADMIN)
        return {scope: make_token(session, user, label=scope, scopes=[scope], days=1)[1] for scope in SCOPES}


@pytest.fixture
def with_token(app: Flask, described: Described, tokens: dict[str, str]) -> Callable[[str], ApiClient]:
    """Make a client of the API with an administrator's token of a scope."""

    def make(scope: str) -> ApiClient:
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {tokens[scope]}"
        return ApiClient(client, app, described)

    return make


@pytest.fixture
def staff(with_token) -> ApiClient:
    """A client that may see and begin ingest runs."""
    return with_token("ingest")


@pytest.fixture
def run_id(archive) -> int:
    with archive.database.session() as session:
        return find_run(session, None).id
