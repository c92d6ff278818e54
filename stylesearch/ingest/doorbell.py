"""Telling the workers that there is work. The ledger is the truth; this only rings."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from stylesearch.errors import ServiceError
from stylesearch.local import services
from stylesearch.settings import Settings

BATCH_TASK = "ingest.batch"
INGEST_QUEUE = "ingest"
TASK_SECONDS = 900
"""Longest a task may run before its process is ended."""


def broker_url(settings: Settings) -> str:
    """Return the broker's URL, with the local services started where it is theirs."""
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    return services.ensure(settings.home, transport=settings.local_transport).redis_url


def celery_settings(settings: Settings) -> dict[str, Any]:
    """Return Celery's configuration, the same for who rings and who answers."""
    return {
        "broker_url": broker_url(settings),
        "task_serializer": "json",
        "accept_content": ["json"],
        # Results are rows of the ledger; nothing is kept in Redis.
        "task_ignore_result": True,
        "task_default_queue": INGEST_QUEUE,
        # A task is acknowledged when done, and given to somebody else when its process dies: it may run twice, and
        # is made to bear that.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        # One task at a time a process: tasks are long, and what is prefetched cannot be taken over.
        "worker_prefetch_multiplier": 1,
        "task_time_limit": TASK_SECONDS,
        # A message is delivered again after this, so it must outlast the longest task.
        "broker_transport_options": {"visibility_timeout": 2 * TASK_SECONDS, "socket_keepalive": True},
        "broker_connection_retry_on_startup": True,
        # A broker that comes back is found again, however long it was away.
        "broker_connection_max_retries": None,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # We set up logging ourselves.
        "worker_hijack_root_logger": False,
        "worker_send_task_events": False,
        "timezone": "UTC",
    }


class Doorbell:
    """Sends messages to the workers."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def _app(self) -> Celery:
        app = Celery("stylesearch", set_as_current=False)
        app.conf.update(celery_settings(self._settings))
        return app

    def ring(self, run_id: int, *, batches: int) -> None:
        """Ask for some batches of a run to be dealt with; call it after the ledger is committed.

        Raises
        ------
        ServiceError
            If the broker cannot be reached.
        """
        try:
            with self._app.producer_or_acquire() as producer:
                for _ in range(batches):
                    self._app.send_task(
                        BATCH_TASK,
                        args=[run_id],
                        queue=INGEST_QUEUE,
                        producer=producer,
                        retry=True,
                        retry_policy={"max_retries": 3, "interval_start": 0.2, "interval_max": 1},
                    )
        except OperationalError as error:
            raise unreachable(error) from error

    def answering(self, *, timeout: float = 1.0) -> int:
        """Return how many workers answer.

        Raises
        ------
        ServiceError
            If the broker cannot be reached.
        """
        try:
            return len(self._app.control.ping(timeout=timeout))
        except OperationalError as error:
            raise unreachable(error) from error


def unreachable(error: OperationalError) -> ServiceError:
    """Return the error that the broker does not answer."""
    return ServiceError(
        f"The broker cannot be reached: {str(error).rstrip('.')}.",
        hint="Check that it runs and that STYLESEARCH_REDIS_URL is right, or ingest with --inline.",
        code="broker_unreachable",
    )
