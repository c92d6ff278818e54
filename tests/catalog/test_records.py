import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylesearch.catalog.records import (
    LONGEST,
    LONGEST_NAME,
    MOST_ALIASES,
    Credit,
    WorkRecord,
    source_digest,
    tidy,
    years,
)

FULL = WorkRecord(
    title="A barn",
    description="Red, in snow.",
    credits=(Credit("Ann"), Credit("Bo", qualifier="after"), Credit("Cy", role="contributor")),
    date_text="1890s",
    year_from=1890,
    year_to=1899,
    medium="ink",
    movement="realism",
    period="Meiji",
    object_type="drawing",
    keywords=("barn", "snow"),
    source_url="https://example.org/1",
    work_rights="CC0-1.0",
    image_rights="CC-BY-4.0",
    credit_line="Gift",
    extra={"shelf": "7"},
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, (None, None)),
        ("", (None, None)),
        ("undated", (None, None)),
        ("1889", (1889, 1889)),
        ("c. 1889", (1889, 1889)),
        ("ca.1889?", (1889, 1889)),
        ("1889-05", (1889, 1889)),
        ("1889-05-17", (1889, 1889)),
        ("1889-05-17T12:00:00Z", (1889, 1889)),
        ("2012:06:01 10:11:12", (2012, 2012)),
        ("17.05.1889", (1889, 1889)),
        ("1880-1890", (1880, 1890)),
        ("1880–1890", (1880, 1890)),
        ("1890 or 1880", (1880, 1890)),
        ("1880-95", (1880, 1895)),
        ("1880/81", (1880, 1881)),
        ("c. 1880 – 95", (1880, 1895)),
        ("1995-05", (1995, 1995)),
        ("the 1880s", (1880, 1889)),
        ("1880s-1890s", (1880, 1899)),
        ("1885s", (1885, 1885)),
        ("19th century", (1801, 1900)),
        ("late 19th-century", (1801, 1900)),
        ("20th Century", (1901, 2000)),
        ("19th century (1850)", (1850, 1850)),
        ("99th century", (None, None)),
        ("inventory 18891", (None, None)),
        ("2345", (None, None)),
    ],
)
def test_years_reads_dates_as_people_write_them(text, expected):
    assert years(text) == expected


@given(st.text() | st.from_regex(r"[0-9\-–/s. ]{0,30}") | st.from_regex(r"\d{1,4}th century"))
def test_years_never_fails_and_never_ends_before_it_begins(text):
    start, end = years(text)
    assert (start is None) == (end is None)
    assert start is None or 1 <= start <= end <= 2109


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("", None),
        (" \n\t ", None),
        ("  two   words\n", "two words"),
        ("nul\x00and\x07bell", "nul and bell"),
        ("line\u2028break\u2029para", "line break para"),
        ("lone\udcffsurrogate", "lone surrogate"),
        ("e\u0301", "é"),
        ("non\u00a0breaking", "non breaking"),
    ],
)
def test_tidy(text, expected):
    assert tidy(text) == expected


@given(st.text(alphabet=st.characters()))
def test_what_is_tidy_can_be_stored_and_stays_as_it_is(text):
    result = tidy(text)
    if result is not None:
        assert "\x00" not in result
        assert result.encode()
        assert tidy(result) == result


def test_a_record_survives_json():
    assert WorkRecord.from_json(json.loads(json.dumps(FULL.to_json()))) == FULL


def test_the_example_record_leaves_no_field_out():
    assert all(getattr(FULL, one.name) for one in fields(WorkRecord))


def test_a_credit_survives_json_with_all_that_is_known_of_the_artist():
    credit = Credit("Ann", aliases=("A.", "Annie"), ulan_id="500000001", wikidata_id="Q1")
    record = WorkRecord(credits=(credit,))
    assert WorkRecord.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_a_credit_without_more_is_written_as_ever():
    # Else the digest of every work that is held would be another, and all would be brought up to date once.
    assert WorkRecord(credits=(Credit("Ann"),)).to_json() == {
        "credits": [{"name": "Ann", "role": "creator", "qualifier": None}]
    }


def test_names_of_a_credit_are_clipped():
    long = "x" * 1000
    credit = Credit(long, aliases=("A.", long, long + "y", "", "A."))
    (clipped,) = WorkRecord(credits=(credit,)).clipped().credits
    assert clipped == Credit("x" * LONGEST_NAME, aliases=("A.",))
    many = Credit("Ann", aliases=tuple(str(number) for number in range(500)))
    assert len(many.clipped().aliases) == MOST_ALIASES


def test_an_empty_record_is_empty_json():
    assert WorkRecord().to_json() == {}
    assert WorkRecord.from_json({}) == WorkRecord()


def test_over_fills_gaps_only():
    ours = WorkRecord(title="Ours", keywords=("a",), extra={"one": 1, "both": 1})
    theirs = WorkRecord(
        title="Theirs", medium="ink", keywords=("b",), credits=(Credit("Bo"),), extra={"both": 2, "two": 2}
    )
    merged = ours.over(theirs)
    assert merged == WorkRecord(
        title="Ours",
        medium="ink",
        keywords=("a",),
        credits=(Credit("Bo"),),
        extra={"one": 1, "both": 1, "two": 2},
    )


def test_over_nothing_is_itself():
    assert FULL.over(WorkRecord()) == FULL
    assert WorkRecord().over(FULL) == FULL


@pytest.mark.parametrize(
    "ours",
    [WorkRecord(year_to=1850), WorkRecord(year_from=1850, year_to=1850), WorkRecord(date_text="long ago")],
)
def test_a_date_is_never_mixed_from_two_records(ours):
    merged = ours.over(WorkRecord(date_text="1999", year_from=1999, year_to=1999))
    assert (merged.date_text, merged.year_from, merged.year_to) == (
        ours.date_text,
        ours.year_from,
        ours.year_to,
    )


def test_clipped_bounds_every_text_that_is_indexed():
    long = "x" * 30_000
    record = WorkRecord(
        **dict.fromkeys(LONGEST, long),
        credits=(Credit(long), Credit(long + "y"), Credit("Bo")),
        keywords=(long, "short"),
    ).clipped()
    for name, limit in LONGEST.items():
        assert getattr(record, name) == "x" * limit
    assert record.credits == (Credit("x" * LONGEST_NAME), Credit("Bo"))
    assert record.keywords == ("x" * LONGEST_NAME, "short")
    assert FULL.clipped() == FULL


def test_the_year_nought_is_a_year():
    record = WorkRecord(title="x", year_from=-1, year_to=0)
    assert WorkRecord.from_json(record.to_json()) == record


def test_source_digest_tells_bytes_and_metadata_apart():
    one = source_digest(b"\1" * 32, WorkRecord(title="a"))
    assert one == source_digest(b"\1" * 32, WorkRecord(title="a"))
    assert one != source_digest(b"\2" * 32, WorkRecord(title="a"))
    assert one != source_digest(b"\1" * 32, WorkRecord(title="b"))
    assert len(one) == 32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("17th-18th century", (1601, 1800)),
        ("17th to 18th centuries", (1601, 1800)),
        ("16th or 17th century", (1501, 1700)),
        ("1st century BC", (None, None)),
        ("1200 B.C.", (None, None)),
    ],
)
def test_centuries_and_what_is_before_our_era(text: str, expected: tuple[int | None, int | None]) -> None:
    assert years(text) == expected
