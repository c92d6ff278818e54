import numpy as np
import pytest
from sqlalchemy import event, text

from stylesearch.catalog import encoders
from stylesearch.errors import InputError, NotFoundError, ServiceError
from stylesearch.search.engine import cosine, search, unpack_halfvecs
from stylesearch.search.query import Filters, StyleQuery

QUERIES = 300


def ask(gallery, vector, **query):
    settings = gallery.settings.model_copy(update=query.pop("settings", {}))
    with gallery.database.session() as session:
        return search(session, gallery.encoder, vector, StyleQuery(**query), settings)


def ids(ranking) -> list[int]:
    return [one.image_id for one in ranking.ranked]


def overlaps(row, start, end) -> bool:
    ends = [year for year in (row.year_from, row.year_to) if year is not None]
    return bool(ends) and max(ends) >= start and min(ends) <= end


CHOICES = {
    "artist": ("Artist B", lambda row: "Artist B" in row.artists),
    "artist_not": ("Artist C", lambda row: "Artist C" not in row.artists),
    "reuse": ("open", lambda row: row.reuse == "open"),
    "license": ("CC-BY-NC-4.0", lambda row: row.license == "http://creativecommons.org/licenses/by-nc/4.0/"),
    "collection": ("second", lambda row: row.collection == "second"),
    "medium": ("ink", lambda row: (row.medium or "").lower() == "ink"),
    "keyword": ("barn", lambda row: "barn" in row.keywords),
}


def chosen(seed: int):
    """Filters of a random combination of kinds, and the same in plain Python; none for every third seed."""
    dice = np.random.default_rng([3, seed])
    names = list(dice.choice(list(CHOICES), size=dice.integers(1, 4), replace=False)) if seed % 3 else []
    values = {name: (CHOICES[name][0],) for name in names}
    tests = [CHOICES[name][1] for name in names]
    if seed % 5 == 1:
        start = int(dice.integers(1700, 1950))
        values |= {"year_from": start, "year_to": start + 40}
        tests.append(lambda row: overlaps(row, start, start + 40))
    return Filters(**values), lambda row: all(test(row) for test in tests)


def test_the_exact_answer_is_that_of_an_independent_search(gallery):
    kinds, empty = set(), 0
    for seed in range(QUERIES):
        filters, allowed = chosen(seed)
        kinds |= set(filters.to_json())
        k = (1, 10, 24)[seed % 3]
        vector = gallery.query(seed)
        ranking = ask(gallery, vector, filters=filters, k=k, mode="exact")
        expected = gallery.nearest(vector, allowed, k)
        assert ids(ranking) == expected, (seed, filters)
        matching = sum(not row.withdrawn and allowed(row) for row in gallery.rows)
        assert (ranking.method, ranking.matching, ranking.complete) == ("exact", matching, True)
        empty += not expected
    assert kinds == {*CHOICES, "year_from", "year_to"}
    assert empty < QUERIES / 10


def test_what_single_precision_cannot_tell_apart_is_put_in_order(gallery):
    dice = np.random.default_rng(5)
    twins = {row.image_id for row in gallery.rows[300:338]}
    for _ in range(30):
        vector = (gallery.vectors[300] + 0.03 * dice.standard_normal(256)).astype(np.float32)
        right = gallery.nearest(vector, lambda row: True, 10)
        assert set(right) <= twins
        assert ids(ask(gallery, vector, k=10, mode="exact")) == right


def test_a_scan_through_the_index_that_gives_up_is_made_good(gallery, monkeypatch):
    monkeypatch.setattr("stylesearch.search.engine.MOST_SCANNED", 1)
    filters = Filters(artist=("Artist A",), keyword=("barn", "snow"))
    for seed in range(5):
        vector = gallery.query(seed)
        ranking = ask(gallery, vector, filters=filters, k=40, mode="hnsw", settings={"search_ef": 1})
        assert (ranking.method, ranking.complete) == ("exact", True)
        assert ids(ranking) == ids(ask(gallery, vector, filters=filters, k=40, mode="exact"))


