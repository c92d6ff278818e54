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
