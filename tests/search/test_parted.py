"""A gallery that is split over two more servers: the same answers, and honest ones when a server is away."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from stylesearch.catalog import encoders, indexes, shards, splitting
from stylesearch.catalog.database import Database, sqlalchemy_url
from stylesearch.catalog.splitting import BUCKETS, Layout, even
from stylesearch.catalog.writers import write_descriptors
from stylesearch.errors import InputError, NotFoundError, ServiceError
from stylesearch.local import services
from stylesearch.search.engine import search
from stylesearch.search.grammar import parse
from stylesearch.search.query import StyleQuery
from stylesearch.search.readout import Readout
from stylesearch.search.scoring import Weighted


def test_buckets_are_spread_alike_and_few_are_moved():
    two = even(["a", "b"])
    assert [len(two.of_shard(slug)) for slug in "ab"] == [128, 128]
    three = even(["a", "b", "c"], two)
    assert sorted(len(three.of_shard(slug)) for slug in "abc") == [85, 85, 86]
    assert sum(one != other for one, other in zip(two.of, three.of, strict=True)) == len(three.of_shard("c"))
    back = even(["a", "b"], three)
    assert [len(back.of_shard(slug)) for slug in "ab"] == [128, 128]
    assert even(["a"], Layout(("b",) * BUCKETS)).shards == ["a"]


@pytest.fixture(scope="module")
def homes(servers):
    """Data folders of three servers that are to be shards, beside that of the run's own."""
    folder = Path(os.environ["TESTS_RUN_FOLDER"]) / "shards"
    made = {name: folder / name for name in ("one", "two", "three")}
    yield made
    for home in made.values():
        services.stop(home)


@pytest.fixture(scope="module")
def parted(gallery, homes, servers, databases_of_run):
    """The gallery once more, split over two shards."""
    with gallery.database.session() as session:
        name = session.scalar(text("SELECT current_database()"))
    gallery.database.close()
    url = servers.url_of(databases_of_run(name))
    database = Database(sqlalchemy_url(url))
    for name in ("one", "two"):
        shards.add(database, name, services.ensure(homes[name]).database_url, ef=200)
    with database.session() as session:
        row = encoders.active(session, "toy")
        session.expunge(row)
    assert splitting.split(database, row).shards == ["one", "two"]
    yield replace(gallery, database=database, encoder=row)
    database.close()


FILTERS = ["", "keyword:rare", "keyword:single", "medium:ink", "-medium:ink", "year:1800..1810", "collection:second reuse:open", 'artist:"Artist A" OR keyword:sea']  # fmt: skip


@pytest.mark.parametrize("where", FILTERS)
def test_exact_answers_are_those_of_one_server(gallery, parted, where):
    for seed in range(6):
        for more in ({}, {"group": "image"}, {"per_artist": 1}):
            asked = {"where": where, "k": 24, "mode": "exact"} | more
            one, other = (each.ask(gallery.query(seed), **asked) for each in (gallery, parted))
            assert other.ranked == one.ranked
            assert (other.complete, other.matching, other.sentence) == (True, one.matching, one.sentence)


def test_pages_are_those_of_one_server(gallery, parted):
    vector = gallery.query(4)
    query = StyleQuery(k=10, mode="exact", where=parse("-medium:ink"))
    for _ in range(5):
        one, other = (each.ask(vector, query=query) for each in (gallery, parted))
        assert other.ranked == one.ranked
        query = query.page_after(one.ranked[-1].score, one.ranked[-1].image_id)


def test_a_margin_is_kept_on_shards_too(gallery, parted):
    readout = Readout(against="margin")
    for seed in range(4):
        asked = {"unwanted": [gallery.query(seed + 30)], "mode": "exact", "readout": readout}
        assert (
            parted.ask(gallery.query(seed), **asked).ranked
            == gallery.ask(gallery.query(seed), **asked).ranked
        )


@pytest.mark.parametrize("where", ["", "-medium:ink", "medium:ink"])
def test_the_shards_indexes_find_nearly_all(gallery, parted, where):
    found = 0
    for seed in range(20):
        exact = gallery.ask(gallery.query(seed), where=where, k=10, mode="exact").ranked
        indexed = parted.ask(gallery.query(seed), where=where, k=10, mode="hnsw")
        assert indexed.complete
        assert len(indexed.ranked) == 10
        allowed = {gallery.rows[place].image_id for place in gallery.chosen(where)}
        assert {one.image_id for one in indexed.ranked} <= allowed
        found += sum(one.score >= exact[-1].score for one in indexed.ranked)
    assert found >= 190


def test_each_shard_is_handed_order_and_limit(parted, explain):
    for mode in ("hnsw", "exact"):
        plan = explain(parted, where="", mode=mode, verbose=True)
        remote = [line for line in plan.splitlines() if "Remote SQL: SELECT image_id, vector" in line]
        assert len(remote) == 2
        assert all("ORDER BY" in line and "LIMIT" in line for line in remote)
        assert plan.count("Async Foreign Scan") >= 2


def test_other_readouts_are_refused_by_name(gallery, parted):
    for measure in ("csls", "whitened"):
        with pytest.raises(InputError) as caught:
            parted.ask(gallery.query(0), readout=Readout(measure=measure))
        assert caught.value.code == "readout_not_parted"


def value(gallery, statement: str):
    with gallery.database.session() as session:
        return session.scalar(text(statement))


