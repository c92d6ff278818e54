"""From one encoder to the next, with searches going on all the time."""

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from sqlalchemy import text

from stylesearch.catalog.database import open_database
from stylesearch.search.examples import WorkExample
from stylesearch.search.query import StyleQuery
from stylesearch.search.service import StyleSearch
from stylesearch.settings import Settings, get_settings

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def catalogue(archive, monkeypatch, tmp_path) -> Iterator[Settings]:
    """The archive, with a data folder of its own for encoders."""
    settings = archive.settings.model_copy(
        update={"home": tmp_path / "home", "store_url": str(archive.settings.home / "store"), "device": "cpu"}
    )
    monkeypatch.setenv("STYLESEARCH_HOME", str(settings.home))
    monkeypatch.setenv("STYLESEARCH_STORE_URL", str(settings.store_url))
    monkeypatch.setenv("STYLESEARCH_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("STYLESEARCH_REDIS_URL", settings.redis_url.get_secret_value())
    monkeypatch.setenv("STYLESEARCH_DEVICE", "cpu")
    get_settings.cache_clear()
    yield settings
    get_settings.cache_clear()


@pytest.fixture
def next_encoder(catalogue, small_csd, small_weights, run_command) -> str:
    """Slug of a second encoder that is added."""
    assert run_command("encoders", "add", small_weights, "--slug", "next", "--no-benchmark").code == 0
    return "next"


def rows(settings: Settings, statement: str) -> list[tuple]:
    with open_database(settings).session() as session:
        return [tuple(row) for row in session.execute(text(statement))]


@dataclass
class Visitor(threading.Thread):
    """Somebody who searches ten times a second."""

    search: StyleSearch
    data: bytes
    stopped: threading.Event = field(default_factory=threading.Event)
    answers: Counter = field(default_factory=Counter)
    failures: list = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        work = 0
        while not self.stopped.wait(0.1):
            try:
                example = self.search.describe(self.data)
                query = StyleQuery(examples=(example.example,), k=5)
                result = self.search.search(query, at_hand=[example])
                if result.encoder_digest != example.encoder.digest or len(result.hits) != 5:
                    self.failures.append(result)
                work = work or result.hits[0].card.work_id
                if len(self.search.search(query.with_(examples=(WorkExample(work),))).hits) != 5:
                    self.failures.append("by work")
                self.answers[result.encoder] += 1
            except Exception as error:
                self.failures.append(error)


def test_a_catalogue_is_upgraded_while_it_is_searched(catalogue, archive, next_encoder, run_command):
    drawing = min(archive.folder.rglob("*.svg")).read_bytes()
    visitor = Visitor(StyleSearch(open_database(catalogue), catalogue), drawing)
    visitor.start()
    try:
        early = run_command("encoders", "activate", next_encoder)
        assert "Nothing here has been described" in early.err
        filled = run_command("encoders", "backfill", next_encoder, "--inline")
        assert filled.code == 0, filled.err
        assert "ingested 30" in filled.out
        assert rows(catalogue, "SELECT slug, status, serving FROM encoder ORDER BY id") == [
            ("lite", "active", False),
            ("next", "building", False),
        ]
        while visitor.answers["lite"] < 3 and not visitor.failures:
            visitor.join(0.05)
        switched = run_command("encoders", "activate", next_encoder)
        assert switched.code == 0, switched.err
        assert "next serves: 30 descriptors, recall 1.000, canary" in switched.out
        while visitor.answers["next"] < 3 and not visitor.failures:
            visitor.join(0.05)
    finally:
        visitor.stopped.set()
        visitor.join()
    assert visitor.failures == []
    assert min(visitor.answers["lite"], visitor.answers["next"]) >= 3
    found = run_command("search", min(archive.folder.rglob("*.svg")), "-k", "3", "--json")
    assert '"slug": "next"' in found.out
    assert rows(catalogue, "SELECT slug, serving FROM encoder WHERE serving") == [("next", True)]
    assert rows(catalogue, "SELECT action, subject FROM audit_event") == [
        ("encoder.activate", "encoder:next")
    ]


def test_an_old_encoder_goes_when_it_no_longer_serves(catalogue, next_encoder, run_command):
    assert "answered with the encoder 'lite'" in run_command("encoders", "retire", "lite").err
    assert run_command("encoders", "backfill", next_encoder, "--inline").code == 0
    assert run_command("encoders", "activate", next_encoder).code == 0
    assert "answered with the encoder 'next'" in run_command("encoders", "retire", "next").err
    assert run_command("encoders", "retire", "lite").code == 0
    assert rows(catalogue, "SELECT slug, status FROM encoder ORDER BY id") == [
        ("lite", "retired"),
        ("next", "active"),
    ]
    assert rows(catalogue, "SELECT count(*), count(DISTINCT encoder_id) FROM descriptor") == [(30, 1)]
    # And back again.
    assert run_command("encoders", "backfill", "lite", "--inline").code == 0
    assert run_command("encoders", "activate", "lite").code == 0
    assert rows(catalogue, "SELECT slug FROM encoder WHERE serving") == [("lite",)]


def test_new_works_are_described_by_the_one_that_serves(
    catalogue, next_encoder, run_command, tmp_path, archive
):
    assert run_command("encoders", "backfill", next_encoder, "--inline").code == 0
    assert run_command("encoders", "activate", next_encoder).code == 0
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "new.svg").write_bytes(min(archive.folder.rglob("*.svg")).read_bytes() + b"<!-- another -->")
    assert run_command("ingest", "folder", folder, "-c", "more", "--inline").code == 0
    described = rows(
        catalogue,
        "SELECT slug, count(*) FROM descriptor JOIN encoder ON id = encoder_id GROUP BY 1 ORDER BY 1",
    )
    assert described == [("lite", 30), ("next", 31)]
    # The old one may serve again when it has caught up.
    refused = run_command("encoders", "activate", "lite")
    assert "1 images have not been described" in refused.err
    again = run_command("encoders", "backfill", "lite", "--inline")
    assert "ingested 0 + duplicates 0 + unchanged 30" in again.out
    assert "ingested 1 + " in again.out
    assert run_command("encoders", "activate", "lite").code == 0


