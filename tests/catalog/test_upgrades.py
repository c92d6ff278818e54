import pytest
from sqlalchemy import text

from stylesearch.catalog import encoders, upgrades
from stylesearch.errors import NotFoundError, ServiceError


@pytest.fixture
def pair(database, make_identity):
    """Two encoders, the second one serving."""
    with database.session() as session:
        old = encoders.register(session, make_identity(slug="old", digest="a" * 64))
        new = encoders.register(session, make_identity(slug="new", digest="b" * 64))
        upgrades.activate(session, new)
    return old, new


def tables(database) -> list[str]:
    with database.session() as session:
        found = session.scalars(
            text(
                "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'descriptor'::regclass ORDER BY 1"
            )
        )
        return list(found)


def test_a_gallery_that_somebody_looks_at_stays(database, pair):
    old, _ = pair
    with database.session() as reader:
        encoders.active(reader, "old", hold_gallery=True)
        with pytest.raises(ServiceError) as caught, database.session() as session:
            upgrades.retire(session, old, patience_seconds=0.05)
        assert caught.value.code == "database_busy"
        assert reader.scalar(text(f"SELECT count(*) FROM {old.partition}")) == 0
    with database.session() as session:
        upgrades.retire(session, old)
    assert tables(database) == [old.emptied_partition, pair[1].partition]


def test_who_comes_while_it_goes_is_told(database, pair):
    old, _ = pair
    with database.session() as session:
        upgrades.retire(session, old)
        with pytest.raises(NotFoundError) as caught, database.session() as reader:
            encoders.active(reader, "old", digest="a" * 64, hold_gallery=True)
        assert caught.value.code == "encoder_retired"


def test_who_sees_an_older_state_is_told(database, pair):
    old, _ = pair
    with database.session(snapshot=True) as reader:
        assert reader.scalar(text("SELECT count(*) FROM encoder WHERE status = 'active'")) == 2
        with database.session() as session:
            upgrades.retire(session, old)
        with pytest.raises(NotFoundError) as caught:
            encoders.active(reader, "old", digest="a" * 64, hold_gallery=True)
    assert caught.value.code == "encoder_retired"


def test_who_comes_too_late_is_told(database, pair):
    with database.session() as session:
        upgrades.retire(session, pair[0])
    with pytest.raises(NotFoundError) as caught, database.session() as reader:
        encoders.active(reader, "old", digest="a" * 64)
    assert caught.value.code == "encoder_retired"


def test_the_empty_table_goes_when_nobody_searches(database, pair):
    old, new = pair
    with database.session() as session:
        assert upgrades.drop_emptied(session)
    with database.session() as session:
        upgrades.retire(session, old)
    with database.session() as reader:
        reader.execute(text("SELECT FROM image"))
        with database.session() as session:
            assert not upgrades.drop_emptied(session)
    assert tables(database) == [old.emptied_partition, new.partition]
    with database.session() as session:
        assert upgrades.drop_emptied(session)
    assert tables(database) == [new.partition]


@pytest.mark.parametrize("dropped", [True, False])
def test_a_retired_encoder_may_come_back(database, pair, make_identity, dropped):
    old, new = pair
    with database.session() as session:
        upgrades.retire(session, old)
    if dropped:
        with database.session() as session:
            assert upgrades.drop_emptied(session)
    with database.session() as session:
        again = encoders.register(session, make_identity(slug="old", digest="a" * 64), beside=True)
        assert (again.id, again.status) == (old.id, "building")
    assert tables(database) == sorted([old.partition, new.partition])
