"""Runs begun from afar, from one archive into another: what the API gives, our own sources take in."""

from contextlib import closing

import pytest
from sqlalchemy import func, select

from stylesearch.catalog.database import open_database
from stylesearch.catalog.runs import IngestItem, IngestRun
from stylesearch.catalog.works import Work
from stylesearch.errors import ServiceError
from stylesearch.ingest import unattended
from stylesearch.ingest.doorbell import DISCOVER_TASK, FETCH_TASK, INGEST_QUEUE, Doorbell
from stylesearch.ingest.driving import drive
from stylesearch.ingest.run import Into, find_run, make_pipeline
from stylesearch.ingest.unattended import begin, discover_for_a_while, go_on, still_discovering


@pytest.fixture
def here(settings, broker):
    """An empty catalogue that may ask this machine's servers."""
    return settings.model_copy(update={"fetch_private": "127.0.0.1", "fetch_tries": 1})


def taken_in(here, kind: str, options: dict) -> tuple[IngestRun, dict[str, int]]:
    database, doorbell = open_database(here), Doorbell(here)
    run_id = begin(database, here, doorbell, kind, options, Into("copy", "A copy"))
    assert doorbell.waiting(INGEST_QUEUE) == 1
    discover_for_a_while(database, here, doorbell, run_id)
    with closing(make_pipeline(database, here)) as pipeline:
        drive(pipeline, run_id, on_progress=lambda counts: None)
    with database.session() as session:
        counted = select(IngestItem.state, func.count()).where(IngestItem.run_id == run_id).group_by("state")
        states = dict(list(session.execute(counted)))
        return find_run(session, run_id), states


@pytest.mark.parametrize("path", ["collections/drawn/manifests", "works/manifests?q=has:image"])
def test_an_archive_takes_in_anothers_manifests(here, served, path):
    run, states = taken_in(here, "iiif", {"url": f"{served.url}/api/v1/{path}"})
    assert (run.state, run.problem, states) == ("finished", None, {"ingested": 30})
    with open_database(here).session() as session, served.database.session() as there:
        titles = select(Work.title).order_by(Work.title)
        assert session.scalars(titles).all() == there.scalars(titles).all()
        assert session.scalars(select(Work.image_license_id).distinct()).all() != [None]


def test_an_archive_harvests_another(here, served):
    run, states = taken_in(here, "oai", {"url": f"{served.url}/api/v1/oai"})
    assert (run.state, states) == ("finished", {"ingested": 30})


def test_what_stops_a_run_is_written_down_and_can_be_mended(here, served):
    database, doorbell = open_database(here), Doorbell(here)
    options = {"url": f"{served.url}/api/v1/collections/drawn/manifests"}
    refusing = here.model_copy(update={"fetch_private": ""})
    run_id = begin(database, refusing, doorbell, "iiif", options, Into("copy"))
    discover_for_a_while(database, refusing, doorbell, run_id)
    with database.session() as session:
        run = find_run(session, run_id)
        assert run.state == "discovering"
        assert "refused" in (run.problem or "")
        assert still_discovering(session) == []
        assert go_on(session, run_id) == 0
        assert still_discovering(session) == [run_id]
    discover_for_a_while(database, here, doorbell, run_id)
    with database.session() as session:
        assert find_run(session, run_id).state == "running"
        assert still_discovering(session) == []


def test_two_do_not_discover_the_same_run(here, served):
    database, doorbell = open_database(here), Doorbell(here)
    options = {"url": f"{served.url}/api/v1/collections/drawn/manifests"}
    run_id = begin(database, here, doorbell, "iiif", options, Into("copy"))
    with unattended._alone(database, run_id) as alone:
        assert alone
        discover_for_a_while(database, here, doorbell, run_id)
        with database.session() as session:
            assert find_run(session, run_id).state == "discovering"
    with unattended._alone(database, run_id) as alone:
        assert alone


def test_a_long_discovery_is_done_in_turns(here, served, monkeypatch):
    monkeypatch.setattr(unattended, "SLICE_SECONDS", -1.0)
    database, doorbell = open_database(here), Doorbell(here)
    run_id = begin(database, here, doorbell, "oai", {"url": f"{served.url}/api/v1/oai"}, Into("copy"))
    discover_for_a_while(database, here, doorbell, run_id)
    with database.session() as session:
        run = find_run(session, run_id)
        assert run.state == "discovering"
        assert session.scalar(select(func.count()).where(IngestItem.run_id == run_id)) == 30
    monkeypatch.setattr(unattended, "SLICE_SECONDS", 60.0)
    discover_for_a_while(database, here, doorbell, run_id)
    with database.session() as session:
        assert find_run(session, run_id).state == "running"


def test_a_run_that_a_command_has_begun_is_left_to_it(archive):
    with archive.database.session() as session:
        run = find_run(session, None)
        run.state = "discovering"
        session.flush()
        assert still_discovering(session) == []
        with pytest.raises(ServiceError) as caught:
            go_on(session, run.id)
        assert caught.value.code == "run_interrupted"


def test_a_broker_that_is_away_is_no_error(here):
    away = here.model_copy(update={"redis_url": type(here.redis_url)("redis://127.0.0.1:1/0")})
    options = {"url": "https://iiif.example/manifest"}
    assert begin(open_database(here), away, Doorbell(away), "iiif", options, Into("copy"))


def test_tasks_have_queues():
    from stylesearch.ingest.doorbell import QUEUE_OF

    assert QUEUE_OF[DISCOVER_TASK] == QUEUE_OF[FETCH_TASK] == INGEST_QUEUE
