"""Readouts: their formulas against definitions, how crowded it is around descriptors, and what only some modes promise."""

from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import text

from stylesearch.catalog import densities, encoders
from stylesearch.catalog.densities import GROWN, NEIGHBOURS, measure, refresh
from stylesearch.errors import InputError, ServiceError
from stylesearch.evaluation.csls import local_density
from stylesearch.search.readout import Readout
from stylesearch.search.scoring import Weighted, asks, fused, scores

CSLS = Readout(measure="csls")


def ids(ranking) -> list[int]:
    return [one.image_id for one in ranking.ranked]


def test_crowding_is_the_mean_cosine_to_the_nearest_of_what_everybody_may_see(gallery):
    seen = gallery.chosen()
    vectors = gallery.vectors[seen]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = local_density(unit, unit, own=True, neighbours=NEIGHBOURS)
    measured = np.array([gallery.rows[place].crowding for place in seen])
    # Measured through the index, which at times misses a neighbour; never higher than what is.
    assert (measured <= expected + 1e-5).all()
    assert np.mean(np.abs(measured - expected) < 1e-4) > 0.9
    assert np.abs(measured - expected).max() < 0.1
    hidden = [row.crowding for row in gallery.rows if row.hidden]
    assert hidden
    assert all(one is None for one in hidden)
    assert gallery.encoder.density == pytest.approx(measured.mean())


def test_csls_holds_back_what_is_near_to_everything(gallery):
    vector = gallery.query(0)
    by_cosine = gallery.ask(vector, k=200, mode="exact")
    by_csls = gallery.ask(vector, k=200, mode="exact", readout=CSLS)
    crowding = {row.image_id: row.crowding for row in gallery.rows}
    means = [np.mean([crowding[one] for one in ids(ranking)]) for ranking in (by_cosine, by_csls)]
    assert means[1] < means[0]


@pytest.mark.parametrize(
    "readout",
    [
        CSLS,
        Readout(measure="whitened"),
        Readout(against="margin"),
        Readout(measure="csls", against="margin"),
        Readout(measure="whitened", against="margin"),
    ],
)
def test_through_an_index_a_readout_finds_nearly_the_same(gallery, readout):
    found = total = 0
    for seed in range(20):
        vector, unwanted = gallery.query(seed), [gallery.query(seed + 50)]
        exact = gallery.ask(vector, unwanted=unwanted, k=10, mode="exact", readout=readout)
        indexed = gallery.ask(vector, unwanted=unwanted, k=10, mode="hnsw", readout=readout)
        floor = exact.ranked[-1].score - 1e-6
        found += sum(one.score >= floor for one in indexed.ranked)
        total += 10
    assert found / total >= 0.8


def test_examples_against_push_away(gallery):
    vector, unwanted = gallery.vectors[0], gallery.vectors[1000]
    plain = gallery.ask(vector, k=50, mode="exact")
    for readout in (
        Readout(against="subtract"),
        Readout(margin=1.0),
        Readout(fusion="rank", against="subtract"),
    ):
        ranking = gallery.ask(vector, unwanted=[unwanted], k=50, mode="exact", readout=readout)
        place = {row.image_id: number for number, row in enumerate(gallery.rows)}
        near = [
            gallery.cosines(unwanted.astype(float), np.array([place[one] for one in ids(ranked)])).mean()
            for ranked in (plain, ranking)
        ]
        assert near[1] < near[0]
        assert ids(ranking) != ids(plain)


def test_weights_pull(gallery):
    one, other = gallery.vectors[0], gallery.vectors[2500]
    for fusion in ("mean", "rank"):
        readout = Readout(fusion=fusion)
        first = gallery.ask(one, other, weights=[10, 1], k=10, mode="exact", readout=readout)
        second = gallery.ask(one, other, weights=[1, 10], k=10, mode="exact", readout=readout)
        assert ids(first)[0] != ids(second)[0]
        alone = set(ids(gallery.ask(one, k=10, mode="exact")))
        assert len(alone & set(ids(first))) > len(alone & set(ids(second)))


def test_one_ranking_alone_keeps_its_scores(gallery):
    vector = gallery.query(3)
    plain = gallery.ask(vector, k=10, mode="exact")
    assert gallery.ask(vector, k=10, mode="exact", readout=Readout(fusion="rank")).ranked == plain.ranked


def test_reciprocal_ranks_are_joined_by_their_weights():
    joined = fused([[1, 2], [2, 3]], [0.75, 0.25])
    assert joined == {1: 0.75, 2: round(0.75 * 61 / 62 + 0.25, 9), 3: round(0.25 * 61 / 62, 9)}
    assert fused([[1, 2], [2]], [1.0, -0.5]) == {1: 1.0, 2: round(61 / 62 - 0.5, 9)}


def test_examples_that_cancel_each_other_out_are_told():
    vectors = Weighted(np.eye(3)[:1], np.ones(1))
    with pytest.raises(InputError) as caught:
        asks(Readout(against="subtract", force=1), vectors, vectors)
    assert caught.value.code == "examples_cancel"
    with pytest.raises(InputError):
        asks(Readout(), Weighted(np.array([[1.0, 0], [-1.0, 0]]), np.ones(2)), None)


