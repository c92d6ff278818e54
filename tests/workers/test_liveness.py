import subprocess
import sys
import time

import pytest
from celery.worker import state
from pydantic import SecretStr

from stylesearch.ingest.doorbell import EMBED_TASK, FETCH_TASK, INGEST_QUEUE, Doorbell
from stylesearch.ingest.keeper import STALLED_EXIT
from workers.liveness import Liveness

PROGRAM = """
from stylesearch.ingest.doorbell import Doorbell
from stylesearch.settings import get_settings
from workers.liveness import Liveness
Liveness(Doorbell(get_settings()), ["ingest"], deaf_seconds=0.1).watch(every_seconds=0.1)
"""


class Request:
    """What Celery knows of a task that it has taken."""

    def __init__(self, seconds: float) -> None:
        self.time_start = time.time() - seconds


@pytest.fixture
def request_under_way():
    """Has the worker at work on a task that was begun some seconds ago."""
    taken: list[Request] = []

    def take(seconds: float) -> None:
        taken.append(Request(seconds))
        state.reserved_requests.add(taken[0])
        state.active_requests.add(taken[0])

    yield take
    for request in taken:
        state.reserved_requests.discard(request)
        state.active_requests.discard(request)


@pytest.fixture
def doorbell(settings, broker) -> Doorbell:
    return Doorbell(settings)


@pytest.fixture
def liveness(doorbell) -> Liveness:
    return Liveness(doorbell, [INGEST_QUEUE], deaf_seconds=0.0)


def test_messages_that_wait_are_counted(doorbell):
    assert doorbell.waiting(INGEST_QUEUE) == 0
    doorbell.ring(FETCH_TASK, 1, times=3)
    doorbell.ring(EMBED_TASK, 1)
    assert doorbell.waiting(INGEST_QUEUE) == 3


def test_who_is_called_and_does_not_come_is_deaf(liveness, doorbell):
    assert liveness.look() is None
    doorbell.ring(EMBED_TASK, 1)  # meant for another
    assert liveness.look() is None
    doorbell.ring(FETCH_TASK, 1)
    assert "none was taken" in liveness.look()


def test_a_while_is_granted(doorbell):
    doorbell.ring(FETCH_TASK, 1)
    assert Liveness(doorbell, [INGEST_QUEUE]).look() is None


def test_who_is_at_work_is_not_deaf(liveness, doorbell, request_under_way):
    doorbell.ring(FETCH_TASK, 1)
    request_under_way(5)
    assert liveness.look() is None


def test_a_task_that_never_ends_is_noticed(liveness, request_under_way):
    request_under_way(10**5)
    assert "a task has run" in liveness.look()


def test_a_broker_that_is_away_makes_nobody_deaf(settings):
    away = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
    assert Liveness(Doorbell(away), [INGEST_QUEUE], deaf_seconds=0.0).look() is None


def test_a_deaf_worker_ends_itself(environment, doorbell):
    doorbell.ring(FETCH_TASK, 1)
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=False, timeout=120)
    assert done.returncode == STALLED_EXIT
    assert b"this worker ends itself" in done.stderr
