import pytest

from stylesearch.attribution.numerals import fixed, in_date, significant, small


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (54.321, "54.3"),
        (1234.5, "1,230"),
        (999999.0, "1,000,000"),
        (2.5e7, "2.5 × 10⁷"),
        (0.805, "0.805"),
        (0.00032467, "0.00032"),
        (3.2e-5, "3.2 × 10⁻⁵"),
        (1e-12, "1.0 × 10⁻¹²"),
    ],
)
def test_as_many_digits_as_tell_something(value, text):
    assert significant(value) == text


def test_small_shares_are_never_shown_as_nothing():
    assert [small(one) for one in (1.0, 0.0499, 0.001, 0.00099, None)] == [
        "1.000",
        "0.050",
        "0.001",
        "0.00099",
        "—",
    ]


def test_a_fixed_number_of_digits_and_a_true_minus():
    assert [fixed(one, 2) for one in (-0.214, 0.0, 12.345, None)] == ["−0.21", "0.00", "12.35", "—"]


def test_a_time_is_written_out_in_utc():
    assert in_date("2026-11-25T21:04:13+00:00") == "25 November 2026, 21:04:13 UTC"
    assert in_date("2026-01-01T00:30:00+02:00") == "31 December 2025, 22:30:00 UTC"
