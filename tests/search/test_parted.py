"""A gallery that is split over two more servers: the same answers, and honest ones when a server is away."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import psycopg
import pytest
from sqlalchemy import text

from stylesearch.catalog import encoders, index_states, indexes, joining, shards, splitting, upgrades
from stylesearch.catalog.database import Database, sqlalchemy_url
from stylesearch.catalog.layouts import BUCKETS, Layout, even, layout_of
from stylesearch.catalog.shard_connections import unreachable
from stylesearch.catalog.writers import write_descriptors
from stylesearch.errors import InputError, NotFoundError, ServiceError
from stylesearch.local import services
from stylesearch.search.engine import search
from stylesearch.search.grammar import parse
from stylesearch.search.query import StyleQuery
from stylesearch.search.readout import Readout
from stylesearch.search.recall import measure, sample_of
from stylesearch.search.scoring import Weighted


def test_buckets_are_spread_alike_and_few_are_moved():
    two = even(["a", "b"])
    assert [len(two.of_shard(slug)) for slug in "ab"] == [128, 128]
    three = even(["a", "b", "c"], two)
    assert sorted(len(three.of_shard(slug)) for slug in "abc") == [85, 85, 86]
    assert sum(one != other for one, other in zip(two.of, three.of, strict=True)) == len(three.of_shard("c"))
    for layout in (two, three):  # a gallery of few images is spread too
        assert set(layout.of[:6]) == set(layout.shards)
    back = even(["a", "b"], three)
    assert [len(back.of_shard(slug)) for slug in "ab"] == [128, 128]
    assert even(["a"], Layout(("b",) * BUCKETS)).shards == ["a"]


@pytest.fixture(scope="module")
def homes(servers, worker_id):
    """Data folders of three servers that are to be shards, beside that of the run's own."""
    folder = Path(os.environ["TESTS_RUN_FOLDER"]) / f"shards-{worker_id}"
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
    for readout in (Readout(measure="csls"), Readout(measure="whitened")):
        with pytest.raises(InputError) as caught:
            parted.ask(gallery.query(0), readout=readout)
        assert caught.value.code == "readout_not_parted"
    with pytest.raises(InputError) as caught:
        parted.ask(gallery.query(0), mode="binary")
    assert caught.value.code == "mode_not_parted"


COUNT = "SELECT count(*) FROM {}"


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
        assert unreachable(parted.database) == {"two"}
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
    assert unreachable(parted.database) == frozenset()
    assert parted.ask(vector, k=24, mode="exact") == whole


def test_a_shard_that_is_lost_on_the_way_is_told(parted, homes):
    count = text(COUNT.format(f"{parted.encoder.partition}_two"))
    others = "FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid() AND datname IS NOT NULL"
    url = services.ensure(homes["two"]).database_url

    def ask_twice() -> None:
        with parted.database.session() as session:
            session.scalar(count)
            with psycopg.connect(url, autocommit=True) as there:
                there.execute(f"SELECT pg_terminate_backend(pid, 5000) {others}")
            session.scalar(count)

    with pytest.raises(ServiceError) as caught:
        ask_twice()
    assert (caught.value.code, caught.value.shards) == ("shard_down", {"two"})
    assert value(parted, count.text) > 0


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
        assert layout_of(session, row).shards == ["three", "two"]
        shards.remove(session, "one")
    assert value(parted, f"SELECT count(*) FROM {row.partition}") == rows
    assert parted.ask(vector, k=24, mode="exact") == whole
    with pytest.raises(ServiceError) as caught, parted.database.session() as session:
        shards.remove(session, "two")
    assert caught.value.code == "shard_in_use"


def state(gallery) -> index_states.GalleryState:
    with gallery.database.session() as session:
        return index_states.state(session, gallery.encoder)


def test_indexes_of_shards_are_their_own(parted, homes):
    database, row = parted.database, parted.encoder
    with database.session() as session:
        assert indexes.has_index(session, row)
        assert not indexes.build_index(session, row)
        kept = [part.shard for part in shards.parts(session, row.partition)]
        assert indexes.warm(session, row) > sum(part.index_bytes for part in state(parted).parts) > 0
    found = state(parted)
    assert [part.shard for part in found.parts] == kept
    assert sum(part.rows for part in found.parts) == found.rows == value(parted, COUNT.format(row.partition))
    assert all((part.answers, part.valid, part.built) == (True, True, None) for part in found.parts)
    assert [(one.kind, one.valid) for one in found.indexes] == [("hnsw", True)]
    assert not indexes.build_index_beside(database, row)
    with psycopg.connect(services.ensure(homes["two"]).database_url, autocommit=True) as there:
        there.execute(f"DROP INDEX {row.partition}_two_hnsw")
        assert [part.valid for part in state(parted).parts] == [one != "two" for one in kept]
        assert not state(parted).indexes[0].valid
        with pytest.raises(ServiceError) as caught:
            indexes.rebuild_index(database, row)
        assert caught.value.code == "no_index"
        assert indexes.build_index_beside(database, row)
        assert state(parted).indexes[0].valid
        oid = f"SELECT to_regclass('{row.partition}_two_hnsw')::oid"
        before = there.execute(oid).fetchone()
        indexes.rebuild_index(database, row)
        assert there.execute(oid).fetchone() != before
    for build in (indexes.build_index_beside, indexes.rebuild_index):
        with pytest.raises(InputError) as refused:
            build(database, row, "binary")
        assert refused.value.code == "mode_not_parted"


