import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylesearch.errors import InputError
from stylesearch.search.cursor import Cursor
from stylesearch.search.examples import (
    HEAVIEST,
    ArtistExample,
    DescriptorExample,
    FileExample,
    ImageExample,
    Region,
    WordsExample,
    WorkExample,
    example_from_json,
    parse_example,
)
from stylesearch.search.filters import EVERYTHING
from stylesearch.search.grammar import parse
from stylesearch.search.query import MOST_EXAMPLES, MOST_RESULTS, StyleQuery
from stylesearch.search.readout import Readout

DIGEST = "ab" * 32
IDS = st.integers(1, 2**63 - 1)
SIDES = st.integers(1, 9999)
REGIONS = st.none() | st.builds(Region, st.integers(0, 9999), st.integers(0, 9999), SIDES, SIDES)
COMMON = {"weight": st.floats(0.001, HEAVIEST), "against": st.booleans()}
TEXTS = st.text(min_size=1, max_size=30).filter(lambda text: text.isprintable() and text.strip())
EXAMPLES = st.one_of(
    st.builds(ImageExample, IDS, REGIONS, **COMMON),
    st.builds(WorkExample, IDS, **COMMON),
    st.builds(FileExample, st.just(DIGEST), REGIONS, **COMMON),
    st.builds(ArtistExample, TEXTS, **COMMON),
    st.builds(WordsExample, TEXTS, **COMMON),
    st.builds(
        DescriptorExample,
        st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=5).filter(any).map(tuple),
        **COMMON,
    ),
)
READOUTS = st.builds(
    Readout,
    measure=st.sampled_from(["cosine", "csls"]),
    fusion=st.sampled_from(["mean", "rank"]),
    against=st.sampled_from(["subtract", "margin"]),
    force=st.floats(0, 10),
    margin=st.floats(0, 2),
)
QUERIES = st.builds(
    StyleQuery,
    examples=st.lists(EXAMPLES, max_size=4).map(tuple),
    where=st.sampled_from(["", 'artist:"Jane Doe" -reuse:open', "a OR b"]).map(parse),
    readout=READOUTS,
    k=st.integers(1, MOST_RESULTS),
    group=st.sampled_from(["work", "image"]),
    per_artist=st.none() | st.integers(1, MOST_RESULTS),
    encoder=st.none() | st.just("lite"),
    mode=st.sampled_from(["auto", "exact", "hnsw", "binary"]),
    exclude_images=st.frozensets(IDS, max_size=3),
)


@settings(deadline=None)
@given(QUERIES, st.floats(-3, 3), IDS)
def test_a_query_survives_being_written_and_read(query, score, image_id):
    page = query.page_after(score, image_id)
    for one in (query, page):
        values = json.loads(json.dumps(one.to_json()))
        assert StyleQuery.from_json(values) == one
        assert hash(StyleQuery.from_json(values)) == hash(one)
        assert StyleQuery.from_json(values).to_json() == values
    assert page.digest == query.digest
    assert page.with_(k=query.k) == query


def test_what_is_usual_is_not_written():
    assert StyleQuery().to_json() == {}
    assert StyleQuery.from_json({}) == StyleQuery()
    assert StyleQuery(k=5, where=parse("cat")).to_json() == {"k": 5, "where": {"text": "cat"}}