def test_what_is_written_goes_to_its_shard_and_goes_with_its_image(parted):
    row = parted.encoder
    before = value(parted, f"SELECT count(*) FROM {row.partition}")
    image = value(parted, "SELECT max(id) FROM image")
    with parted.database.session() as session:
        vector = np.ones(row.dim, np.float32) / np.sqrt(row.dim)
        write_descriptors(session, row, {image: vector})
    assert value(parted, f"SELECT count(*) FROM {row.partition}") == before
    assert value(parted, f"SELECT count(*) FROM descriptor WHERE encoder_id = {row.id}") == before
    with parted.database.session() as session:
        session.execute(text(f"DELETE FROM image WHERE id = {image}"))
        assert session.scalar(text(f"SELECT count(*) FROM {row.partition}")) == before - 1
        session.rollback()


def test_a_shard_that_is_away_is_told_and_comes_back_without_a_restart(gallery, parted, homes):
    row = parted.encoder
    with parted.database.session() as session:
        there = {
            one: set(session.scalars(text(f"SELECT image_id FROM {row.partition}_{one}")))
            for one in ("one", "two")
        }
    vector = gallery.query(2)
    whole = parted.ask(vector, k=24, mode="exact")
    services.stop(homes["two"])
    services.release(homes["two"])
    try:
        with pytest.raises(ServiceError) as caught:
            parted.ask(vector, k=24, mode="exact")
        assert caught.value.code == "shard_down"
        assert shards.unreachable(parted.database) == {"two"}
        for mode in ("exact", "hnsw", "auto"):
            part = ask_without(parted, vector, mode)
            assert (part.complete, part.reason, len(part.ranked)) == (False, "shard_down", 24)
            assert {one.image_id for one in part.ranked} <= there["one"]
        expected = [one for one in whole.ranked if one.image_id in there["one"]]
        found = ask_without(parted, vector, "exact").ranked
        assert list(found[: len(expected)]) == expected
        with pytest.raises(ServiceError) as caught:
            ask_without(parted, vector, "exact", absent=frozenset(["one", "two"]))
        assert caught.value.code == "shard_down"
    finally:
        services.ensure(homes["two"])
    assert shards.unreachable(parted.database) == frozenset()
    assert parted.ask(vector, k=24, mode="exact") == whole


def ask_without(parted, vector, mode, absent=frozenset(["two"])):
    with parted.database.session() as session:
        wanted = Weighted(vector[None], np.ones(1))
        return search(
            session, parted.encoder, wanted, StyleQuery(k=24, mode=mode), parted.settings, absent=absent
        )


def test_a_third_shard_takes_its_share_and_one_is_drained(gallery, parted, homes):
    row, vector = parted.encoder, gallery.query(5)
    whole = parted.ask(vector, k=24, mode="exact")
    rows = value(parted, f"SELECT count(*) FROM {row.partition}")
    shards.add(parted.database, "three", services.ensure(homes["three"]).database_url, ef=200)
    moved = splitting.rebalance(parted.database, row)
    assert 0.25 * rows < moved < 0.42 * rows
    assert parted.ask(vector, k=24, mode="exact") == whole
    assert parted.ask(vector, k=24, mode="hnsw").complete
    assert splitting.rebalance(parted.database, row) == 0
    assert splitting.drain(parted.database, "one", [row]) > 0
    with parted.database.session() as session:
        assert splitting.layout_of(session, row).shards == ["three", "two"]
        shards.remove(session, "one")
    assert value(parted, f"SELECT count(*) FROM {row.partition}") == rows
    assert parted.ask(vector, k=24, mode="exact") == whole
    with pytest.raises(ServiceError) as caught, parted.database.session() as session:
        shards.remove(session, "two")
    assert caught.value.code == "shard_in_use"


def test_indexes_of_shards_are_their_own(parted):
    with parted.database.session() as session:
        assert indexes.has_index(session, parted.encoder)
        assert not indexes.build_index(session, parted.encoder)
    with pytest.raises(ServiceError) as caught:
        indexes.build_index_beside(parted.database, parted.encoder)
    assert caught.value.code == "index_elsewhere"


def test_what_cannot_be_a_shard_is_told(parted, homes):
    address = services.ensure(homes["two"]).database_url
    for slug, url, code in (
        ("No!", address, "shard_slug"),
        ("two", address, "shard_exists"),
        ("away", "postgresql://nobody:x@127.0.0.1:1/x", "shard_down"),
        ("odd", "mysql://x", "database_url"),
    ):
        with pytest.raises((InputError, ServiceError)) as caught:
            shards.add(parted.database, slug, url, ef=200)
        assert caught.value.code == code
    with pytest.raises(NotFoundError) as unknown, parted.database.session() as session:
        shards.find(session, "nobody")
    assert unknown.value.code == "unknown_shard"


def test_a_split_gallery_is_not_split_again(parted):
    with pytest.raises(ServiceError) as caught:
        splitting.split(parted.database, parted.encoder)
    assert caught.value.code == "already_split"


def test_there_must_be_a_shard(gallery, database):
    with database.session() as session:
        row = encoders.register(session, encoders.EncoderIdentity("toy", "d", 256, "w", "p", "CC0-1.0"))
        session.expunge(row)
    with pytest.raises(ServiceError) as caught:
        splitting.split(database, row)
    assert caught.value.code == "no_shards"
    with pytest.raises(ServiceError) as caught:
        splitting.rebalance(database, row)
    assert caught.value.code == "not_split"
