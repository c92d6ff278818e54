import json
from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stylesearch.catalog.artists import QUALIFIERS
from stylesearch.errors import InputError
from stylesearch.search.conditions import (
    FIELDS,
    OWN,
    ByArtist,
    FromCollection,
    HasImage,
    Ingested,
    Keyworded,
    Licensed,
    Made,
    Named,
    OnMap,
    Qualified,
    Reusable,
    Says,
    condition,
)
from stylesearch.search.examples import Region
from stylesearch.search.filters import (
    DEEPEST,
    EVERYTHING,
    MOST_CONDITIONS,
    NOTHING,
    All,
    Not,
    alternatives,
    conditions,
    contradicts_itself,
    either,
    every,
    from_json,
    negated,
    parts_of,
    simplest,
)
from stylesearch.search.grammar import FilterSyntaxError, parse, pointer, write

A, B, C = Keyworded("a"), Keyworded("b"), Keyworded("c")

# Whatever people may type, and what they never do.
TEXTS = st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable() and text.strip())
YEARS = st.integers(-10_000, 3000)
RANGES = st.tuples(YEARS, YEARS).map(sorted)
DAYS = st.dates(min_value=date(1, 1, 1))
CONDITIONS = st.one_of(
    st.builds(ByArtist, TEXTS, st.sampled_from([None, OWN, *QUALIFIERS])),
    st.builds(Qualified, st.sampled_from(QUALIFIERS)),
    st.builds(Licensed, TEXTS).filter(lambda one: one.statement not in ("open", "restricted", "permission", "unknown")),
    st.builds(Reusable, st.sampled_from(["open", "restricted", "permission", "unknown"])),
    st.builds(FromCollection, TEXTS),
    RANGES.map(lambda ends: Made(*ends)),
    YEARS.map(lambda year: Made(year, None)),
    YEARS.map(lambda year: Made(None, year)),
    st.builds(Named, st.sampled_from(["period", "medium", "movement", "type"]), TEXTS),
    st.builds(Keyworded, TEXTS),
    st.builds(Says, TEXTS, st.sampled_from([None, "en", "fr"])),
    st.just(HasImage()),
    st.tuples(DAYS, DAYS).map(lambda days: Ingested(*sorted(days))),
    st.builds(OnMap, st.integers(1, 2**60), st.builds(Region, *[st.integers(0, 4999)] * 2, *[st.integers(1, 5000)] * 2)),
)  # fmt: skip
FILTERS = st.recursive(
    CONDITIONS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda parts: every(*parts)),
        st.lists(inner, max_size=4).map(lambda parts: either(*parts)),
        inner.map(negated),
    ),
    max_leaves=12,
).map(simplest)


@settings(deadline=None)
@given(FILTERS)
@example(OnMap(2**63 - 1, Region(0, 0, 1, 1)))
def test_a_filter_survives_being_written_and_read(part):
    assert parse(write(part)) == part
    assert from_json(json.loads(json.dumps(part.to_json()))) == part
    assert simplest(part) == part


@settings(deadline=None)
@given(st.text(max_size=60))
def test_whatever_is_typed_is_read_or_told_with_its_place(line):
    told = None
    try:
        found = parse(line)
    except FilterSyntaxError as error:
        told = error
    if told is None:
        assert parse(write(found)) == found
        return
    assert 0 <= told.position <= len(line)
    assert str(told)
    assert "\n" not in str(told)
    shown, caret = told.detail.split("\n")
    assert caret.strip() == "^"
    assert len(caret) <= len(shown) + 1


def test_equal_filters_are_equal_however_they_are_made():
    assert every(A, B) == every(B, A, A) == every(every(B), A) == every(A, every(B, A))
    assert either(A, either(B, C)) == either(C, B, A)
    assert every(A) == A == either(A) == negated(negated(A))
    assert every() == EVERYTHING == negated(NOTHING)
    assert either() == NOTHING == negated(EVERYTHING)
    assert every(A, NOTHING) == NOTHING
    assert either(A, EVERYTHING) == EVERYTHING
    assert every(A, EVERYTHING) == A == either(A, NOTHING)
    assert simplest(All((B, All((A,)), Not(Not(A))))) == every(A, B)
    assert hash(every(A, B)) == hash(every(B, A))
    assert every(A, B) != either(A, B)
    assert ByArtist(" Ann ") == ByArtist("Ann")
    assert Named("medium", "INK") == Named("medium", "ink")


