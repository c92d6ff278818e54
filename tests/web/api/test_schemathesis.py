"""Requests that nobody thought of: no fault of the server's, and no answer that the description does not tell."""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from web.api.openapi import document
from web.api.parts import PARTS
from web.app import create_app

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "8"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]
TELLS_IN_ITS_OWN_WAY = ("harvest", "harvest_by_form")
"""OAI-PMH tells of what cannot be used in its own way, with status 200."""

WITH_TOKEN = {one.name: one.scope for part in PARTS for one in part.found if not one.for_anybody}
OPERATIONS = [
    (path, method, operation["operationId"])
    for path, told in document()["paths"].items()
    for method, operation in told.items()
]


@pytest.fixture(scope="module")
def schema(archive):
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", create_app(archive.settings))


@pytest.fixture(scope="module")
def headers(tokens):
    """A token for what takes one; the collection itself is left as it is."""
    return {name: {"Authorization": f"Bearer {tokens[scope]}"} for name, scope in WITH_TOKEN.items()}


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("path", "method", "name"), OPERATIONS, ids=[name for *_, name in OPERATIONS])
def test_no_request_is_answered_in_another_way_than_told(schema, headers, path, method, name, mode):
    operation = schema[path][method]
    if mode is GenerationMode.NEGATIVE and not (
        operation.query or operation.body or operation.path_parameters
    ):
        pytest.skip("there is nothing in it that could be wrong")
    checks = list(CHECKS)
    if mode is GenerationMode.NEGATIVE and name not in TELLS_IN_ITS_OWN_WAY:
        checks.append(negative_data_rejection)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(mode))
    def ask(case):
        case.validate_response(case.call(headers=headers.get(name)), checks=checks)

    ask()
