import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylesearch.catalog.records import LONGEST, LONGEST_NAME, Credit, WorkRecord, tidy
from stylesearch.ingest.metadata.mapping import (
    LARGEST_EXTRA,
    MOST_CREDITS,
    MOST_KEYWORDS,
    Gathering,
    best_rights,
    fitting,
    from_fields,
)
from stylesearch.ingest.metadata.vocabulary import FIELD_NAMES, automatic

BY = "http://creativecommons.org/licenses/by/4.0/"


def gathered(**values: object) -> WorkRecord:
    gathering = Gathering()
    for name, value in values.items():
        gathering.add(name, value)
    return gathering.record()


def test_every_field():
    record = gathered(
        title=["A barn", "Red barn"],
        artist=["Ann Lee", "after Bo"],
        contributor="Cy",
        description=["One.", "Two."],
        date_text="c. 1890",
        medium=["ink", "paper"],
        movement="realism",
        period=["Meiji", "Meiji", "19th century"],
        object_type="drawing",
        keywords=["Barn", "barn", "Snow"],
        source_url=["no address", "https://example.org/1"],
        work_rights="in copyright",
        image_rights=["All rights reserved", BY],
        credit_line="Gift",
    )
    assert record == WorkRecord(
        title="A barn",
        description="One. Two.",
        credits=(Credit("Ann Lee"), Credit("Bo", qualifier="after"), Credit("Cy", role="contributor")),
        date_text="c. 1890",
        year_from=1890,
        year_to=1890,
        medium="ink, paper",
        movement="realism",
        period="Meiji, 19th century",
        object_type="drawing",
        keywords=("barn", "snow"),
        source_url="https://example.org/1",
        work_rights="in copyright",
        image_rights=BY,
        credit_line="Gift",
        extra={"credited_as": "after Bo", "other_titles": ["Red barn"]},
    )


@pytest.mark.parametrize(
    ("statements", "best"),
    [
        ([], None),
        (["All rights reserved"], "All rights reserved"),
        (["Ask us", "https://example.org/terms"], "https://example.org/terms"),
        (["https://example.org/terms", "CC BY 4.0"], "CC BY 4.0"),
        ([f"Licensed under {BY}."], BY),
        (["Ask us", f"See {BY}deed.de, please."], f"{BY}deed.de"),
    ],
)
def test_the_statement_that_says_most(statements, best):
    assert best_rights(statements) == best


def test_a_link_in_a_rights_statement_counts():
    assert gathered(image_rights=f'<a rel="license" href="{BY}">Some licence</a>').image_rights == BY


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"date_text": ["undated", "1890s"]}, ("1890s", 1890, 1899)),
        ({"date_text": "undated"}, ("undated", None, None)),
        ({"date_text": "1890s", "year_from": 1892, "year_to": "1893"}, ("1890s", 1892, 1893)),
        ({"year_from": "1892"}, (None, 1892, 1892)),
        ({"year_from": 1900, "year_to": 1800}, (None, None, None)),
        ({"year_from": "soon", "date_text": "1890"}, ("1890", 1890, 1890)),
        ({"year_to": "99999"}, (None, None, None)),
    ],
)
def test_dates(values, expected):
    record = gathered(**values)
    assert (record.date_text, record.year_from, record.year_to) == expected


def test_people_as_objects():
    person = {
        "@type": "Person",
        "name": "Rembrandt van Rijn",
        "alternateName": ["Rembrandt", "Rembrant"],
        "sameAs": ["http://vocab.getty.edu/ulan/500011051", "https://www.wikidata.org/wiki/Q5598"],
    }
    assert gathered(artist=[person, {"name": "Ann"}, {}, 7]).credits == (
        Credit(
            "Rembrandt van Rijn", aliases=("Rembrandt", "Rembrant"), ulan_id="500011051", wikidata_id="Q5598"
        ),
        Credit("Ann"),
        Credit("7"),
    )


def test_credits_of_one_name_are_joined():
    gathering = Gathering()
    gathering.credit("Ann", aliases=("A.",))
    gathering.credit("Ann", wikidata_id="Q1", aliases=("Annie",))
    gathering.credit("Ann", role="contributor")
    assert gathering.record().credits == (
        Credit("Ann", aliases=("A.", "Annie"), wikidata_id="Q1"),
        Credit("Ann", role="contributor"),
    )


def test_a_table_with_columns_of_all_kinds():
    values = {
        "Titel": "Scheune", "Künstler": ["Ann"], "Qualifier": "Umkreis", "ULAN": "500011051",
        "wikidata": "https://www.wikidata.org/wiki/Q5598", "Regal": 7, "Bild": "a.jpg", "empty": "", "null": None,
    }  # fmt: skip
    record = from_fields(values, automatic(values)).record()
    assert record == WorkRecord(
        title="Scheune",
        credits=(Credit("Ann", qualifier="circle of", ulan_id="500011051", wikidata_id="Q5598"),),
        extra={"Regal": 7},
    )


def test_an_identifier_of_several_artists_is_nobodys():
    values = {"artist": ["Ann", "Bo"], "ulan": "500011051"}
    assert from_fields(values, automatic(values)).record().credits == (Credit("Ann"), Credit("Bo"))


def test_an_unknown_qualifier_is_kept_as_it_is():
    values = {"artist": "Ann", "qualifier": "sort of"}
    record = from_fields(values, automatic(values)).record()
    assert record.extra == {"qualifier": "sort of"}


def test_what_does_not_fit_is_left_out():
    kept = fitting({"a": "x" * 10, "b": ["y" * 20_000] * 10, "c": 1})
    assert kept == {"a": "x" * 10, "c": 1}
    assert len(json.dumps(kept)) <= LARGEST_EXTRA


def test_huge_values_are_cut():
    many = [f"person {number} {'x' * 1000}" for number in range(1000)]
    record = gathered(
        title="t" * 10**6,
        artist=many,
        keywords=many,
        description=["d" * 10**6] * 50,
        source_url="https://" + "x" * 10**5,
    )
    assert len(record.title) == LONGEST["title"]
    assert len(record.description) == LONGEST["description"]
    assert len(record.credits) <= MOST_CREDITS
    assert all(len(credit.name) <= LONGEST_NAME for credit in record.credits)
    assert len(record.keywords) <= MOST_KEYWORDS
    assert record.source_url is None


def check_fit(record: WorkRecord) -> None:
    """Fail where a record could not be stored, or holds what the catalogue does not want."""
    json.dumps(record.to_json(), allow_nan=False).encode()
    assert record == record.clipped()
    assert WorkRecord.from_json(json.loads(json.dumps(record.to_json()))) == record
    for text in (
        record.title or None,
        record.description,
        record.medium,
        record.work_rights,
        *record.keywords,
    ):
        assert text is None or text == tidy(text)
    for credit in record.credits:
        assert credit.name
        assert credit.name == tidy(credit.name)
    assert record.year_from is None or record.year_from <= record.year_to


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(alphabet=st.characters(), max_size=60)
    | st.sampled_from(["<b>x</b>", "\x00", BY, "after Ann (1600-1650)", "https://example.org/", "1880-95"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=8) | st.sampled_from(["name", "@id", "@value", "sameAs"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*FIELD_NAMES, "shelf"]) | st.text(max_size=10), VALUES, max_size=8))
def test_whatever_a_source_says_gives_a_record_that_can_be_stored(values):
    check_fit(from_fields(values, automatic(values)).record())
