import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import pytest
from sqlalchemy import text

from stylesearch.catalog import encoders
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.errors import NotFoundError, ServiceError


def test_registering_makes_the_encoder_active_with_a_partition_of_its_own(database, make_identity):
    identity = make_identity()
    with database.session() as session:
        row = encoders.register(session, identity)
    assert {name: getattr(row, name) for name in asdict(identity)} == asdict(identity)
    with database.session() as session:
        assert session.get_one(EncoderRow, row.id).status == "active"
        parent = text("SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = to_regclass(:name)")
        assert session.scalar(parent, {"name": row.partition}) == "descriptor"


def test_registering_again_gives_the_same_row(database, make_identity):
    with database.session() as session:
        first = encoders.register(session, make_identity()).id
    with database.session() as session:
        assert encoders.register(session, make_identity()).id == first


def test_many_that_register_at_once_make_one(database, make_identity):
    start = threading.Barrier(4)

    def register(_: int) -> int:
        start.wait()
        with database.session() as session:
            return encoders.register(session, make_identity()).id

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(register, range(4)))) == 1


def test_another_digest_under_the_same_slug_is_refused(database, make_identity):
    with database.session() as session:
        encoders.register(session, make_identity(digest="a" * 64))
    for call in (
        lambda session: encoders.register(session, make_identity(digest="b" * 64)),
        lambda session: encoders.active(session, "toy", digest="b" * 64),
    ):
        with database.session() as session, pytest.raises(ServiceError) as caught:
            call(session)
        assert caught.value.code == "encoder_changed"
        assert "aaaaaaaaaaaa" in caught.value.message
        assert "bbbbbbbbbbbb" in caught.value.message


def test_the_active_encoder(database, make_identity):
    with database.session() as session, pytest.raises(NotFoundError) as caught:
        encoders.active(session, "toy")
    assert caught.value.code == "empty_gallery"
    with database.session() as session:
        first = encoders.register(session, make_identity())
        assert encoders.active(session, "toy", digest="d").id == first.id
        first.status = "retired"
    with database.session() as session:
        with pytest.raises(NotFoundError):
            encoders.active(session, "toy")
        assert encoders.register(session, make_identity(digest="e")).id != first.id


def test_the_index_is_built_once(toy, make_work):
    toy.write(*(make_work(f"w{number}") for number in range(20)))
    with toy.database.session() as session:
        assert not encoders.has_index(session, toy.encoder)
        assert encoders.build_index(session, toy.encoder)
        assert encoders.has_index(session, toy.encoder)
    with toy.database.session() as session:
        assert not encoders.build_index(session, toy.encoder)
    definition = toy.value("SELECT indexdef FROM pg_indexes WHERE indexname = :name", name=toy.encoder.index)
    assert "USING hnsw" in definition
    assert "halfvec_cosine_ops" in definition
    assert f"m='{encoders.HNSW_M}'" in definition
    assert f"ef_construction='{encoders.HNSW_EF_CONSTRUCTION}'" in definition


def test_two_that_build_at_once_build_once(toy, make_work):
    toy.write(*(make_work(f"w{number}") for number in range(20)))
    start = threading.Barrier(2)

    def build(_: int) -> bool:
        start.wait()
        with toy.database.session() as session:
            return encoders.build_index(session, toy.encoder)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(build, range(2))) == [False, True]


def test_works_written_after_the_index_are_in_it(toy, make_work):
    toy.write(make_work("a"))
    with toy.database.session() as session:
        encoders.build_index(session, toy.encoder)
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


def test_the_index_commands(archive_environment, run_command):
    assert (
        run_command("index", "status").out.strip().startswith("lite: 30 descriptors of 256 numbers, index of")
    )
    assert run_command("index", "build").out.strip() == "already there"
