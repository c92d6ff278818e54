import time

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from stylesearch.catalog import encoders, indexes, upgrades
from stylesearch.catalog.access import Access
from stylesearch.catalog.halfvecs import unpack_halfvecs
from stylesearch.errors import InputError, NotFoundError, ServiceError
from stylesearch.search.engine import search
from stylesearch.search.facets import facets
from stylesearch.search.grammar import parse
from stylesearch.search.query import StyleQuery
from stylesearch.search.scoring import Weighted
from stylesearch.search.vectors import cosines, halfvec_text, in_halves

RARE = 'artist:"Artist A" keyword:barn keyword:snow'


def ids(ranking) -> list[int]:
    return [one.image_id for one in ranking.ranked]


def rows_of(gallery, ranking) -> list:
    known = {row.image_id: row for row in gallery.rows}
    return [known[one.image_id] for one in ranking.ranked]


def test_what_single_precision_cannot_tell_apart_is_put_in_order(gallery):
    dice = np.random.default_rng(5)
    twins = {row.image_id for row in gallery.rows[300:338]}
    for _ in range(20):
        vector = (gallery.vectors[300] + 0.03 * dice.standard_normal(256)).astype(np.float16).astype(float)
        right = gallery.nearest(vector, k=10)
        assert set(right) <= twins
        assert ids(gallery.ask(vector, k=10, mode="exact")) == right


def test_equal_descriptors_have_equal_scores_and_come_in_order_of_their_ids(gallery):
    equal = [row.image_id for row in gallery.rows[100:170] if not row.hidden]
    ranking = gallery.ask(gallery.vectors[100], k=60, mode="exact")
    assert ids(ranking) == equal[:60]
    assert {one.score for one in ranking.ranked} == {1.0}


def test_scores_are_cosines_in_order(gallery):
    ranking = gallery.ask(gallery.vectors[5], k=1000, mode="exact")
    scores = [one.score for one in ranking.ranked]
    assert len(scores) == 1000
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 1.0
    assert all(-1 <= score <= 1 for score in scores)
    assert all(type(score) is float for score in scores)


@pytest.mark.parametrize("mode", ["hnsw", "binary"])
def test_an_index_finds_nearly_all(gallery, mode):
    hits = total = 0
    for seed in range(100):
        vector = gallery.query(seed)
        ranking = gallery.ask(vector, k=10, mode=mode)
        assert (ranking.method, ranking.complete, ranking.matching) == (mode, True, None)
        # Which of several equal ones is found does not matter, their scores do.
        floor = gallery.ask(vector, k=10, mode="exact").ranked[-1].score
        hits += sum(one.score >= floor for one in ranking.ranked)
        total += 10
    print(f"recall@10 by {mode} over {len(gallery.rows)} descriptors: {hits / total:.4f}")
    assert hits / total >= 0.97


@pytest.mark.parametrize(
    "where", [f"{RARE} reuse:open medium:pastel", "year:1700..1701", "type:print text:voiles keyword:cat"]
)
@pytest.mark.parametrize("mode", ["hnsw", "binary", "auto"])
def test_a_selective_filter_is_answered_whole_whatever_the_mode(gallery, where, mode):
    for seed in range(3):
        vector = gallery.query(seed)
        right = gallery.ask(vector, where=where, k=50, mode="exact")
        assert 0 < right.matching < 200
        found = gallery.ask(vector, where=where, k=50, mode=mode)
        assert found.complete
        assert len(found.ranked) == len(right.ranked)
        if len(right.ranked) < 50:
            assert ids(found) == ids(right)


def test_a_scan_through_the_index_that_gives_up_is_made_good(gallery, monkeypatch):
    monkeypatch.setattr("stylesearch.search.plans.MOST_VISITED", 1)
    monkeypatch.setattr("stylesearch.search.plans.WIDEST", 1)
    monkeypatch.setattr("stylesearch.search.plans.Plan.__init__.__defaults__", (0, 1))
    for seed in range(3):
        vector = gallery.query(seed)
        ranking = gallery.ask(vector, where=RARE, k=40, mode="hnsw", settings={"search_ef": 1})
        assert (ranking.method, ranking.complete) == ("exact", True)
        assert ids(ranking) == gallery.nearest(vector, RARE, 40)


