import json

import pytest
from sqlalchemy import make_url

from stylesearch.errors import ServiceError
from stylesearch.ingest.doorbell import (
    BATCH_TASK,
    INGEST_QUEUE,
    TASK_SECONDS,
    Doorbell,
    broker_url,
    celery_settings,
)


@pytest.fixture
def nobody(settings, tmp_path):
    """Settings whose broker is not there."""
    return settings.model_copy(update={"redis_url": type(settings.redis_url)("redis://127.0.0.1:1/0")})


def messages(url: str) -> list[dict]:
    """What waits in the broker's queue, oldest first."""
    import redis

    if url.startswith("redis+socket"):
        path, number = url.split("@", 1)[1].split("?virtual_host=")
        password = make_url(
            url.replace("redis+socket://", "redis://", 1).replace("@/", "@localhost/", 1)
        ).password
        client = redis.Redis(unix_socket_path=path, db=int(number), password=password)
    else:
        client = redis.Redis.from_url(url)
    with client:
        return [json.loads(message) for message in reversed(client.lrange(INGEST_QUEUE, 0, -1))]


def test_each_ring_leaves_a_message_of_ids_only(settings, broker):
    Doorbell(settings).ring(17, batches=3)
    found = messages(broker)
    assert len(found) == 3
    for message in found:
        assert message["headers"]["task"] == BATCH_TASK
        assert message["headers"]["argsrepr"] == "[17]"
        assert message["content-type"] == "application/json"
        assert len(json.dumps(message)) < 2000


def test_nobody_answers_an_idle_broker(settings, broker):
    assert Doorbell(settings).answering(timeout=0.1) == 0


def test_a_broker_that_is_away_is_told(nobody):
    for call in (lambda bell: bell.ring(1, batches=1), lambda bell: bell.answering(timeout=0.1)):
        with pytest.raises(ServiceError) as caught:
            call(Doorbell(nobody))
        assert caught.value.code == "broker_unreachable"
        assert "\n" not in str(caught.value)


def test_a_socket_that_is_not_there_is_told(settings, tmp_path):
    url = type(settings.redis_url)(f"redis+socket://{tmp_path}/none.sock?virtual_host=0")
    with pytest.raises(ServiceError) as caught:
        Doorbell(settings.model_copy(update={"redis_url": url})).ring(1, batches=1)
    assert caught.value.code == "broker_unreachable"


def test_a_message_comes_back_only_after_its_task_must_have_ended(settings):
    configuration = celery_settings(settings)
    assert configuration["broker_url"] == broker_url(settings) == settings.redis_url.get_secret_value()
    assert configuration["task_time_limit"] == TASK_SECONDS
    assert configuration["broker_transport_options"]["visibility_timeout"] > TASK_SECONDS
    assert configuration["worker_prefetch_multiplier"] == 1
    assert configuration["task_acks_late"]