def test_scores_are_cosines_in_order(gallery):
    ranking = ask(gallery, gallery.vectors[5].astype(np.float32), k=1000, mode="exact")
    scores = [one.score for one in ranking.ranked]
    assert len(scores) == 1000
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 1.0
    assert all(-1 <= score <= 1 for score in scores)
    assert all(type(score) is float for score in scores)


def test_equal_descriptors_have_equal_scores_and_come_in_order_of_their_ids(gallery):
    equal = [row.image_id for row in gallery.rows[100:170] if not row.withdrawn]
    ranking = ask(gallery, gallery.vectors[100].astype(np.float32), k=60, mode="exact")
    assert ids(ranking) == equal[:60]
    assert {one.score for one in ranking.ranked} == {1.0}


def test_the_index_finds_nearly_all(gallery):
    hits = total = 0
    for seed in range(150):
        vector = gallery.query(seed)
        ranking = ask(gallery, vector, k=10, mode="hnsw")
        assert ranking.method == "hnsw"
        assert ranking.complete
        # Which of several equal ones is found does not matter, their scores do.
        right = ask(gallery, vector, k=10, mode="exact")
        floor = right.ranked[-1].score
        hits += sum(one.score >= floor for one in ranking.ranked)
        total += len(right.ranked)
    print(f"recall@10 through HNSW over {len(gallery.rows)} descriptors: {hits / total:.4f}")
    assert hits / total >= 0.98


def test_the_index_statement_uses_the_index_and_the_exact_one_does_not(gallery):
    plans: list[str] = []

    def explain(connection, cursor, statement, parameters, context, executemany):
        if "<=>" in statement:
            rows = connection.connection.driver_connection.execute(
                f"EXPLAIN {statement}", parameters
            ).fetchall()
            plans.append("\n".join(row[0] for row in rows))

    event.listen(gallery.database.engine, "before_cursor_execute", explain)
    try:
        for mode in ("hnsw", "exact"):
            ask(gallery, gallery.query(1), k=10, mode=mode)
    finally:
        event.remove(gallery.database.engine, "before_cursor_execute", explain)
    through_index, exact = plans
    assert f"Index Scan using {gallery.encoder.index}" in through_index
    assert gallery.encoder.index not in exact


@pytest.mark.parametrize(
    "filters",
    [
        Filters(artist=("Artist A",), reuse=("open",), keyword=("barn", "snow"), medium=("pastel",)),
        Filters(year_from=1700, year_to=1701),
        Filters(artist=("Artist B",), artist_not=("Artist B",)),
    ],
)
def test_a_selective_filter_is_answered_whole_whatever_the_mode(gallery, filters):
    for seed in range(5):
        vector = gallery.query(seed)
        right = ask(gallery, vector, filters=filters, k=50, mode="exact")
        assert right.matching < 200
        through_index = ask(gallery, vector, filters=filters, k=50, mode="hnsw")
        assert through_index.complete
        assert len(through_index.ranked) == min(50, right.matching)
        if right.matching < 50:
            assert ids(through_index) == ids(right)


def test_auto_chooses_by_how_many_match(gallery):
    vector = gallery.query(0)
    assert ask(gallery, vector).method == "exact"
    small = {"search_exact_rows": 500}
    ranking = ask(gallery, vector, settings=small)
    assert (ranking.method, ranking.matching, ranking.complete) == ("hnsw", None, True)
    rare = Filters(artist=("Artist A",), keyword=("barn", "snow"))
    ranking = ask(gallery, vector, filters=rare, settings=small)
    assert ranking.method == "exact"
    assert 0 < ranking.matching <= 500


@pytest.mark.parametrize("mode", ["exact", "hnsw"])
def test_what_is_withdrawn_is_never_found(gallery, mode):
    withdrawn = {row.image_id for row in gallery.rows if row.withdrawn}
    index = next(number for number, row in enumerate(gallery.rows) if row.withdrawn)
    ranking = ask(gallery, gallery.vectors[index].astype(np.float32), k=1000, mode=mode)
    assert not withdrawn & set(ids(ranking))
    assert ranking.matching == len(gallery.rows) - len(withdrawn)


