"""Random queries of every kind against numpy: exact answers are equal, all others honest."""

from collections import Counter
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stylesearch.search.conditions import (
    OWN,
    ByArtist,
    FromCollection,
    HasImage,
    Ingested,
    Keyworded,
    Licensed,
    Made,
    Named,
    Qualified,
    Reusable,
    Says,
)
from stylesearch.search.filters import either, every, negated
from stylesearch.search.query import StyleQuery
from stylesearch.search.readout import Readout

YEARS = st.sampled_from(range(1690, 2011, 20))
CONDITIONS = st.one_of(
    st.sampled_from(
        [
            *(ByArtist(f"Artist {letter}") for letter in "ABCDEFGH"),
            ByArtist("The master of A"),
            ByArtist("Artist B", OWN),
            ByArtist("Artist C", "after"),
            Qualified("workshop of"),
            Licensed("CC-BY-4.0"),
            Licensed("CC0-1.0"),
            Licensed("http://example.org/terms"),
            *(Reusable(kind) for kind in ("open", "restricted", "permission", "unknown")),
            FromCollection("first"),
            FromCollection("second"),
            Named("medium", "ink"),
            Named("medium", "pastel"),
            Named("movement", "realism"),
            Named("period", "edo"),
            Named("type", "print"),
            Named("type", "nothing of the kind"),
            *(Keyworded(word) for word in ("barn", "snow", "cat", "tree", "sea", "rare", "single")),
            Says("boat"),
            Says("bateaux", "fr"),
            HasImage(),
            Ingested(date(2024, 2, 1), date(2024, 2, 29)),
            Ingested(None, date(2024, 1, 3)),
        ]
    ),
    st.tuples(YEARS, st.sampled_from([0, 3, 40])).map(lambda years: Made(years[0], sum(years))),
    YEARS.map(lambda year: Made(year, None)),
)
FILTERS = st.recursive(
    CONDITIONS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: every(*parts)),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: either(*parts)),
        inner.map(negated),
    ),
    max_leaves=6,
)
WHERE = st.one_of(
    st.just(every()), CONDITIONS, FILTERS, FILTERS.map(lambda one: every(one, Keyworded("rare")))
)
PLAIN = st.just(Readout())
READOUTS = st.builds(
    Readout,
    measure=st.sampled_from(["cosine", "csls", "whitened"]),
    fusion=st.sampled_from(["mean", "rank"]),
    against=st.sampled_from(["subtract", "margin"]),
    force=st.sampled_from([0.3, 1.0]),
    margin=st.sampled_from([0.0, 0.2]),
)
SHAPES = {
    "where": WHERE,
    "k": st.sampled_from([1, 3, 10, 24, 60]),
    "group": st.sampled_from(["work", "work", "image"]),
    "per_artist": st.sampled_from([None, None, None, 1, 3]),
}
QUERIES = st.builds(StyleQuery, readout=PLAIN, **SHAPES)
RICH_QUERIES = st.builds(StyleQuery, readout=READOUTS, **SHAPES)
SEEDS = st.integers(0, 10_000)
QUICK = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}


def check_exact(gallery, query: StyleQuery, wanted: list, unwanted: list, *, next_page: bool = True) -> None:
    """An exact answer, and perhaps the page behind it, are those of numpy: ids, order and scores."""
    exact = query.with_(mode="exact")
    right = gallery.ranked(wanted, unwanted, exact, most=2 * query.k + 1)
    found = gallery.ask(*wanted, unwanted=unwanted, query=exact)
    assert_same(found, right[: query.k])
    assert (found.complete, found.method) == (True, "exact")
    if found.matching is not None:
        assert found.matching == len(gallery.chosen(query.where))
    if next_page and len(right) > query.k:
        last = found.ranked[-1]
        page = gallery.ask(*wanted, unwanted=unwanted, query=exact.page_after(last.score, last.image_id))
        assert_same(page, right[query.k : 2 * query.k])


def assert_same(ranking, right: list[tuple[int, float]]) -> None:
    assert [one.image_id for one in ranking.ranked] == [image_id for image_id, _ in right]
    assert [one.score for one in ranking.ranked] == pytest.approx([score for _, score in right], abs=2e-9)


def check_honest(gallery, query: StyleQuery, mode: str, wanted: list, unwanted: list) -> None:
    """Another answer never has what a filter excludes, nor fewer than there are without saying so."""
    right = gallery.ranked(wanted, unwanted, query, most=query.k)
    found = gallery.ask(
        *wanted, unwanted=unwanted, query=query.with_(mode=mode), settings={"search_exact_rows": 50}
    )
    ids = [one.image_id for one in found.ranked]
    allowed = {gallery.rows[place].image_id for place in gallery.chosen(query.where)}
    assert set(ids) <= allowed
    assert len(ids) == len(set(ids))
    if query.group == "work":
        works = [one.work_id for one in found.ranked]
        assert len(works) == len(set(works))
    if query.per_artist:
        credited = Counter(artist for one in found.ranked for artist in one.artists)
        assert max(credited.values(), default=0) <= query.per_artist
    scores = [one.score for one in found.ranked]
    assert scores == sorted(scores, reverse=True)
    if found.complete:
        assert len(ids) >= min(query.k, len(right))


@settings(max_examples=120, **QUICK)
@given(QUERIES, SEEDS)
def test_an_exact_answer_is_that_of_numpy(gallery, query, seed):
    check_exact(gallery, query, [gallery.query(seed)], [])


@settings(max_examples=60, **QUICK)
@given(RICH_QUERIES, SEEDS, st.integers(1, 3), st.integers(0, 2))
def test_an_exact_answer_to_several_examples_is_that_of_numpy(gallery, query, seed, wanted, unwanted):
    vectors = [gallery.query(seed + number) for number in range(wanted + unwanted)]
    check_exact(gallery, query, vectors[:wanted], vectors[wanted:])


@settings(max_examples=90, **QUICK)
@given(st.one_of(QUERIES, RICH_QUERIES), SEEDS, st.sampled_from(["hnsw", "binary", "auto"]))
def test_an_answer_through_an_index_is_honest(gallery, query, seed, mode):
    unwanted = [gallery.query(seed + 1)] if query.readout != Readout() else []
    check_honest(gallery, query, mode, [gallery.query(seed)], unwanted)


@pytest.fixture(scope="module")
def large(servers, databases_of_run, empty_template, tmp_path_factory, make_large):
    name = databases_of_run(empty_template)
    gallery = make_large(servers.url_of(name), tmp_path_factory.mktemp("large"))
    yield gallery
    gallery.database.close()


@pytest.mark.slow
@settings(max_examples=1000, **QUICK)
@given(QUERIES, SEEDS)
def test_exact_answers_over_many_descriptors_are_those_of_numpy(large, query, seed):
    check_exact(large, query, [large.query(seed)], [], next_page=seed % 4 == 0)


@pytest.mark.slow
@settings(max_examples=1000, **QUICK)
@given(QUERIES, SEEDS, st.sampled_from(["hnsw", "binary", "auto"]))
def test_answers_through_an_index_over_many_descriptors_are_honest(large, query, seed, mode):
    check_honest(large, query, mode, [large.query(seed)], [])