def test_what_a_split_gallerys_indexes_find_is_measured(parted):
    with parted.database.session() as session:
        found = measure(session, parted.encoder, parted.settings, sample=10)
        again = sample_of(session, parted.encoder, 10)
        np.testing.assert_array_equal(again, sample_of(session, parted.encoder, 10))
    assert again.shape == (10, parted.encoder.dim)
    assert found.share > 0.9
    (index,) = state(parted).indexes
    assert (index.recall, index.sample) == (found.share, 10)
    with parted.database.session() as session, pytest.raises(InputError) as caught:
        measure(session, parted.encoder, parted.settings, kind="binary")
    assert caught.value.code == "mode_not_parted"


def test_what_cannot_be_a_shard_is_told(parted, homes):
    empty, address = (services.ensure(homes[name]).database_url for name in ("one", "two"))
    for slug, url, code in (
        ("No!", address, "shard_slug"),
        ("two", address, "shard_exists"),
        ("away", "postgresql://nobody:x@127.0.0.1:1/x", "shard_down"),
        ("odd", "mysql://x", "database_url"),
        ("odd", f"{address}&nosuch=1", "shard_option"),
        ("odd", f"{empty}&fallback_application_name=x", "shard_option"),
        ("again", address, "shard_not_empty"),
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


def test_a_gallery_is_joined_and_split_again(gallery, parted, homes):
    database, row, vector = parted.database, parted.encoder, gallery.query(6)
    whole = parted.ask(vector, k=24, mode="exact")
    rows = value(parted, COUNT.format(row.partition))
    joining.join(database, row)
    with database.session() as session:
        assert shards.parts(session, row.partition) == ()
        assert indexes.has_index(session, row)
    assert parted.ask(vector, k=24, mode="exact") == whole
    assert parted.ask(vector, k=24, mode="hnsw").method == "hnsw"
    assert value(parted, COUNT.format(row.partition)) == rows
    with psycopg.connect(services.ensure(homes["two"]).database_url) as there:
        assert there.execute("SELECT count(*) FROM pg_class WHERE relname ~ '^descriptor'").fetchone() == (0,)
    with pytest.raises(ServiceError) as caught:
        joining.join(database, row)
    assert caught.value.code == "not_split"
    # Keys and references are as they were before: an image takes its descriptor along.
    with database.session() as session:
        session.execute(text("DELETE FROM image WHERE id = (SELECT min(id) FROM image)"))
        assert session.scalar(text(COUNT.format(row.partition))) == rows - 1
        session.rollback()
    assert splitting.split(database, row).shards == ["three", "two"]
    assert parted.ask(vector, k=24, mode="exact") == whole


def test_a_split_that_fails_leaves_the_gallery_as_it_was(gallery, parted, homes):
    database, row, vector = parted.database, parted.encoder, gallery.query(7)
    whole = parted.ask(vector, k=24, mode="exact")
    joining.join(database, row)
    services.stop(homes["two"])
    services.release(homes["two"])
    try:
        with pytest.raises(ServiceError) as caught:
            splitting.split(database, row)
        assert caught.value.code == "shard_down"
    finally:
        services.ensure(homes["two"])
    assert parted.ask(vector, k=24, mode="exact") == whole
    assert value(parted, f"SELECT to_regclass('{row.partition}_parted')") is None
    assert splitting.split(database, row).shards == ["three", "two"]


def test_who_searches_while_parts_move_waits_and_has_it_all(gallery, parted, homes):
    """Searches that go on while a gallery is joined and split all have the one right answer."""
    database, row, vector = parted.database, parted.encoder, gallery.query(8)
    whole = parted.ask(vector, k=24, mode="exact")
    over, found = threading.Event(), []

    def search_on() -> None:
        while not over.is_set():
            with database.session() as session:
                encoders.active(session, row.slug, hold_gallery=True)
                wanted = Weighted(vector[None], np.ones(1))
                found.append(search(session, row, wanted, StyleQuery(k=24, mode="exact"), parted.settings))

    with ThreadPoolExecutor(1) as pool:
        searching = pool.submit(search_on)
        try:
            joining.join(database, row)
            splitting.split(database, row)
        finally:
            over.set()
        searching.result()
    assert len(found) > 2
    assert all(one == whole for one in found)


def test_a_retired_encoders_parts_go_with_it(gallery, parted):
    """Images can be deleted afterwards as before, and the shards be forgotten."""
    database, row = parted.database, parted.encoder
    other = encoders.EncoderIdentity("other", "o", 8, "w", "p", "CC0-1.0")
    with database.session() as session:
        upgrades.activate(session, encoders.register(session, other))
    with database.session() as session:
        upgrades.retire(session, row)
    with database.session() as session:
        session.execute(text("DELETE FROM image WHERE id = (SELECT min(id) FROM image)"))
        assert upgrades.drop_emptied(session)
    with database.session() as session:
        shards.remove(session, "two")
        shards.remove(session, "three")


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
