import numpy as np
import pytest
from PIL import Image
from sqlalchemy import text

from stylesearch.encoders.protocol import EncoderSpec
from stylesearch.errors import ServiceError
from stylesearch.images.store import open_store
from stylesearch.ingest import upkeep, working
from stylesearch.ingest.doorbell import EMBED_TASK, FETCH_TASK, Doorbell
from stylesearch.ingest.pipeline import Pipeline
from stylesearch.ingest.run import Into, discover, open_run
from stylesearch.ingest.sources.folder import FolderSource
from stylesearch.ingest.upkeep import keep_up
from stylesearch.ingest.working import embed_for_a_while, fetch_for_a_while


class Toy:
    spec = EncoderSpec("toy", 2, "w", "p", "CC0-1.0")
    input_size = 1

    def encode(self, images):
        return np.tile(np.array([[0.6, 0.8]], np.float32), (len(images), 1))


class Bell(Doorbell):
    """A doorbell that nobody need hear."""

    def __init__(self, settings, *, broken: bool = False) -> None:
        super().__init__(settings)
        self.rung: list[tuple] = []
        self.broken = broken

    def ring(self, task, *arguments, times=1, expires=None):
        if self.broken:
            raise ServiceError("The broker cannot be reached.", code="broker_unreachable")
        self.rung += [(task, *arguments)] * times


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(working, "LINGER_SECONDS", 0.0)
    monkeypatch.setattr(working, "LINGERS", 2)


@pytest.fixture
def begun(database, settings, pictures):
    """A pipeline and a run over seven pictures."""
    for number in range(7):
        Image.new("RGB", (40 + number, 30), (number * 30, 9, 9)).save(pictures / f"{number}.png")
    settings = settings.model_copy(update={"ingest_batch_size": 2})
    source = FolderSource(pictures)
    with database.session() as session:
        run, _ = open_run(session, source, Into("toys"), spec=Toy.spec)
    discover(database, run.id, source, on_progress=lambda done, total: None)
    return Pipeline(database, open_store(settings), Toy(), settings), run.id


def value(database, statement: str) -> object:
    with database.session() as session:
        return session.scalar(text(statement))


def test_each_stage_calls_for_the_next(begun, settings):
    pipeline, run_id = begun
    bell = Bell(settings)
    fetch_for_a_while(pipeline, bell, run_id)
    assert value(pipeline.database, "SELECT count(*) FROM ingest_item WHERE state = 'prepared'") == 7
    assert bell.rung == [(EMBED_TASK, run_id)] * 2
    bell.rung.clear()
    embed_for_a_while(pipeline, bell, run_id)
    assert value(pipeline.database, "SELECT state FROM ingest_run") == "finished"
    assert bell.rung == []


def test_who_has_no_more_time_calls_for_more(begun, settings, monkeypatch):
    monkeypatch.setattr(working, "SLICE_SECONDS", 0.0)
    pipeline, run_id = begun
    bell = Bell(settings)
    fetch_for_a_while(pipeline, bell, run_id)
    embed_for_a_while(pipeline, bell, run_id)
    assert bell.rung == [(FETCH_TASK, run_id)]


def test_a_full_spool_is_waited_for(begun, settings):
    pipeline, run_id = begun
    tight = Pipeline(
        pipeline.database,
        pipeline.store,
        pipeline.encoder,
        pipeline.settings.model_copy(update={"spool_max_bytes": 2**20}),
    )
    bell = Bell(settings)
    with pipeline.database.session() as session:
        session.execute(
            text(
                "UPDATE ingest_item SET spool_key = 'k', spool_bytes = 2000000, state = 'prepared' WHERE source_id = '0.png'"
            )
        )
    fetch_for_a_while(tight, bell, run_id)
    assert bell.rung == [(FETCH_TASK, run_id)]
    assert value(pipeline.database, "SELECT count(*) FROM ingest_item WHERE state = 'prepared'") == 1


def test_a_run_without_any_work_is_closed_by_the_first_stage(begun, settings):
    pipeline, run_id = begun
    with pipeline.database.session() as session:
        session.execute(text("UPDATE ingest_item SET locator = 'file:///gone'"))
    fetch_for_a_while(pipeline, Bell(settings), run_id)
    assert value(pipeline.database, "SELECT state FROM ingest_run") == "finished"


def test_a_broker_that_is_away_stops_nobody(begun, settings):
    pipeline, run_id = begun
    fetch_for_a_while(pipeline, Bell(settings, broken=True), run_id)
    embed_for_a_while(pipeline, Bell(settings, broken=True), run_id)
    assert value(pipeline.database, "SELECT state FROM ingest_run") == "finished"


def test_a_run_that_nobody_watches_is_woken(begun, settings):
    pipeline, run_id = begun
    database = pipeline.database
    bell = Bell(pipeline.settings)
    keep_up(database, pipeline.settings, bell)
    assert bell.rung == []  # it has only just moved
    with database.session() as session:
        session.execute(text("UPDATE ingest_item SET updated_at = now() - interval '1 hour'"))
        session.execute(
            text("UPDATE ingest_item SET state = 'prepared', spool_key = 'k' WHERE source_id = '0.png'")
        )
    keep_up(database, pipeline.settings, bell)
    assert bell.rung == [(FETCH_TASK, run_id)] * 3 + [(EMBED_TASK, run_id)]
    bell.rung.clear()
    with database.session() as session:
        session.execute(text("UPDATE ingest_run SET problem = 'The disk is full.'"))
    keep_up(database, pipeline.settings, bell)
    assert bell.rung == []


def test_a_run_whose_last_worker_was_lost_is_closed(begun, settings):
    pipeline, _ = begun
    with pipeline.database.session() as session:
        session.execute(
            text("UPDATE ingest_item SET state = 'unchanged', updated_at = now() - interval '1 hour'")
        )
    bell = Bell(settings)
    keep_up(pipeline.database, settings, bell)
    assert value(pipeline.database, "SELECT state FROM ingest_run") == "finished"
    assert bell.rung == []


def test_what_lost_workers_left_in_the_spool_goes(begun, settings, monkeypatch):
    pipeline, run_id = begun
    pipeline.fetch_batch(run_id)
    left = pipeline.store.put_spooled(b"left")
    keep_up(pipeline.database, settings, Bell(settings))
    assert pipeline.store.exists(left)
    monkeypatch.setattr(upkeep, "LEFT_SECONDS", -1.0)
    keep_up(pipeline.database, settings, Bell(settings))
    assert not pipeline.store.exists(left)
    assert len(pipeline.store.list_spooled(-1)) == 2
    assert pipeline.embed_batch(run_id) == 2
