from itertools import pairwise

import pytest

from stylesearch.errors import ServiceError
from stylesearch.search.plans import MOST_VISITED, Plan, Statistics, after_running_dry, choose

MILLION = 1_000_000


def chosen(
    matching: float,
    mode: str = "auto",
    *,
    rows: float = MILLION,
    exact_rows: int = 5000,
    wanted: int = 20,
    **more,
):
    statistics = Statistics(rows, matching, **({"hnsw": True} | more))
    return choose(statistics, mode, wanted=wanted, ef=100, exact_rows=exact_rows, slug="toy")


@pytest.mark.parametrize(
    ("share", "method"), [(1.0, "hnsw"), (0.5, "hnsw"), (0.1, "hnsw"), (0.01, "exact"), (1e-3, "exact"), (1e-6, "exact")]
)  # fmt: skip
def test_selective_filters_are_answered_exactly_and_broad_ones_through_the_index(share, method):
    assert chosen(MILLION * share).method == method


def test_the_crossing_is_where_both_cost_the_same():
    methods = [chosen(MILLION * share / 1000).method for share in range(1, 500)]
    turns = [one for one, other in pairwise(methods) if one != other]
    assert turns == ["exact"]
    assert 5 < methods.index("hnsw") < 100


def test_few_are_compared_whatever_it_costs():
    assert chosen(5000, rows=5000).method == "exact"
    assert chosen(50_000, rows=50_000).method == "hnsw"
    assert chosen(50_000, rows=50_000, exact_rows=50_000).method == "exact"
    assert chosen(MILLION, wanted=100_000).method == "exact"


def test_without_an_index_everything_is_compared():
    assert chosen(MILLION, hnsw=False).method == "exact"
    assert chosen(MILLION, "exact", hnsw=False).method == "exact"
    for mode in ("hnsw", "binary"):
        with pytest.raises(ServiceError) as caught:
            chosen(MILLION, mode, hnsw=False)
        assert caught.value.code == "no_index"
        assert "index build" in caught.value.hint


def test_the_binary_index_serves_where_the_other_is_missing_or_does_not_fit_into_memory():
    small, large = 2**30, 2**33
    assert chosen(MILLION, hnsw=False, binary=True).method == "binary"
    assert chosen(MILLION, binary=True, hnsw_bytes=small, cache_bytes=large).method == "hnsw"
    assert chosen(MILLION, binary=True, hnsw_bytes=large, cache_bytes=small).method == "binary"
    assert chosen(MILLION, binary=False, hnsw_bytes=large, cache_bytes=small).method == "hnsw"


@pytest.mark.parametrize("mode", ["exact", "hnsw", "binary"])
def test_a_mode_is_kept_to(mode):
    assert chosen(10, mode, binary=True).method == mode
    assert chosen(MILLION, mode, binary=True).method == mode


def test_the_index_is_followed_as_wide_as_what_is_wanted():
    assert chosen(MILLION).ef == 100
    assert chosen(MILLION, "hnsw", wanted=500).ef == 500
    assert chosen(MILLION, "hnsw", wanted=5000).ef == 1000  # the most that there is


def test_the_index_is_followed_wider_where_few_match():
    assert chosen(MILLION / 2, "hnsw").ef == 100
    assert chosen(MILLION / 10, "hnsw").ef == 500
    assert chosen(MILLION / 100, "hnsw").ef == 1000


def test_a_scan_ends_with_what_it_keeps_in_view_where_that_is_enough():
    assert chosen(MILLION).visited == 0
    assert chosen(MILLION / 2).visited == chosen(MILLION / 10).visited == 0
    assert chosen(MILLION / 100, "hnsw").visited == MOST_VISITED  # no scan keeps enough in view
    assert chosen(MILLION, "hnsw", wanted=90).visited == MOST_VISITED
    assert chosen(MILLION, "binary", binary=True).visited == MOST_VISITED


def test_a_scan_that_ended_with_too_few_goes_on_or_gives_way():
    first = Plan("hnsw", 100, visited=0)
    many = Statistics(MILLION, MILLION / 2, hnsw=True)
    assert after_running_dry(first, many, found=30, wanted=40) == Plan("hnsw", 100)
    assert after_running_dry(first, many, found=0, wanted=40).method == "exact"
    few = Statistics(10_000, 5000, hnsw=True)
    assert after_running_dry(first, few, found=10, wanted=40).method == "exact"


def test_a_scan_that_ran_dry_goes_on_or_gives_way():
    statistics = Statistics(1000 * MILLION, 500 * MILLION, hnsw=True)
    first = Plan("hnsw", 100)
    wider = after_running_dry(first, statistics, found=30, wanted=40)
    assert (wider.method, wider.visited) == ("hnsw", 10 * MOST_VISITED)
    assert after_running_dry(wider, statistics, found=30, wanted=40).method == "exact"
    assert after_running_dry(first, statistics, found=0, wanted=40).method == "exact"
    small = Statistics(10_000, 5000, hnsw=True)
    assert after_running_dry(first, small, found=39, wanted=40).method == "exact"