def test_a_margin_takes_off_what_is_missing():
    (ask,) = asks(Readout(against="margin", force=2, margin=0.1), Weighted(np.eye(2)[:1], np.ones(1)), Weighted(np.eye(2)[1:], np.ones(1)))  # fmt: skip
    stored = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    found = scores(ask, Readout(against="margin", force=2, margin=0.1), stored, np.zeros(3))
    half = 2**-0.5
    assert found == pytest.approx([1.0, half - 2 * 0.1, 0 - 2 * 1.1])


@pytest.mark.parametrize("measure", ["csls", "whitened"])
def test_what_was_not_measured_is_refused(database, gallery, measure):
    with database.session() as session:
        row = encoders.register(session, encoders.EncoderIdentity("toy", "d", 256, "w", "p", "CC0-1.0"))
    bare = replace(gallery, database=database, encoder=row)
    with pytest.raises(ServiceError) as caught:
        bare.ask(gallery.query(0), readout=Readout(measure=measure))
    assert caught.value.code == "not_measured"


@pytest.fixture
def grown(archive):
    """The drawn archive with its densities measured, and its encoder."""
    from stylesearch.catalog.upgrades import by_slug

    with archive.database.session() as session:
        row = by_slug(session, "lite")
        session.expunge(row)
    return archive, row


def value(archive, statement: str):
    with archive.database.session() as session:
        return session.scalar(text(statement))


def test_densities_are_refreshed_as_the_gallery_grows(grown, monkeypatch):
    archive, row = grown
    monkeypatch.setattr(densities, "BATCH", 7)
    assert refresh(archive.database, row, seconds=60) == 30
    assert value(archive, "SELECT count(*) FROM density") == 30
    assert value(archive, "SELECT density FROM encoder") == pytest.approx(
        value(archive, "SELECT avg(mean) FROM density")
    )
    assert refresh(archive.database, row, seconds=60) == 0
    with archive.database.session() as session:
        session.execute(text(f"UPDATE density SET gallery = floor(30 / {GROWN}) WHERE image_id % 2 = 0"))
        session.execute(
            text(
                "DELETE FROM density WHERE image_id = (SELECT min(image_id) FROM density WHERE image_id % 2 = 1)"
            )
        )
    assert refresh(archive.database, row, seconds=60) == 16


def test_a_refresh_ends_in_time_and_goes_on_the_next(grown, monkeypatch):
    archive, row = grown
    monkeypatch.setattr(densities, "BATCH", 4)
    assert refresh(archive.database, row, seconds=0) == 4
    assert refresh(archive.database, row, seconds=60) == 26


def test_what_is_hidden_leaves_no_trace_in_densities(grown):
    archive, row = grown
    with archive.database.session() as session:
        session.execute(text("UPDATE work SET withdrawn_at = now() WHERE id % 2 = 0"))
        kept = session.scalar(text("SELECT count(*) FROM work WHERE withdrawn_at IS NULL"))
        assert measure(session, row) == kept
        before = session.scalars(text("SELECT mean FROM density ORDER BY image_id")).all()
        session.execute(text("DELETE FROM density"))
        session.execute(
            text(
                "DELETE FROM descriptor USING image, work WHERE image.id = image_id AND work.id = work_id AND withdrawn_at IS NOT NULL"
            )
        )
        measure(session, row)
        assert session.scalars(text("SELECT mean FROM density ORDER BY image_id")).all() == before


def test_a_new_descriptor_is_measured_anew(grown):
    from stylesearch.catalog.writers import write_descriptors

    archive, row = grown
    with archive.database.session() as session:
        measure(session, row)
        image_id = session.scalar(text("SELECT min(image_id) FROM descriptor"))
        write_descriptors(session, row, {image_id: np.eye(row.dim, dtype=np.float32)[0]})
        assert session.scalar(text("SELECT count(*) FROM density")) == 29
        assert measure(session, row) == 1


def test_workers_measure_in_the_background(grown):
    from stylesearch.ingest.doorbell import Doorbell
    from stylesearch.ingest.upkeep import keep_up

    archive, _ = grown
    keep_up(archive.database, archive.settings, Doorbell(archive.settings))
    assert value(archive, "SELECT count(*) FROM density") == 30
    assert value(archive, "SELECT density FROM encoder") is not None
    assert value(archive, "SELECT count(*) FROM whitened") == 30


def test_the_command_measures(archive_environment, run_command):
    done = run_command("index", "measure")
    assert (done.code, done.out.strip()) == (0, "csls: 30 measured; whitened: 30 measured")
    assert run_command("index", "measure").out.strip() == "csls: 0 measured; whitened: 0 measured"
    for measured in ("csls", "whitened"):
        found = run_command("search", "--work", 1, "--readout", measured, "-k", 3, "--json")
        assert found.code == 0