def test_equal_queries_are_equal():
    one, other = WorkExample(1), WorkExample(2, against=True)
    assert StyleQuery(examples=(one, other)) == StyleQuery(examples=(other, one, one))
    assert StyleQuery(where=parse("a b")) == StyleQuery(where=parse("b a b"))
    assert StyleQuery(examples=(WorkExample(1, weight=1),)) == StyleQuery(
        examples=(WorkExample(1, weight=1.0),)
    )
    assert DescriptorExample((0.1, 0.2)) == DescriptorExample.of(np.array([0.1, 0.2], np.float32))
    assert StyleQuery(examples=(one,)) != StyleQuery(examples=(other,))


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"k": 0}, "bad_k"),
        ({"k": -1}, "bad_k"),
        ({"k": MOST_RESULTS + 1}, "bad_k"),
        ({"k": 100_000}, "bad_k"),
        ({"k": 2.5}, "bad_k"),
        ({"k": True}, "bad_k"),
        ({"k": "10"}, "bad_k"),
        ({"mode": "fast"}, "bad_mode"),
        ({"mode": []}, "bad_mode"),
        ({"group": "artist"}, "bad_group"),
        ({"per_artist": 0}, "bad_per_artist"),
        ({"painter": "Ann"}, "bad_query"),
        ({"where": {"painter": "Ann"}}, "unknown_filter"),
        ({"where": "artist:Ann"}, "bad_filter"),
        ({"readout": {"measure": "dot"}}, "bad_readout"),
        ({"readout": {"force": float("nan")}}, "bad_readout"),
        ({"readout": {"margin": -1}}, "bad_readout"),
        ({"readout": {"colour": 1}}, "bad_readout"),
        ({"encoder": 5}, "bad_query"),
        ({"examples": {"work": 5}}, "bad_query"),
        ({"exclude_images": ["1"]}, "bad_query"),
        ({"exclude_images": [0]}, "bad_query"),
        ({"exclude_images": list(range(1, 10_002))}, "query_too_large"),
        ({"after": "here"}, "bad_cursor"),
        ({"after": "1_2_abcdefabcdef"}, "bad_cursor"),
        ({"after": f"1_{2**63}_abcdefabcdef"}, "bad_cursor"),
        ("k", "bad_query"),
    ],
)
def test_what_cannot_be_asked_is_told(values, code):
    with pytest.raises(InputError) as caught:
        StyleQuery.from_json(values)
    assert caught.value.code == code
    assert caught.value.hint
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"work": 0}, "bad_example"),
        ({"work": "5"}, "bad_example"),
        ({"work": True}, "bad_example"),
        ({"work": 5, "image": 6}, "bad_example"),
        ({"work": 5, "region": "1,2,3,4"}, "bad_example"),
        ({"work": 5, "against": "yes"}, "bad_example"),
        ({"image": 5, "weight": 0}, "bad_weight"),
        ({"image": 5, "weight": -1}, "bad_weight"),
        ({"image": 5, "weight": float("nan")}, "bad_weight"),
        ({"image": 5, "weight": "heavy"}, "bad_weight"),
        ({"image": 5, "region": "1,2,3"}, "bad_region"),
        ({"image": 5, "region": "1,2,0,4"}, "bad_region"),
        ({"image": 5, "region": "-1,2,3,4"}, "bad_region"),
        ({"file": "abc"}, "bad_digest"),
        ({"file": 5}, "bad_digest"),
        ({"artist": " "}, "bad_example"),
        ({"words": "x" * 501}, "bad_example"),
        ({"descriptor": []}, "descriptor_invalid"),
        ({"descriptor": [0, 0]}, "descriptor_invalid"),
        ({"descriptor": [1, float("nan")]}, "descriptor_invalid"),
        ({"descriptor": [1e60]}, "descriptor_invalid"),
        ({"descriptor": [[1]]}, "descriptor_invalid"),
        ({"descriptor": "1,2"}, "descriptor_invalid"),
        ({"descriptor": [1] * 4001}, "descriptor_invalid"),
        ({"colour": "red"}, "bad_example"),
        (5, "bad_example"),
    ],
)
def test_what_cannot_be_searched_with_is_told(values, code):
    with pytest.raises(InputError) as caught:
        example_from_json(values)
    assert caught.value.code == code
    assert caught.value.hint


def test_a_search_takes_only_so_many_examples():
    many = tuple(WorkExample(number) for number in range(1, MOST_EXAMPLES + 2))
    with pytest.raises(InputError) as caught:
        StyleQuery(examples=many)
    assert caught.value.code == "query_too_large"


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ("work:12", WorkExample(12)),
        ("work:12^2", WorkExample(12, weight=2)),
        ("image:7@10,20,300,200^0.5", ImageExample(7, Region(10, 20, 300, 200), weight=0.5)),
        ("artist:Jane Doe", ArtistExample("Jane Doe")),
        ("words:a storm: at sea, @ night", WordsExample("a storm: at sea, @ night")),
        (f"file:{DIGEST}", FileExample(DIGEST)),
        ("picture.png", None),
        ("C:\\work:1.png", None),
    ],
)
def test_examples_as_people_write_them(text, example):
    assert parse_example(text) == example


@pytest.mark.parametrize(
    ("text", "code"),
    [("work:x", "bad_example"), ("work:12^..", "bad_weight"), ("work:1@1,1,1,1", "bad_example"), ("image:1@1,1", "bad_region")],
)  # fmt: skip
def test_examples_that_are_none_are_told(text, code):
    with pytest.raises(InputError) as caught:
        parse_example(text, against=True)
    assert caught.value.code == code


def test_a_region_must_lie_inside():
    region = Region(10, 20, 30, 40)
    region.check_inside(40, 60)
    for size in ((39, 60), (40, 59)):
        with pytest.raises(InputError) as caught:
            region.check_inside(*size)
        assert caught.value.code == "bad_region"
        assert f"{size[0]} by {size[1]}" in str(caught.value)


def test_a_page_belongs_to_its_query():
    query = StyleQuery(examples=(WorkExample(5),), k=10)
    cursor = query.page_after(0.123456789, 77).after
    assert Cursor.parse(str(cursor)) == cursor
    assert StyleQuery(examples=(WorkExample(5),), k=50, after=cursor).after == cursor
    for other in ({"examples": (WorkExample(6),)}, {"where": parse("cat")}, {"mode": "exact"}):
        with pytest.raises(InputError) as caught:
            query.with_(**other, after=cursor)
        assert caught.value.code == "bad_cursor"
    assert query.with_(where=EVERYTHING, k=3).after is None


def test_a_place_is_kept_to_the_last_digit():
    for number in range(-2000, 2000, 7):
        score = round(number / 777, 9)
        assert Cursor.parse(str(Cursor(score, 5, "0" * 12))).score == score