@pytest.mark.parametrize("mode", ["exact", "hnsw"])
def test_what_is_excluded_is_left_out(gallery, mode):
    vector = gallery.query(2)
    first = ids(ask(gallery, vector, k=10, mode=mode))
    ranking = ask(gallery, vector, k=10, mode=mode, exclude_images=frozenset(first[:3]))
    assert not set(first[:3]) & set(ids(ranking))
    assert ids(ranking)[:7] == first[3:]
    assert ranking.matching == sum(not row.withdrawn for row in gallery.rows) - 3


@pytest.mark.parametrize("k", [1, 1000])
def test_as_many_as_are_asked_for(gallery, k):
    for mode in ("exact", "hnsw"):
        assert len(ask(gallery, gallery.query(0), k=k, mode=mode).ranked) == k


@pytest.mark.parametrize(
    ("vector", "code"),
    [
        (np.ones(3, np.float32), "descriptor_dim"),
        (np.ones((1, 256), np.float32), "descriptor_dim"),
        (np.full(256, np.nan, np.float32), "descriptor_invalid"),
        (np.full(256, np.inf, np.float32), "descriptor_invalid"),
        (np.full(256, 1e6, np.float32), "descriptor_invalid"),
        (np.zeros(256, np.float32), "descriptor_invalid"),
        (np.full(256, 1e-12, np.float32), "descriptor_invalid"),
    ],
)
def test_a_descriptor_that_cannot_be_compared_is_refused(gallery, vector, code):
    with pytest.raises(InputError) as caught:
        ask(gallery, vector)
    assert caught.value.code == code


def test_an_unknown_filter_value_is_told(gallery):
    with pytest.raises(NotFoundError):
        ask(gallery, gallery.query(0), filters=Filters(artist=("Nobody",)))


def test_a_search_that_takes_too_long_is_ended(gallery):
    with pytest.raises(ServiceError) as caught:
        ask(gallery, gallery.query(0), mode="exact", settings={"search_timeout_seconds": 0.001})
    assert caught.value.code == "timeout"


def test_without_an_index_only_the_exact_way_is_open(database, gallery):
    with database.session() as session:
        row = encoders.register(session, encoders.EncoderIdentity("toy", "d", 256, "w", "p", "CC0-1.0"))
        vector = gallery.query(0)
        ranking = search(session, row, vector, StyleQuery(), gallery.settings)
        assert (ranking.ranked, ranking.matching, ranking.complete) == ((), 0, True)
        with pytest.raises(ServiceError) as caught:
            search(session, row, vector, StyleQuery(mode="hnsw"), gallery.settings)
    assert caught.value.code == "no_index"


def test_settings_of_a_search_do_not_outlast_it(gallery):
    with gallery.database.session() as session:
        search(session, gallery.encoder, gallery.query(0), StyleQuery(mode="hnsw"), gallery.settings)
        assert session.scalar(text("SHOW enable_sort")) == "on"
    with gallery.database.session() as session:
        assert session.scalar(text("SHOW statement_timeout")) == "0"
        assert session.scalar(text("SELECT current_setting('hnsw.iterative_scan', true)")) in (
            None,
            "",
            "off",
        )


def test_halfvecs_are_unpacked_as_they_are_stored(gallery):
    with gallery.database.session() as session:
        packed = session.scalars(
            text("SELECT halfvec_send(vector) FROM descriptor ORDER BY image_id LIMIT 20")
        ).all()
    assert (unpack_halfvecs([bytes(one) for one in packed]) == gallery.vectors[:20]).all()


def test_cosine_does_not_care_for_length():
    stored = np.array([[2.0, 0, 0], [0, 3, 0], [-1, 0, 0], [1, 1, 0]])
    assert cosine(stored, np.array([0.5, 0, 0], np.float32)) == [1.0, 0.0, -1.0, round(2**-0.5, 9)]