def test_the_parts_of_a_filter():
    part = every(A, either(B, C))
    assert set(parts_of(part)) == {A, either(B, C)}
    assert parts_of(A) == (A,)
    assert set(alternatives(either(B, C))) == {B, C}
    assert alternatives(A) == (A,)
    assert set(conditions(negated(part))) == {A, B, C}


@pytest.mark.parametrize(
    ("parts", "contradict"),
    [
        ([A, negated(A)], True),
        ([either(A, B), negated(either(A, B))], True),
        ([FromCollection("x"), FromCollection("y")], True),
        ([Reusable("open"), Reusable("restricted")], True),
        ([Named("medium", "ink"), Named("medium", "oil")], True),
        ([Ingested(None, date(2024, 1, 1)), Ingested(date(2024, 1, 2))], True),
        ([Ingested(None, date(2024, 1, 2)), Ingested(date(2024, 1, 2))], False),
        ([Named("medium", "ink"), Named("movement", "oil")], False),
        ([A, B, negated(C)], False),
        ([ByArtist("x"), ByArtist("y")], False),
        ([Made(1800, 1810), Made(1900, 1910)], False),  # a work may have been made over all of these years
        ([HasImage(), A], False),
    ],
)
def test_contradictions_are_seen(parts, contradict):
    part = every(*parts)
    assert isinstance(part, All)
    assert contradicts_itself(part) == contradict


def test_a_filter_has_its_limits():
    many = either(*(Keyworded(str(number)) for number in range(MOST_CONDITIONS + 1)))
    deep = A
    for number in range(DEEPEST):
        deep = (every if number % 2 else either)(deep, Keyworded(str(number)))
    for part in (many, deep):
        with pytest.raises(InputError) as caught:
            simplest(part)
        assert caught.value.code == "filter_too_large"
    values: dict = {"keyword": "a"}
    for _ in range(3000):
        values = {"not": values}
    with pytest.raises(InputError):
        from_json(values)
    for line in ("-(a " * 1000 + ")" * 1000, "(" * 2000, "a " * 3000):
        with pytest.raises(InputError) as caught:
            parse(line)
        assert caught.value.code in ("filter_too_large", "filter_syntax")


# What is written, and what it means in words that are told in docs/search.md.
WRITTEN = {
    'artist:"Jane Doe" -license:restricted year:1880..1900': every(
        ByArtist("Jane Doe"), negated(Reusable("restricted")), Made(1880, 1900)
    ),
    "(medium:etching OR medium:woodcut) boats": every(
        either(Named("medium", "etching"), Named("medium", "woodcut")), Says("boats")
    ),
    "a OR b AND c": either(Says("a"), every(Says("b"), Says("c"))),
    "NOT a --b": every(negated(Says("a")), Says("b")),
    'artist-after:Ann artist_own:Bo ARTIST-circle-of:"C D"': every(
        ByArtist("Ann", "after"), ByArtist("Bo", OWN), ByArtist("C D", "circle of")
    ),
    '"red boats" "boats"': every(Says('"red boats"'), Says("boats")),
    "text-fr:bateaux": Says("bateaux", "fr"),
    'text:"say \\"hello\\" \\\\ there"': Says('say "hello" \\ there'),
    "license:http://creativecommons.org/licenses/by/4.0/": Licensed(
        "http://creativecommons.org/licenses/by/4.0/"
    ),
    "license:open": Reusable("open"),
    "year:-50..-20 year:1890 year:..5 year:5..": every(
        Made(-50, -20), Made(1890, 1890), Made(None, 5), Made(5, None)
    ),
    "ingested:2024-01-01..2024-02-29 has:image": every(
        Ingested(date(2024, 1, 1), date(2024, 2, 29)), HasImage()
    ),
    "qualifier:workshop-of type:Print period:Edo movement: x": every(
        Qualified("workshop of"), Named("type", "print"), Named("period", "edo"), Named("movement", "x")
    ),
    "ORANGE NOTHING ANDY": every(Says("ORANGE"), Says("NOTHING"), Says("ANDY")),
    "": EVERYTHING,
    "  ()  ": NOTHING,
}