def test_a_scan_that_was_thought_to_be_enough_and_was_not_goes_on(gallery, monkeypatch):
    monkeypatch.setattr("stylesearch.search.plans.ABREAST", 0.01)
    for seed in range(3):
        ranking = gallery.ask(
            gallery.query(seed), where="-medium:ink", k=40, mode="hnsw", settings={"search_ef": 20}
        )
        assert (ranking.method, ranking.complete, len(ranking.ranked)) == ("hnsw", True, 40)


def test_auto_chooses_by_what_is_known_of_the_gallery(gallery):
    vector = gallery.query(0)
    assert gallery.ask(vector).method == "exact"
    quick = {"search_exact_rows": 0}
    ranking = gallery.ask(vector, settings=quick, where="-medium:ink")
    assert ranking.method in ("exact", "hnsw")
    rare = gallery.ask(vector, where=RARE, settings=quick)
    assert rare.method == "exact"
    assert rare.matching == len(gallery.chosen(RARE))


@pytest.mark.parametrize("mode", ["exact", "hnsw", "binary"])
def test_what_is_hidden_is_never_found_nor_counted(gallery, mode):
    hidden = {row.image_id for row in gallery.rows if row.hidden}
    for index in [number for number, row in enumerate(gallery.rows) if row.hidden][::60]:
        ranking = gallery.ask(gallery.vectors[index], k=1000, mode=mode, facets=True)
        assert not hidden & set(ids(ranking))
        assert ranking.matching in (None, len(gallery.rows) - len(hidden))
        assert "vault" not in {choice.value for choice in ranking.facets["collection"]}


def test_the_staff_find_what_is_kept_for_them_but_not_what_is_withdrawn(gallery):
    kept = next(number for number, row in enumerate(gallery.rows) if row.hidden and not row.withdrawn)
    withdrawn = {row.image_id for row in gallery.rows if row.withdrawn}
    ranking = gallery.ask(gallery.vectors[kept], k=1000, mode="exact", access=Access.STAFF, facets=True)
    assert ids(ranking)[0] == gallery.rows[kept].image_id
    assert not withdrawn & set(ids(ranking))
    assert ranking.matching == len(gallery.rows) - len(withdrawn)
    assert "vault" in {choice.value for choice in ranking.facets["collection"]}
    only = gallery.ask(gallery.vectors[kept], where="collection:vault", k=5, access=Access.STAFF)
    assert {row.collection for row in rows_of(gallery, only)} == {"vault"}
    with pytest.raises(NotFoundError) as caught:
        gallery.ask(gallery.vectors[kept], where="collection:vault")
    assert caught.value.code == "unknown_collection"
    assert "vault" not in caught.value.hint


@pytest.mark.parametrize("mode", ["exact", "hnsw"])
def test_what_is_excluded_is_left_out(gallery, mode):
    vector = gallery.query(2)
    first = ids(gallery.ask(vector, k=10, mode=mode))
    ranking = gallery.ask(vector, k=7, mode=mode, exclude_images=frozenset(first[:3]))
    assert ids(ranking) == first[3:]
    if mode == "exact":
        assert ranking.matching == len(gallery.chosen()) - 3


@pytest.mark.parametrize("mode", ["exact", "hnsw", "binary"])
@pytest.mark.parametrize("k", [1, 1000])
def test_as_many_as_are_asked_for(gallery, k, mode):
    assert len(gallery.ask(gallery.query(0), k=k, mode=mode).ranked) == k


def test_more_than_there_are_is_no_reason_to_complain(gallery):
    ranking = gallery.ask(gallery.query(0), where=RARE, k=1000)
    assert (ranking.complete, ranking.reason) == (True, None)
    assert len(ranking.ranked) == len({row.work_id for row in rows_of(gallery, ranking)})
    assert set(ids(ranking)) <= {gallery.rows[place].image_id for place in gallery.chosen(RARE)}


@pytest.mark.parametrize(
    "where", ["collection:first collection:second", 'artist:"Artist A" -artist:"Artist A"', "()"]
)
def test_what_contradicts_itself_is_answered_without_a_look_at_the_gallery(gallery, where):
    # A statement on descriptors would not end in time.
    ranking = gallery.ask(
        gallery.query(0), where=where, facets=True, settings={"search_timeout_seconds": 1e-9}
    )
    assert (ranking.ranked, ranking.matching, ranking.complete) == ((), 0, True)
    assert not any(ranking.facets.values())