def test_a_gallery_that_was_made_otherwise_does_not_serve(catalogue, next_encoder, run_command):
    assert run_command("encoders", "backfill", next_encoder, "--inline").code == 0
    with open_database(catalogue).session() as session:
        session.execute(
            text(
                "UPDATE descriptor SET vector = other.vector FROM descriptor AS other JOIN encoder ON encoder.id = other.encoder_id"
                " WHERE slug = 'next' AND descriptor.encoder_id = other.encoder_id"
                " AND other.image_id = (SELECT min(image_id) FROM descriptor)"
            )
        )
    refused = run_command("encoders", "activate", next_encoder)
    assert refused.code == 1
    assert "is not fit to serve" in refused.err
    assert rows(catalogue, "SELECT count(*) FROM encoder WHERE serving") == [(0,)]


def test_an_interrupted_backfill_goes_on(catalogue, next_encoder, run_command, monkeypatch):
    from stylesearch.ingest.describing import Describer

    whole = Describer.deal_with
    calls = []

    def break_off(self, *arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(self, *arguments)

    monkeypatch.setenv("STYLESEARCH_EMBED_BATCH_SIZE", "4")
    monkeypatch.setenv("STYLESEARCH_INGEST_LEASE_SECONDS", "1")
    monkeypatch.setattr(Describer, "deal_with", break_off)
    assert run_command("encoders", "backfill", next_encoder, "--inline").code == 130
    ((done,),) = rows(
        catalogue, "SELECT count(*) FROM descriptor JOIN encoder ON id = encoder_id WHERE slug = 'next'"
    )
    assert 0 < done < 30
    monkeypatch.setattr(Describer, "deal_with", whole)
    again = run_command("encoders", "backfill", next_encoder, "--inline")
    assert "going on with run" in again.out
    assert "ingested 30" in again.out
    assert rows(catalogue, "SELECT count(*) FROM image") == [(30,)]


def test_an_image_that_the_store_has_lost_is_told(catalogue, next_encoder, run_command):
    with open_database(catalogue).session() as session:
        session.execute(
            text(
                "UPDATE image SET storage_key = 'originals/00/00/' || repeat('0', 64) WHERE id = (SELECT min(id) FROM image)"
            )
        )
    filled = run_command("encoders", "backfill", next_encoder, "--inline")
    assert "image_missing: 1" in filled.out
    assert "1 images are still to be described" in filled.out
    assert "1 images have not been described" in run_command("encoders", "activate", next_encoder).err


def test_what_is_not_there_cannot_be_upgraded_to(catalogue, run_command):
    for command in ("backfill", "activate"):
        outcome = run_command("encoders", command, "nobody")
        assert outcome.code == 1
        assert "There is no encoder 'nobody'" in outcome.err
