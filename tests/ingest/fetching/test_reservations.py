import pytest

from stylesearch.ingest.fetching.reservations import Reservation, opted_out, read_headers, read_tdmrep


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        (["noai"], ["noai"]),
        (["noindex, noai, noimageai"], ["noai", "noimageai"]),
        (["NOAI"], ["noai"]),
        (["all"], []),
        (["unavailable_after: 25 Jun 2030 15:00:00 PST, noai"], ["noai"]),
        (["googlebot: noindex, noai"], []),
        (["googlebot: noai", "noimageai"], ["noimageai"]),
        (["stylesearch: noai"], ["noai"]),
        (["*: noai"], ["noai"]),
        (["noai", "noai"], ["noai"]),
        (["", ",", ":", "noai:"], []),
    ],
)
def test_robots(values, kinds):
    assert [one.kind for one in read_headers([("x-robots-tag", value) for value in values])] == kinds


def test_mining_headers():
    headers = [("tdm-reservation", " 1 "), ("tdm-policy", "https://example.org/policy.json")]
    (found,) = read_headers(headers)
    assert found == Reservation("tdm", "header", "https://example.org/policy.json")
    assert found.to_json() == {
        "kind": "tdm",
        "found_in": "header",
        "detail": "https://example.org/policy.json",
    }
    assert read_headers([("tdm-reservation", "0")]) == ()
    assert not found.opts_out


RULES = [
    {"location": "/open/*", "tdm-reservation": 0},
    {"location": "/exact.html$", "tdm-reservation": 1},
    {"location": "/", "tdm-reservation": "1", "tdm-policy": 5},
]


@pytest.mark.parametrize(
    ("rules", "path", "reserved"),
    [
        (RULES, "/open/a.png", False),
        (RULES, "/a.png", True),
        (RULES[:2], "/exact.html", True),
        (RULES[:2], "/exact.html?x", False),
        ([{"location": "/caf%C3%A9", "tdm-reservation": 1}], "/caf%c3%a9/a", True),
        ([{"location": "/*.png$", "tdm-reservation": 1}], "/a/b.png", True),
        ([{"location": "/(a+)+$", "tdm-reservation": 1}], "/aaaa", False),
        ([{"location": "/" + "*a" * 50, "tdm-reservation": 1}], "/" + "a" * 100, False),
        ({"location": "/"}, "/", False),
        (None, "/", False),
    ],
)
def test_a_sites_rules(rules, path, reserved):
    assert bool(read_tdmrep(rules, path)) == reserved


def test_only_some_reservations_ask_to_leave_a_work_out():
    mining = Reservation("tdm", "header")
    assert opted_out([mining, Reservation("plus", "metadata")]) is None
    assert opted_out([mining, Reservation("noimageai", "header")]).kind == "noimageai"