@pytest.mark.parametrize("where", ["", RARE, "reuse:open OR text:boat"])
def test_facets_are_the_same_on_the_way_and_on_their_own(gallery, where):
    vector = gallery.query(1)
    on_the_way = gallery.ask(vector, where=where, mode="exact", facets=True)
    alone = gallery.ask(vector, where=where, mode="hnsw", facets=True)
    with gallery.database.session() as session:
        assert on_the_way.facets == alone.facets == facets(session, parse(where))
    assert gallery.ask(vector, where=where).facets is None


@pytest.mark.parametrize(
    ("vector", "code"),
    [
        (np.ones(3), "descriptor_dim"),
        (np.ones((1, 256)), "descriptor_dim"),
        (np.full(256, np.nan), "descriptor_invalid"),
        (np.full(256, np.inf), "descriptor_invalid"),
        (np.full(256, 1e6), "descriptor_invalid"),
        (np.zeros(256), "descriptor_invalid"),
        (np.full(256, 1e-12), "descriptor_invalid"),
    ],
)
def test_a_descriptor_that_cannot_be_compared_is_refused(vector, code):
    with pytest.raises(InputError) as caught:
        in_halves(vector.astype(np.float32), dim=256, slug="toy")
    assert caught.value.code == code


def test_an_unknown_filter_value_is_told(gallery):
    with pytest.raises(NotFoundError):
        gallery.ask(gallery.query(0), where="artist:Nobody")


def test_a_search_that_takes_too_long_is_ended(gallery):
    with pytest.raises(ServiceError) as caught:
        gallery.ask(gallery.query(0), mode="exact", k=1000, settings={"search_timeout_seconds": 0.001})
    assert caught.value.code == "timeout"


def test_what_was_found_before_the_time_ended_is_given_and_told(gallery, monkeypatch):
    """The scan through the index meets too few; the exact look that follows has no time left."""
    monkeypatch.setattr("stylesearch.search.way.after_running_dry", _slowly)
    where = "keyword:barn keyword:snow keyword:cat"
    ranking = gallery.ask(
        gallery.query(0), where=where, k=400, mode="hnsw", settings={"search_timeout_seconds": 2.0}
    )
    assert (ranking.complete, ranking.reason, ranking.method) == (False, "timeout", "hnsw")
    assert 0 < len(ranking.ranked) < 400
    assert set(ids(ranking)) <= {gallery.rows[place].image_id for place in gallery.chosen(where)}


def _slowly(plan, *_arguments, **_more):
    from stylesearch.search.plans import Plan

    time.sleep(2.1)
    return Plan("exact", plan.ef)


def test_without_an_index_only_the_exact_way_is_open(small, gallery):
    session, row, wanted = small
    ranking = search(session, row, wanted, StyleQuery(), gallery.settings)
    assert (len(ranking.ranked), ranking.method, ranking.matching, ranking.complete) == (
        12,
        "exact",
        12,
        True,
    )
    with pytest.raises(ServiceError) as caught:
        search(session, row, wanted, StyleQuery(mode="hnsw"), gallery.settings)
    assert caught.value.code == "no_index"


def test_an_index_that_is_not_whole_is_none(small, database, gallery):
    session, row, wanted = small
    engine = database.engine
    with (
        engine.connect() as writer,
        engine.connect().execution_options(isolation_level="AUTOCOMMIT") as builder,
    ):
        writer.execute(
            text(f"LOCK TABLE {row.partition} IN ROW EXCLUSIVE MODE")
        )  # whom the builder waits for
        builder.execute(text("SET statement_timeout = 300"))
        with pytest.raises(DBAPIError):
            builder.execute(
                text(
                    f"CREATE INDEX CONCURRENTLY {row.index} ON {row.partition} USING hnsw ((vector::halfvec(256)) halfvec_cosine_ops)"
                )
            )
        builder.execute(text("RESET statement_timeout"))
    assert (
        session.scalar(
            text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)"), {"name": row.index}
        )
        is False
    )
    with pytest.raises(ServiceError) as caught:
        search(session, row, wanted, StyleQuery(mode="hnsw"), gallery.settings)
    assert caught.value.code == "no_index"
    assert len(search(session, row, wanted, StyleQuery(), gallery.settings).ranked) == 12


