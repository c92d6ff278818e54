import pytest
from sqlalchemy import select

from stylesearch.catalog.works import Work
from stylesearch.errors import InputError, NotFoundError
from stylesearch.search.facets import facets
from stylesearch.search.filters import REUSE_WORDS, clauses, sentence, visible
from stylesearch.search.query import Filters

BY = "http://creativecommons.org/licenses/by/4.0/"


def overlaps(row, start, end):
    ends = [year for year in (row.year_from, row.year_to) if year is not None]
    return bool(ends) and (start is None or max(ends) >= start) and (end is None or min(ends) <= end)


# Each filter, what it means in plain words of Python, and what it says.
CASES = {
    "none": (Filters(), lambda row: True, "All works"),
    "artist": (Filters(artist=("Artist A",)), lambda row: "Artist A" in row.artists, "Works by Artist A"),
    "alias": (Filters(artist=("The master of A",)), lambda row: "Artist A" in row.artists, "Works by The master of A"),
    "artists": (
        Filters(artist=("Artist A", "Artist B")),
        lambda row: bool({"Artist A", "Artist B"} & set(row.artists)),
        "Works by Artist A or Artist B",
    ),
    "artist_not": (
        Filters(artist_not=("Artist A", "Artist C")),
        lambda row: not {"Artist A", "Artist C"} & set(row.artists),
        "Works not by Artist A or Artist C",
    ),
    "license": (Filters(license=("CC-BY-4.0",)), lambda row: row.license == BY, "Works under Creative Commons Attribution 4.0"),
    "license by uri": (
        Filters(license=("http://example.org/terms",)),
        lambda row: row.license == "http://example.org/terms",
        "Works under http://example.org/terms",
    ),
    "open": (Filters(reuse=("open",)), lambda row: row.reuse == "open", "Works openly licensed"),
    "reuse": (
        Filters(reuse=("restricted", "permission")),
        lambda row: row.reuse in ("restricted", "permission"),
        "Works with restricted reuse or by permission only",
    ),
    "collection": (Filters(collection=("second",)), lambda row: row.collection == "second", "Works from Second"),
    "from": (Filters(year_from=1850), lambda row: overlaps(row, 1850, None), "Works made in 1850 or later"),
    "to": (Filters(year_to=1850), lambda row: overlaps(row, None, 1850), "Works made in 1850 or earlier"),
    "years": (Filters(year_from=1800, year_to=1820), lambda row: overlaps(row, 1800, 1820), "Works made from 1800 to 1820"),
    "year": (Filters(year_from=1850, year_to=1850), lambda row: overlaps(row, 1850, 1850), "Works made in 1850"),
    "medium": (Filters(medium=("INK",)), lambda row: (row.medium or "").lower() == "ink", "Works in INK"),
    "media": (
        Filters(medium=("pastel", "Oil on canvas")),
        lambda row: row.medium in ("pastel", "oil on canvas"),
        "Works in pastel or Oil on canvas",
    ),
    "keyword": (Filters(keyword=("Barn",)), lambda row: "barn" in row.keywords, "Works about Barn"),
    "keywords": (
        Filters(keyword=("barn", "snow")),
        lambda row: {"barn", "snow"} <= set(row.keywords),
        "Works about barn and snow",
    ),
    "together": (
        Filters(artist=("Artist A",), reuse=("open",), year_from=1800, keyword=("cat",)),
        lambda row: "Artist A" in row.artists and row.reuse == "open" and overlaps(row, 1800, None) and "cat" in row.keywords,
        "Works by Artist A, openly licensed, made in 1800 or later, about cat",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_filter_lets_through_what_it_says(gallery, case):
    filters, allowed, said = CASES[case]
    with gallery.database.session() as session:
        found = clauses(session, filters)
        statement = select(Work.id).where(visible(), *(clause.sql for clause in found)).order_by(Work.id)
        ids = list(session.scalars(statement))
    expected = sorted(row.work_id for row in gallery.rows if not row.withdrawn and allowed(row))
    assert ids == expected
    assert 0 < len(expected) < len(gallery.rows)
    assert sentence(found) == said


@pytest.mark.parametrize("case", CASES)
def test_facets_equal_a_plain_count(gallery, case):
    filters, allowed, _ = CASES[case]
    rows = [row for row in gallery.rows if not row.withdrawn and allowed(row)]
    expected = {name: {} for name in ("artist", "reuse", "license", "collection", "medium", "keyword")}

    def count(name, value):
        if value is not None:
            expected[name][value] = expected[name].get(value, 0) + 1

    for row in rows:
        for name in ("reuse", "license", "collection", "medium"):
            count(name, getattr(row, name))
        for artist in row.artists:
            count("artist", artist)
        for word in row.keywords:
            count("keyword", word)
    with gallery.database.session() as session:
        found = facets(session, filters)
    assert {
        name: {choice.value: choice.count for choice in choices} for name, choices in found.items()
    } == expected
    for choices in found.values():
        counts = [choice.count for choice in choices]
        assert counts == sorted(counts, reverse=True)
    assert {choice.label for choice in found["reuse"]} <= {
        words.capitalize() for words in REUSE_WORDS.values()
    }


def test_only_the_most_frequent_choices_are_given(gallery):
    with gallery.database.session() as session:
        every, few = facets(session, Filters()), facets(session, Filters(), at_most=2)
    for name, choices in few.items():
        assert choices == every[name][:2]


def test_an_unknown_artist_suggests_those_with_a_name_like_it(gallery):
    for field in ("artist", "artist_not"):
        with gallery.database.session() as session, pytest.raises(NotFoundError) as caught:
            clauses(session, Filters(**{field: ("artist a",)}))
        assert caught.value.code == "unknown_artist"
        assert "Artist A" in caught.value.hint
    with gallery.database.session() as session, pytest.raises(NotFoundError, match="matched whole"):
        clauses(session, Filters(artist=("Zzyzx % _ '",)))


@pytest.mark.parametrize(
    ("filters", "error", "code"),
    [
        (Filters(collection=("third",)), NotFoundError, "unknown_collection"),
        (Filters(license=("all rights reserved",)), InputError, "unknown_license"),
    ],
)
def test_what_is_unknown_is_told(gallery, filters, error, code):
    with gallery.database.session() as session, pytest.raises(error) as caught:
        clauses(session, filters)
    assert caught.value.code == code
