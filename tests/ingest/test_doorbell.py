import json

import pytest
from sqlalchemy import make_url

from stylesearch.errors import ServiceError
from stylesearch.ingest.doorbell import (
    EMBED_QUEUE,
    EMBED_TASK,
    FETCH_TASK,
    INGEST_QUEUE,
    QUEUE_OF,
    TASK_SECONDS,
    UPKEEP_TASK,
    Doorbell,
    broker_url,
    celery_settings,
)


@pytest.fixture
def nobody(settings, tmp_path):
    """Settings whose broker is not there."""
    return settings.model_copy(update={"redis_url": type(settings.redis_url)("redis://127.0.0.1:1/0")})


def messages(url: str, queue: str = INGEST_QUEUE) -> list[dict]:
    """What waits in a queue of the broker, oldest first."""
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
        return [json.loads(message) for message in reversed(client.lrange(queue, 0, -1))]


def test_each_ring_leaves_a_message_of_ids_only(settings, broker):
    Doorbell(settings).ring(FETCH_TASK, 17, times=3)
    found = messages(broker)
    assert len(found) == 3
    for message in found:
        assert message["headers"]["task"] == FETCH_TASK
        assert message["headers"]["argsrepr"] == "[17]"
        assert message["content-type"] == "application/json"
        assert len(json.dumps(message)) < 2000


def test_nobody_answers_an_idle_broker(settings, broker):
    assert Doorbell(settings).answering(timeout=0.1) == 0


def test_a_broker_that_is_away_is_told(nobody):
    for call in (lambda bell: bell.ring(FETCH_TASK, 1), lambda bell: bell.answering(timeout=0.1)):
        with pytest.raises(ServiceError) as caught:
            call(Doorbell(nobody))
        assert caught.value.code == "broker_unreachable"
        assert "\n" not in str(caught.value)


def test_a_socket_that_is_not_there_is_told(settings, tmp_path):
    url = type(settings.redis_url)(f"redis+socket://{tmp_path}/none.sock?virtual_host=0")
    with pytest.raises(ServiceError) as caught:
        Doorbell(settings.model_copy(update={"redis_url": url})).ring(FETCH_TASK, 1)
    assert caught.value.code == "broker_unreachable"


def test_a_message_comes_back_only_after_its_task_must_have_ended(settings):
    configuration = celery_settings(settings)
    assert configuration["broker_url"] == broker_url(settings) == settings.redis_url.get_secret_value()
    assert configuration["task_time_limit"] == TASK_SECONDS
    assert configuration["broker_transport_options"]["visibility_timeout"] > TASK_SECONDS
    assert configuration["worker_prefetch_multiplier"] == 1
    assert configuration["task_acks_late"]


def test_each_kind_of_task_has_its_queue(settings, broker):
    bell = Doorbell(settings)
    bell.ring(EMBED_TASK, 5)
    bell.ring(UPKEEP_TASK, expires=60)
    (described,), (kept_up,) = messages(broker, EMBED_QUEUE), messages(broker, QUEUE_OF[UPKEEP_TASK])
    assert described["headers"]["task"] == EMBED_TASK
    assert kept_up["headers"]["expires"] is not None
    assert messages(broker) == []
    assert celery_settings(settings)["task_routes"][EMBED_TASK] == {"queue": EMBED_QUEUE}


def test_as_many_are_called_as_there_is_work_for(settings, broker):
    bell = Doorbell(settings.model_copy(update={"ingest_batch_size": 10}))
    bell.ring_for(5, pending=0, prepared=0)
    assert messages(broker) == messages(broker, EMBED_QUEUE) == []
    bell.ring_for(5, pending=21, prepared=2)
    assert (len(messages(broker)), len(messages(broker, EMBED_QUEUE))) == (3, 2)
    bell.ring_for(5, pending=1_000_000, prepared=1_000_000)
    assert len(messages(broker)) < 100
