"""Batches while the database goes away and comes back."""

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image
from psycopg import sql
from sqlalchemy import make_url, text

from stylesearch.catalog import shards
from stylesearch.encoders.protocol import EncoderSpec
from stylesearch.images.store import open_store
from stylesearch.ingest.driving import drive
from stylesearch.ingest.pipeline import Pipeline
from stylesearch.ingest.run import Into, discover, open_run
from stylesearch.ingest.sources.folder import FolderSource

SPEC = EncoderSpec("toy", 2, "w", "p", "CC0-1.0")


class Toy:
    """An encoder that has something happen when it is first asked for, or first used."""

    input_size = 1

    def __init__(self, *, asked: Callable = lambda: None, used: Callable = lambda: None) -> None:
        self.happens = {"asked": asked, "used": used}

    @property
    def spec(self) -> EncoderSpec:
        self.happens.pop("asked", lambda: None)()
        return SPEC

    def encode(self, images):
        self.happens.pop("used", lambda: None)()
        return np.tile(np.array([[0.6, 0.8]], np.float32), (len(images), 1))


@pytest.fixture
def goes_away(servers, settings) -> Iterator[Callable[[], None]]:
    """Has the test's database gone for a second and a half."""
    name = make_url(settings.database_url.get_secret_value()).database
    timers: list[threading.Timer] = []
    one_at_a_time = threading.Lock()  # it may go away again while it still is

    def allow(whether: str) -> None:
        statement = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        with one_at_a_time, servers.connect() as connection:
            connection.execute(statement.format(sql.Identifier(name), sql.Literal(whether)))
            connection.execute(  # those of the server itself, as where it vacuums, are not ours to end
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND backend_type = 'client backend'",
                [name],
            )

    def go() -> None:
        allow("false")
        timers.append(threading.Timer(1.5, allow, ["true"]))
        timers[-1].start()

    yield go
    for timer in timers:
        timer.join()


@pytest.fixture
def begun(database, settings, pictures) -> Callable[[Toy], tuple[Pipeline, int]]:
    """Begins a run over five pictures."""

    def begin(encoder: Toy) -> tuple[Pipeline, int]:
        for number in range(5):
            Image.new("RGB", (40 + number, 30), (number * 30, 9, 9)).save(pictures / f"{number}.png")
        source = FolderSource(pictures)
        with database.session() as session:
            run, _ = open_run(session, source, Into("toys"), spec=SPEC)
        discover(database, run.id, source, on_progress=lambda done, total: None)
        return Pipeline(database, open_store(settings), encoder, settings), run.id

    return begin


def rows(pipeline: Pipeline, statement: str) -> list[tuple]:
    with pipeline.database.session() as session:
        return [tuple(row) for row in session.execute(text(statement))]


def test_what_was_just_taken_is_given_back_and_taken_again(begun, goes_away):
    pipeline, run_id = begun(Toy(asked=goes_away))
    assert pipeline.fetch_batch(run_id) == 5
    assert rows(pipeline, "SELECT DISTINCT state, attempts FROM ingest_item") == [("prepared", 0)]
    assert rows(pipeline, "SELECT problem FROM ingest_run") == [(None,)]


def test_what_was_described_is_written_when_it_is_back(begun, goes_away):
    pipeline, run_id = begun(Toy(used=goes_away))
    pipeline.fetch_batch(run_id)
    assert pipeline.embed_batch(run_id) == 5
    assert rows(pipeline, "SELECT count(*) FROM descriptor") == [(5,)]
    assert rows(pipeline, "SELECT DISTINCT state FROM ingest_item") == [("ingested",)]


def test_a_run_in_one_process_goes_on(begun, goes_away):
    pipeline, run_id = begun(Toy(asked=goes_away, used=goes_away))
    shown: list[int] = []

    def show(counts) -> None:
        if not shown:
            goes_away()
        shown.append(counts.done)

    assert drive(pipeline, run_id, on_progress=show).ingested == 5


def test_a_run_waits_for_a_server_that_keeps_a_part(split_archive, ingest_folder, pictures):
    for number in range(6):
        Image.new("RGB", (40 + number, 30), (number * 30, 9, 9)).save(pictures / f"{number}.png")
    split_archive.server.kill()
    back = threading.Timer(1.5, split_archive.server.start)
    back.start()
    _, counts = ingest_folder(split_archive.settings, pictures, "more")
    back.join()
    assert (counts.ingested, counts.quarantined) == (6, 0)
    with split_archive.database.session() as session:
        assert session.scalar(text("SELECT count(*) FROM descriptor")) == 36
        assert shards.about(session, split_archive.encoder.partition) == 36
