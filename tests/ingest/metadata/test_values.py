import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylesearch.catalog.records import tidy
from stylesearch.ingest.metadata.values import (
    LONGEST_TEXT,
    MOST_VALUES,
    pick_language,
    plain,
    plain_and_links,
    storable,
    texts,
    web_address,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("A  barn\n", "A barn"),
        ("<b>A</b> barn", "A barn"),
        ("one<br/>two<p>three</p>", "one two three"),
        ("R&D &amp; more", "R&D & more"),
        ("a < b", "a < b"),
        ("<script>alert(1)</script>seen", "seen"),
        ("<style>p{}</style>", None),
        ("&lt;script&gt;", "<script>"),
        ("<img src=x onerror=alert(1)>", None),
        (1890, "1890"),
        (1890.0, "1890"),
        (0.5, "0.5"),
        (float("nan"), None),
        (10**30, None),
        (True, None),
        (None, None),
        ({}, None),
        ("\x00\ud800", None),
    ],
)
def test_plain(value, expected):
    assert plain(value) == expected


def test_links_are_kept_beside_the_text():
    assert plain_and_links('<a href="https://example.org/1">Ann</a>') == ("Ann", ["https://example.org/1"])


def test_markup_that_is_escaped_twice_stays_text():
    # It is text, and whoever shows it escapes it.
    assert plain(plain("&lt;b&gt;A&lt;/b&gt;")) == "A"


def test_several():
    assert texts(["a", " b ", None, "a", 3]) == ["a", "b", "3"]
    assert texts("a") == ["a"]
    assert len(texts([str(number) for number in range(1000)])) == MOST_VALUES


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("https://example.org/a?b=1", True),
        (" http://example.org ", True),
        ("HTTP://EXAMPLE.ORG/X", True),
        ("ftp://example.org/", False),
        ("javascript:alert(1)", False),
        ("see https://example.org/", False),
        ('https://example.org/"><script>', False),
        ("https://example.org/" + "a" * 3000, False),
        (7, False),
    ],
)
def test_web_addresses(text, is_one):
    assert (web_address(text) is not None) == is_one


@pytest.mark.parametrize(
    ("languages", "expected"),
    [(["de"], ["Scheune"]), (["fr", "en"], ["Barn"]), (["nl"], ["?"]), (["DE-at"], ["Stadel"])],
)
def test_a_language_is_picked(languages, expected):
    assert (
        pick_language({"en": ["Barn"], "de": "Scheune", "de-AT": ["Stadel"], "none": ["?"]}, languages)
        == expected
    )


def test_the_only_language_is_taken_whichever_it_is():
    assert pick_language({"ja": ["納屋"]}, ["en"]) == ["納屋"]
    assert pick_language({"en-GB": ["Barn"], "fr": ["Grange"]}, ["en"]) == ["Barn"]
    assert pick_language({}, ["en"]) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet=st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def strings(value: object):
    if isinstance(value, dict):
        for name, one in value.items():
            yield name
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)
    elif isinstance(value, str):
        yield value


@settings(deadline=None)
@given(JSON)
def test_what_is_storable_is_strict_json_without_control_characters(value):
    kept = storable(value)
    json.dumps(kept, allow_nan=False).encode()
    assert all(text == tidy(text) for text in strings(kept))
    assert storable(kept) == kept


def test_huge_values_are_cut():
    deep: object = "x"
    for _ in range(2000):
        deep = [deep]
    assert storable(deep) is None
    assert len(storable("x" * 10**6)) == LONGEST_TEXT
    assert len(storable([1] * 10_000)) == MOST_VALUES
    assert storable({"a": 10**400, "b": float("inf"), "c": 1}) == {"c": 1}
