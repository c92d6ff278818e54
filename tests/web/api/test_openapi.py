"""The description is a valid one, says all that there is, and says the same as the library."""

import re
from typing import get_args

import pytest
from openapi_spec_validator import validate

from stylesearch.accounts.roles import SCOPES
from stylesearch.catalog.rights import REUSE_CLASSES
from stylesearch.catalog.runs import FINAL_STATES, OPEN_STATES
from stylesearch.catalog.works import VISIBILITIES
from stylesearch.search import query, readout
from stylesearch.search.examples import KINDS
from stylesearch.search.ordered import ORDERS
from stylesearch.wire import collections, runs, searches, works
from web.api.openapi import document
from web.api.operations import PREFIX
from web.api.parts import PARTS, TAGS

OPERATIONS = [one for part in PARTS for one in part.found]


def test_the_description_is_openapi(api):
    told = api.told("openapi.json")
    assert told == document()
    assert told["openapi"].startswith("3.1.")
    validate(told)


def test_every_address_is_described_and_nothing_else(app):
    served = {
        (rule.endpoint.removeprefix("api."), method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    told = {
        (operation["operationId"], method.upper())
        for path in document()["paths"].values()
        for method, operation in path.items()
    }
    assert served == told
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("api."):
            assert re.sub(r"<(?:[^:<>]*:)?(\w+)>", r"{\1}", rule.rule) in document()["paths"]


def test_every_part_is_in_words():
    for one in OPERATIONS:
        assert one.summary.endswith("."), one.name
        assert one.answer.about
        assert one.tag in TAGS
    for name, schema in document()["components"]["schemas"].items():
        assert schema.get("description"), name
    for path, told in document()["paths"].items():
        assert path.startswith(PREFIX)
        for operation in told.values():
            for parameter in operation["parameters"]:
                assert "description" in parameter or "enum" in str(parameter["schema"]) or parameter["name"] in (
                    "force", "margin",
                ), (path, parameter["name"])  # fmt: skip


def test_scopes_are_told():
    for one in OPERATIONS:
        told = document()["paths"][f"{PREFIX}{one.path}"][one.method.lower()]["security"]
        if one.scope is None:
            assert told == []
        else:
            assert {"token": [one.scope]} in told
    assert {one.scope for one in OPERATIONS} - {None} == set(SCOPES)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (searches.Measure, readout.Measure),
        (searches.Fusion, readout.Fusion),
        (searches.Against, readout.Against),
        (searches.Mode, query.Mode),
        (searches.Group, query.Group),
    ],
)
def test_words_are_those_of_the_library(ours, theirs):
    assert get_args(ours) == get_args(theirs)


def test_sets_of_words_are_those_of_the_library():
    assert get_args(works.Order) == ORDERS
    assert set(get_args(runs.ItemState)) == {*OPEN_STATES, *FINAL_STATES}
    assert get_args(collections.Visibility) == VISIBILITIES
    assert {kind.kind for kind in KINDS} <= set(searches.ExampleGiven.model_fields)
    assert all(name in works.RightsTold.model_fields["reuse"].description for name in REUSE_CLASSES)
    usual = readout.Readout()
    given = searches.ReadoutGiven()
    assert given.model_dump() == {name: getattr(usual, name) for name in type(given).model_fields}
    assert searches.SearchRequest.model_fields["k"].default == query.StyleQuery().k


def test_the_models_say_what_a_card_says():
    from dataclasses import fields

    from stylesearch.catalog.cards import WorkCard

    names = {field.name for field in fields(WorkCard)} - {"storage_key", "artist_names"}
    assert set(works.WorkTold.model_fields) == names | {"links"}
