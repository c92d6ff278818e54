from datetime import UTC, datetime, timedelta, timezone

import pytest

from web.telling import moment, plainly


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing"),
        ("", "nothing"),
        ([], "nothing"),
        ({}, "nothing"),
        (0, "0"),
        (True, "yes"),
        (False, "no"),
        ("text", "text"),
        (["a", 1, True], "a, 1, yes"),
        ({"a": 1, "b": None}, "a: 1; b: nothing"),
        ({"before": "a", "after": "b"}, "a → b"),
        ({"after": {"role": "admin"}, "before": {"role": "viewer"}}, "role: viewer → admin"),
        ({"after": {"state": "x"}, "before": {}, "hidden": [3]}, "state: nothing → x; hidden: 3"),
    ],
)
def test_values_are_told_plainly(value, words):
    assert plainly(value) == words


def test_a_moment_is_told_in_one_zone_with_its_exact_form():
    there = datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=2)))
    assert moment(there) == moment(there.astimezone(UTC))
    assert moment(there) == '<time datetime="2026-03-04T03:06:07+00:00">2026-03-04 03:06 UTC</time>'