def test_an_index_that_goes_while_it_is_looked_for_costs_time_and_no_answer(small, gallery, monkeypatch):
    session, row, wanted = small
    indexes.build_index(session, row)
    before = ids(search(session, row, wanted, StyleQuery(mode="hnsw"), gallery.settings))

    def gone(*arguments, **more):
        found = search_statistics(*arguments, **more)
        session.execute(text(f"DROP INDEX {row.index}"))
        return found

    from stylesearch.search import gallery as galleries

    search_statistics = galleries.statistics
    monkeypatch.setattr(galleries, "statistics", gone)
    ranking = search(session, row, wanted, StyleQuery(mode="hnsw"), gallery.settings)
    assert ids(ranking) == before
    assert ranking.complete


def test_a_gallery_that_was_let_go_is_told(small, gallery):
    session, row, wanted = small
    session.execute(text(f"DROP TABLE {row.partition}"))
    with pytest.raises(NotFoundError) as caught:
        search(session, row, wanted, StyleQuery(), gallery.settings)
    assert caught.value.code == "encoder_retired"


def test_a_gallery_that_goes_in_between_is_told(small, gallery, monkeypatch):
    session, row, wanted = small
    from stylesearch.search import gallery as galleries

    known = galleries.statistics(session, row, clause_of_everything(session))
    monkeypatch.setattr(galleries, "statistics", lambda *_, **__: known)
    session.execute(text(f"DROP TABLE {row.partition}"))
    with pytest.raises(NotFoundError) as caught:
        search(session, row, wanted, StyleQuery(), gallery.settings)
    assert caught.value.code == "encoder_retired"


def clause_of_everything(session):
    from stylesearch.search.clauses import clause

    return clause(session, parse(""))


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [("building", ServiceError, "encoder_building"), ("retired", NotFoundError, "encoder_retired")],
)
def test_an_encoder_that_does_not_serve_is_told_apart(small, status, kind, code):
    session, row, _ = small
    session.execute(text("UPDATE encoder SET status = :status"), {"status": status})
    with pytest.raises(kind) as caught:
        encoders.active(session, row.slug)
    assert caught.value.code == code
    with pytest.raises(NotFoundError) as unknown:
        encoders.active(session, "another")
    assert unknown.value.code == "empty_gallery"


def test_letting_a_gallery_go_leaves_nothing_of_it(small):
    from stylesearch.catalog.densities import measure

    session, row, _ = small
    assert measure(session, row) == 12
    other = encoders.register(session, encoders.EncoderIdentity("new", "e", 256, "w", "p", "CC0-1.0"))
    upgrades.activate(session, other)
    upgrades.retire(session, row)
    assert session.scalar(text("SELECT count(*) FROM density")) == 0


def test_settings_of_a_search_do_not_outlast_it(gallery):
    with gallery.database.session() as session:
        wanted = Weighted(gallery.query(0)[None], np.ones(1))
        search(session, gallery.encoder, wanted, StyleQuery(mode="hnsw"), gallery.settings)
        assert session.scalar(text("SHOW enable_sort")) == "on"
    with gallery.database.session() as session:
        assert session.scalar(text("SHOW statement_timeout")) == "0"
        left = session.scalar(text("SELECT current_setting('hnsw.iterative_scan', true)"))
        assert left in (None, "", "off")


def test_halfvecs_are_unpacked_as_they_are_stored_and_written_as_they_are(gallery):
    with gallery.database.session() as session:
        packed = session.scalars(
            text("SELECT halfvec_send(vector) FROM descriptor ORDER BY image_id LIMIT 20")
        ).all()
        vectors = unpack_halfvecs([bytes(one) for one in packed])
        assert (vectors == gallery.vectors[:20]).all()
        dice = np.random.default_rng(1)
        odd = np.concatenate([dice.integers(0, 2**15, 999).astype(np.uint16).view(np.float16), [0.1, -0.1]])
        odd = np.nan_to_num(odd.astype(float), nan=1.0, posinf=2.0, neginf=-2.0)
        written = session.scalar(
            text("SELECT halfvec_send(CAST(CAST(:text AS text) AS halfvec))"), {"text": halfvec_text(odd)}
        )
    assert (unpack_halfvecs([bytes(written)])[0] == odd.astype(np.float16)).all()


def test_cosine_does_not_care_for_length():
    stored = np.array([[2.0, 0, 0], [0, 3, 0], [-1, 0, 0], [1, 1, 0]])
    found = cosines(stored, np.array([[0.5, 0, 0]]))[:, 0]
    assert np.round(found, 9).tolist() == [1.0, 0.0, -1.0, round(2**-0.5, 9)]
