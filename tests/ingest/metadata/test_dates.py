import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylesearch.ingest.metadata.dates import read_year, read_years


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c. 1890", (1890, 1890)),
        ("um 1650", (1650, 1650)),
        ("19th century", (1801, 1900)),
        ("19. Jahrhundert", (1801, 1900)),
        ("2. Hälfte 19. Jh.", (1801, 1900)),
        ("17./18. Jh.", (1601, 1800)),
        ("XIXe siècle", (1801, 1900)),
        ("XVIe-XVIIe siècle", (1501, 1700)),
        ("secolo XVII", (1601, 1700)),
        ("XVIII secolo", (1701, 1800)),
        ("siglos XVI-XVII", (1501, 1700)),
        ("17e eeuw", (1601, 1700)),
        ("ca. 300 v. Chr.", (None, None)),
        ("3e siècle av. J.-C.", (None, None)),
        ("mix", (None, None)),
        ("", (None, None)),
        (None, (None, None)),
    ],
)
def test_dates_in_several_languages(text, expected):
    assert read_years(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1642", 1642), ("1642-05-01", 1642), ("-0050", -50), (1890, 1890), ("1890.0", 1890), ("1642T00", 1642),
        ("99999", None), ("c. 1890", None), ("", None), (None, None), (1.5, None), ([1], None),
    ],
)  # fmt: skip
def test_years_of_machines(text, expected):
    assert read_year(text) == expected


@settings(deadline=None)
@given(st.text() | st.from_regex(r"[0-9ivxIVX.\-–/ ]{0,20}(Jh\.|siècle|secolo|eeuw)?"))
def test_no_text_breaks_it(text):
    begin, end = read_years(text)
    assert (begin is None) == (end is None)
    assert begin is None or begin <= end
    read_year(text)