@pytest.mark.parametrize("line", WRITTEN)
def test_what_is_written_is_read(line):
    assert parse(line) == WRITTEN[line]


@pytest.mark.parametrize(
    ("line", "position", "code", "said"),
    [
        ("artist:", 7, "filter_syntax", "A value is missing"),
        ("cat artits:x", 4, "unknown_filter", "Did you mean artist"),
        ("http://x", 0, "unknown_filter", "There is no filter 'http'"),
        ("(a OR b", 7, "filter_syntax", "A parenthesis is not closed"),
        ("a b)", 3, "filter_syntax", "nothing that this parenthesis closes"),
        ("OR b", 0, "filter_syntax", "does not fit"),
        ("a OR  ", 4, "filter_syntax", "missing at the end"),
        ("a AND AND b", 6, "filter_syntax", "does not fit"),
        ('cat "abc', 4, "filter_syntax", "not closed"),
        ('artist:"x', 7, "filter_syntax", "not closed"),
        ("a -", 3, "filter_syntax", "missing at the end"),
        ("x year:soon", 7, "bad_year", "'soon' is no year"),
        ("year:1900..1800", 5, "bad_year", "wrong way round"),
        ("year:..", 5, "bad_year", "at least one end"),
        ("year:99999", 5, "bad_year", "out of range"),
        ("ingested:2024-02-30", 9, "bad_date", "is no day"),
        ("ingested:20240101", 9, "bad_date", "is no day"),
        ("reuse:free", 6, "unknown_reuse", "is no reuse class"),
        ("qualifier:like", 10, "unknown_qualifier", "is no attribution qualifier"),
        ("has:arms", 4, "unknown_filter", "'arms'"),
        ("text-xx:a", 0, "unknown_filter", "text-xx"),
        ('keyword:" "', 8, "bad_filter", "empty"),
        (f"artist:{'x' * 301}", 7, "bad_filter", "longer than 300"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_place(line, position, code, said):
    with pytest.raises(FilterSyntaxError) as caught:
        parse(line)
    error = caught.value
    assert (error.position, error.code) == (position, code)
    assert said in str(error)
    assert error.hint
    assert error.detail.split("\n")[1].index("^") == min(position, 36)


def test_a_place_in_a_long_line_is_shown_with_what_is_around_it():
    line = "x" * 100 + "\t!" + "y" * 100
    shown, caret = pointer(line, 101).split("\n")
    assert len(shown) == 72
    assert shown[caret.index("^")] == "!"
    assert "\t" not in shown


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"painter": "Ann"}, "unknown_filter"),
        ({"keyword": 5}, "bad_filter"),
        ({"keyword": "a", "medium": "b"}, "bad_filter"),
        ({"all": "a"}, "unknown_filter"),
        ({"not": None}, "bad_filter"),
        (["keyword"], "bad_filter"),
        ({"year": "soon"}, "bad_year"),
        ({"medium": "\0"}, "bad_filter"),
    ],
)
def test_json_that_is_no_filter_is_told(values, code):
    with pytest.raises(InputError) as caught:
        from_json(values)
    assert caught.value.code == code
    assert caught.value.hint


def test_every_field_makes_a_condition():
    values = {
        "year": "1890",
        "ingested": "2024-01-01",
        "has": "image",
        "reuse": "open",
        "qualifier": "after",
        "map": "3@0,10,20,30",
    }
    for name in FIELDS:
        made = condition(name, values.get(name, "x"))
        assert made.to_json() == {name: values.get(name, "x")}
