import re

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from stylesearch.ingest.doorbell import UPKEEP_TASK, Doorbell
from web.app import create_app


def figures(page: str) -> dict[str, float]:
    return {
        name: float(value) for name, value in re.findall(r"^(stylesearch_\S+) (\S+)$", page, re.MULTILINE)
    }


@pytest.fixture
def client(archive):
    return create_app(archive.settings.model_copy(update={"metrics": True})).test_client()


def test_figures_come_from_the_catalogue(client, archive):
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain")
    found = figures(answer.text)
    assert found['stylesearch_works{collection="drawn"}'] == 30
    assert found['stylesearch_descriptors{encoder="lite",status="active"}'] == 30
    assert found['stylesearch_runs{kind="folder",state="finished"}'] == 1
    assert found['stylesearch_items{run="1",state="ingested"}'] == 30
    assert found["stylesearch_spool_bytes"] == 0
    assert "process_cpu_seconds_total" in answer.text
    with archive.database.session() as session:
        session.execute(
            text(
                "UPDATE ingest_item SET state = 'quarantined', error_code = 'image_empty' WHERE id = (SELECT min(id) FROM ingest_item)"
            )
        )
    assert figures(client.get("/metrics").text)['stylesearch_items_quarantined{code="image_empty"}'] == 1


def test_figures_of_the_queues(client, archive):
    Doorbell(archive.settings).ring(UPKEEP_TASK, times=2)
    found = figures(client.get("/metrics").text)
    assert found["stylesearch_broker_up"] == 1
    assert found['stylesearch_queue_messages{queue="maintenance"}'] >= 2
    assert found['stylesearch_queue_messages{queue="ingest"}'] >= 0


def test_a_broker_that_is_away_is_a_figure(archive):
    away = archive.settings.model_copy(
        update={"metrics": True, "redis_url": SecretStr("redis://127.0.0.1:1/0")}
    )
    found = figures(create_app(away).test_client().get("/metrics").text)
    assert found["stylesearch_broker_up"] == 0
    assert found['stylesearch_works{collection="drawn"}'] == 30
    assert not any(name.startswith("stylesearch_queue_messages") for name in found)


def test_figures_are_shown_only_where_that_is_set(archive):
    assert create_app(archive.settings).test_client().get("/metrics").status_code == 404
