import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from stylesearch.catalog import hnsw, index_states, indexes
from stylesearch.errors import ServiceError


@pytest.fixture
def filled(toy, make_work):
    """A gallery of twenty with its index."""
    toy.write(*(make_work(f"w{number}") for number in range(20)))
    assert indexes.build_index_beside(toy.database, toy.encoder)
    return toy


def state(toy) -> index_states.GalleryState:
    with toy.database.session() as session:
        return index_states.state(session, toy.encoder)


def test_the_index_is_built_once(toy, make_work):
    toy.write(*(make_work(f"w{number}") for number in range(20)))
    with toy.database.session() as session:
        assert not indexes.has_index(session, toy.encoder)
        assert indexes.build_index(session, toy.encoder)
        assert indexes.has_index(session, toy.encoder)
    with toy.database.session() as session:
        assert not indexes.build_index(session, toy.encoder)
    definition = toy.value("SELECT indexdef FROM pg_indexes WHERE indexname = :name", name=toy.encoder.index)
    assert "USING hnsw" in definition
    assert "halfvec_cosine_ops" in definition
    assert f"m='{hnsw.HNSW_M}'" in definition
    assert f"ef_construction='{hnsw.HNSW_EF_CONSTRUCTION}'" in definition


def test_two_that_build_at_once_build_once(toy, make_work):
    toy.write(*(make_work(f"w{number}") for number in range(20)))
    start = threading.Barrier(2)

    def build(_: int) -> bool:
        start.wait()
        with toy.database.session() as session:
            return indexes.build_index(session, toy.encoder)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(build, range(2))) == [False, True]


def test_works_written_after_the_index_are_in_it(toy, make_work):
    toy.write(make_work("a"))
    with toy.database.session() as session:
        indexes.build_index(session, toy.encoder)
    toy.write(make_work("b"))
    assert toy.value(f"SELECT reltuples >= 0 FROM pg_class WHERE relname = '{toy.encoder.index}'")
    with toy.database.session() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        session.execute(text("SET LOCAL enable_sort = off"))
        found = session.scalars(
            text(
                f"SELECT image_id FROM {toy.encoder.partition} ORDER BY (vector::halfvec(8)) <=> '[1,1,1,1,1,1,1,1]'"
            )
        ).all()
    assert len(found) == 2


@pytest.mark.parametrize("kind", hnsw.KINDS)
def test_an_index_is_built_beside_all_that_goes_on(toy, make_work, kind):
    toy.write(make_work("a"))
    assert indexes.build_index_beside(toy.database, toy.encoder, kind)
    assert not indexes.build_index_beside(toy.database, toy.encoder, kind)
    (one,) = state(toy).indexes
    assert (one.kind, one.valid, one.built, one.recall) == (kind, True, None, None)


def test_what_was_left_half_built_is_built_anew(toy, make_work):
    toy.write(make_work("a"))
    with toy.database.session() as writer:
        writer.execute(text(f"LOCK TABLE {toy.encoder.partition} IN ROW EXCLUSIVE MODE"))
        plain = toy.database.engine.execution_options(isolation_level="AUTOCOMMIT")
        with plain.connect() as connection:
            connection.execute(text("SET statement_timeout = '200ms'"))
            with pytest.raises(OperationalError):
                connection.execute(text(indexes.definition(toy.encoder, "hnsw", "CONCURRENTLY ")))
            connection.invalidate()
    assert [one.valid for one in state(toy).indexes] == [False]
    with toy.database.session() as session:
        assert not indexes.has_index(session, toy.encoder)
    assert indexes.build_index_beside(toy.database, toy.encoder)
    assert [one.valid for one in state(toy).indexes] == [True]


def test_who_comes_while_one_is_built_is_told(toy, make_work):
    toy.write(make_work("a"))
    with toy.database.session() as session:
        indexes.build_index(session, toy.encoder)
        with pytest.raises(ServiceError) as caught:
            indexes.build_index_beside(toy.database, toy.encoder, "binary")
    assert caught.value.code == "index_busy"
    assert indexes.build_index_beside(toy.database, toy.encoder, "binary")


def test_an_index_is_built_anew_without_what_was_deleted(filled, make_work):
    filled.write(*(make_work(f"w{number}", content=f"new {number}") for number in range(15)))
    filled.rows("SELECT pg_stat_force_next_flush()")
    assert state(filled).dead == 15
    assert state(filled).worn
    before = filled.value("SELECT to_regclass(:name)::oid", name=filled.encoder.index)
    indexes.rebuild_index(filled.database, filled.encoder)
    assert filled.value("SELECT to_regclass(:name)::oid", name=filled.encoder.index) != before
    assert (state(filled).dead, state(filled).worn) == (0, False)
    with pytest.raises(ServiceError) as caught:
        indexes.rebuild_index(filled.database, filled.encoder, "binary")
    assert caught.value.code == "no_index"


def test_a_gallery_is_read_into_memory(filled):
    with filled.database.session() as session:
        size = indexes.warm(session, filled.encoder)
    assert size >= state(filled).indexes[0].size_bytes > 0


def test_a_server_that_cannot_is_told_apart(filled):
    with filled.database.session() as session:
        session.execute(text("SET LOCAL search_path = pg_catalog"))
        with pytest.raises(ServiceError) as caught:
            indexes.warm(session, filled.encoder)
    assert caught.value.code == "no_prewarm"


@pytest.mark.parametrize(("rows", "at_most"), [(10, 0), (10**9, 1)])
def test_a_build_has_the_memory_that_it_needs_and_no_more(toy, rows, at_most):
    with toy.database.session() as session:
        session.execute(text("SET LOCAL maintenance_work_mem = '8MB'"))
        session.execute(text("SET LOCAL effective_cache_size = '1GB'"))
        session.execute(text(hnsw.room(8, rows, local=True)))
        given = session.scalar(text("SELECT current_setting('maintenance_work_mem')"))
    assert given == ["8MB", "512MB"][at_most]
