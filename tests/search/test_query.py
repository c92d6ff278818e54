import json

import pytest

from stylesearch.errors import InputError
from stylesearch.search.query import MOST_RESULTS, Filters, StyleQuery


def test_empty_values_are_left_out():
    assert Filters.of(artist=[], license=(), year_from=None, year_to="", medium=["", "  "]) == Filters()


def test_values_are_tidied_and_said_once():
    filters = Filters.of(artist=[" Ann ", "Ann", "Bo\0"], keyword="barn", year_from="1890", year_to=1900)
    assert filters == Filters(artist=("Ann", "Bo"), keyword=("barn",), year_from=1890, year_to=1900)


def test_filters_as_json():
    filters = Filters(artist=("Ann",), reuse=("open", "restricted"), year_from=1890)
    values = json.loads(json.dumps(filters.to_json()))
    assert values == {"artist": ["Ann"], "reuse": ["open", "restricted"], "year_from": 1890}
    assert Filters.of(**values) == filters
    assert Filters().to_json() == {}


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"painter": ["Ann"]}, "unknown_filter"),
        ({"reuse": ["free"]}, "unknown_reuse"),
        ({"year_from": 10**9}, "bad_year"),
        ({"year_to": -(10**9)}, "bad_year"),
        ({"year_from": "soon"}, "bad_year"),
        ({"year_from": "9" * 5000}, "bad_year"),
        ({"year_from": 1900, "year_to": 1899}, "bad_year"),
    ],
)
def test_what_cannot_be_asked_is_told(values, code):
    with pytest.raises(InputError) as caught:
        Filters.of(**values)
    assert caught.value.code == code
    assert caught.value.hint
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("k", [1, 24, MOST_RESULTS])
def test_how_many(k):
    assert StyleQuery(k=k).k == k


@pytest.mark.parametrize(
    ("values", "code"),
    [({"k": 0}, "bad_k"), ({"k": -1}, "bad_k"), ({"k": 1001}, "bad_k"), ({"mode": "fast"}, "bad_mode")],
)
def test_what_cannot_be_looked_for_is_told(values, code):
    with pytest.raises(InputError) as caught:
        StyleQuery(**values)
    assert caught.value.code == code
