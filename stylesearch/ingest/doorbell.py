"""Telling the workers that there is work. The ledger is the truth; this only rings."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from stylesearch.errors import ServiceError
from stylesearch.local import services
from stylesearch.settings import Settings

FETCH_TASK, EMBED_TASK, UPKEEP_TASK = "ingest.fetch", "ingest.embed", "ingest.upkeep"
DISCOVER_TASK = "ingest.discover"
REPORT_TASK = "reports.make"
MAP_TASK = "map.build"
INGEST_QUEUE, EMBED_QUEUE, MAINTENANCE_QUEUE = "ingest", "embed", "maintenance"
QUEUES = (INGEST_QUEUE, EMBED_QUEUE, MAINTENANCE_QUEUE)
QUEUE_OF = {
    DISCOVER_TASK: INGEST_QUEUE,
    FETCH_TASK: INGEST_QUEUE,
    EMBED_TASK: EMBED_QUEUE,
    REPORT_TASK: EMBED_QUEUE,  # a report is one description more
    UPKEEP_TASK: MAINTENANCE_QUEUE,
    MAP_TASK: MAINTENANCE_QUEUE,
}
TASK_SECONDS = 900
"""Longest a task may run before its process is ended."""

MOST_WORKERS, MOST_DEVICES = 64, 8
"""How many are called at once, for each stage; who is called goes on until there is no more."""


def broker_url(settings: Settings) -> str:
    """Return the broker's URL, with the local services started where it is theirs."""
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    return services.ensure(settings.home, transport=settings.local_transport).redis_url


def celery_settings(settings: Settings) -> dict[str, Any]:
    """Return Celery's configuration, the same for who rings and who answers."""
    return {
        "broker_url": broker_url(settings),
        # Messages hold numbers only; nothing that could run is ever taken from one.
        "task_serializer": "json",
        "accept_content": ["json"],
        # Results are rows of the ledger; nothing is kept in Redis.
        "task_ignore_result": True,
        # Fetching wants a process a core, describing one a device, upkeep one at all: so each has a queue of its own,
        # and a worker is started for some of them.
        "task_default_queue": INGEST_QUEUE,
        "task_routes": {task: {"queue": queue} for task, queue in QUEUE_OF.items()},
        # A task is acknowledged when done, and given to somebody else when its process dies: it may run twice, and
        # is made to bear that.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        # A task that fails by itself is acknowledged all the same: its items are free again when their lease is over,
        # and the next ring asks for them.
        "task_acks_on_failure_or_timeout": True,
        # One task at a time a process: tasks are long, and what is prefetched cannot be taken over.
        "worker_prefetch_multiplier": 1,
        # Ends a prefork process whose task hangs in a library. The solo pool cannot be ended so: there the keeper of
        # leases ends the process when nothing moves.
        "task_time_limit": TASK_SECONDS,
        # A message is delivered again after this, so it must outlast the longest task.
        "broker_transport_options": {"visibility_timeout": 2 * TASK_SECONDS, "socket_keepalive": True},
        "broker_connection_retry_on_startup": True,
        # A broker that comes back is found again, however long it was away.
        "broker_connection_max_retries": None,
        # What is under way when the broker goes is finished: the ledger takes note of it, not the broker.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # Decoders leak, and memory is torn by pictures of every size: a process is replaced now and then.
        "worker_max_tasks_per_child": 500,
        # We set up logging ourselves.
        "worker_hijack_root_logger": False,
        # Nobody listens to Celery's own events; what happens is counted in the ledger.
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

    def ring(self, task: str, *arguments: int, times: int = 1, expires: float | None = None) -> None:
        """Ask for a task; call it after the ledger is committed.

        Parameters
        ----------
        task:
            One of :data:`QUEUE_OF`.
        arguments:
            Numbers, such as a run's.
        times:
            How often to ask, so that several workers answer.
        expires:
            Seconds after which nobody need answer any more.

        Raises
        ------
        ServiceError
            If the broker cannot be reached.
        """
        try:
            with self._app.producer_or_acquire() as producer:
                for _ in range(times):
                    self._app.send_task(
                        task,
                        args=list(arguments),
                        queue=QUEUE_OF[task],
                        producer=producer,
                        expires=expires,
                        retry=True,
                        retry_policy={"max_retries": 3, "interval_start": 0.2, "interval_max": 1},
                    )
        except OperationalError as error:
            raise unreachable(error) from error

    def ring_for(self, run_id: int, *, pending: int, prepared: int) -> None:
        """Ask for what a run has open in each stage. Errors as :meth:`ring`.

        Who answers goes on until there is no more, so there is one ring for each that might answer, and not for each
        batch.
        """
        if pending:
            batches = -(-pending // self._settings.ingest_batch_size)
            self.ring(FETCH_TASK, run_id, times=min(batches, MOST_WORKERS))
        if prepared:
            self.ring(EMBED_TASK, run_id, times=min(prepared, MOST_DEVICES))

    def waiting(self, queue: str) -> int:
        """Return how many messages of a queue nobody has taken yet. Errors as :meth:`ring`."""
        try:
            with self._app.connection_for_read() as connection:
                connection.connect()  # tries once; the channel alone would try for ever
                return int(connection.default_channel.client.llen(queue))
        except (OperationalError, RedisError) as error:
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


def unreachable(error: Exception) -> ServiceError:
    """Return the error that the broker does not answer."""
    return ServiceError(
        f"The broker cannot be reached: {str(error).rstrip('.')}.",
        hint="Check that it runs and that STYLESEARCH_REDIS_URL is right, or ingest with --inline.",
        code="broker_unreachable",
    )
