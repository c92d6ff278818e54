"""Figures for Prometheus: what the catalogue and its ledger say, what waits in the queues, and this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from flask import Blueprint, Response, abort
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from stylesearch.catalog import encoders, shards
from stylesearch.catalog.database import Database
from stylesearch.catalog.descriptors import Shard
from stylesearch.catalog.part_indexes import states
from stylesearch.catalog.shard_connections import unreachable
from stylesearch.errors import ServiceError
from stylesearch.ingest.doorbell import QUEUES, Doorbell
from web.identity import open_to_all
from web.services import services

metrics = Blueprint("metrics", __name__)

# Name, what it is, the labels, and the statement that gives a row of labels and a number each.
FIGURES: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("works", "Works that are not withdrawn.", ("collection",),
     "SELECT slug, count(*) FROM work JOIN collection ON collection.id = collection_id WHERE withdrawn_at IS NULL AND visibility = 'everybody' GROUP BY 1"),
    ("runs", "Ingest runs.", ("kind", "state"), "SELECT kind, state, count(*) FROM ingest_run GROUP BY 1, 2"),
    ("runs_stopped", "Runs that a problem has stopped.", (),
     "SELECT count(*) FROM ingest_run WHERE state <> 'finished' AND problem IS NOT NULL"),
    ("items", "Items of runs that are not finished, or were within a day.", ("run", "state"),
     ("SELECT run_id::text, item.state, count(*) FROM ingest_item item JOIN ingest_run run ON run.id = run_id"
     " WHERE run.finished_at IS NULL OR run.finished_at > now() - interval '1 day' GROUP BY 1, 2")),
    ("items_quarantined", "Items in quarantine.", ("code",),
     "SELECT error_code, count(*) FROM ingest_item WHERE state = 'quarantined' GROUP BY 1"),
    ("items_held", "Items that a worker holds.", ("stage",),
     ("SELECT CASE state WHEN 'fetching' THEN 'fetch' ELSE 'embed' END, count(*) FROM ingest_item"
     " WHERE state IN ('fetching', 'embedding') GROUP BY 1")),
    ("workers_holding", "Processes that hold items.", ("stage",),
     ("SELECT CASE state WHEN 'fetching' THEN 'fetch' ELSE 'embed' END, count(DISTINCT held_by) FROM ingest_item"
     " WHERE state IN ('fetching', 'embedding') AND lease_until > now() GROUP BY 1")),
    ("item_oldest_seconds", "Since when the oldest item waits for a stage.", ("stage",),
     ("SELECT CASE state WHEN 'pending' THEN 'fetch' ELSE 'embed' END, extract(epoch FROM now() - min(updated_at))"
     " FROM ingest_item WHERE state IN ('pending', 'prepared') GROUP BY 1")),
    ("spool_bytes", "Bytes that wait to be described.", (),
     "SELECT coalesce(sum(spool_bytes), 0) FROM ingest_item WHERE spool_key IS NOT NULL"),
    ("index_recall", "Share of the nearest that an index finds, as last measured.", ("encoder", "kind"),
     "SELECT slug, kind, recall FROM index_check JOIN encoder ON id = encoder_id"),
    ("index_bytes", "Size of the indexes that searches use.", ("encoder", "kind"),
     ("SELECT slug, kind, pg_relation_size(indexrelid) FROM encoder CROSS JOIN (VALUES ('hnsw'), ('binary')) AS kinds (kind)"
     " JOIN pg_index ON indexrelid = to_regclass('descriptor_' || id || '_' || kind) AND indisvalid")),
    ("descriptors_dead", "Descriptors that were deleted or replaced and are still met in indexes.", ("encoder",),
     ("SELECT slug, n_dead_tup FROM encoder JOIN pg_stat_all_tables ON relid = to_regclass('descriptor_' || id)"
     " WHERE status <> 'retired'")),
    ("near_duplicates_unjudged", "Pairs of images that look alike and that nobody has judged.", (),
     "SELECT count(*) FROM near_duplicate WHERE verdict IS NULL"),
)  # fmt: skip


class CatalogueCollector(Collector):
    """Asks the database each time it is asked: whoever answers, the figures are those of all machines."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[GaugeMetricFamily]:
        with self._database.session() as session:
            session.execute(text("SET LOCAL statement_timeout = '20s'"))
            for name, about, labels, statement in FIGURES:
                yield _family(name, about, labels, session.execute(text(statement)))
            yield _family("descriptors", "Descriptors; about, where shards keep them.", ("encoder", "status"),
                          _descriptors(session))  # fmt: skip


class ShardCollector(Collector):
    """Asks the shards themselves; one that is away is a figure too, and no error."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[GaugeMetricFamily]:
        with self._database.session() as session:
            slugs = session.scalars(select(Shard.slug).order_by(Shard.slug)).all()
            parts = [(row.slug, part) for row in encoders.all_kept(session) for part in states(session, row)]
        down = unreachable(self._database) if slugs else frozenset()
        yield _family(
            "shard_up", "Whether a shard answers.", ("shard",), ((slug, slug not in down) for slug in slugs)
        )
        here = [(slug, part) for slug, part in parts if part.answers]
        for name, about, figure in (
            ("shard_descriptors", "Descriptors that a shard keeps, about.", "rows"),
            ("shard_descriptors_dead", "Descriptors of a shard that were deleted or replaced and are still met in its index.", "dead"),
            ("shard_index_bytes", "Size of a shard's index.", "index_bytes"),
        ):  # fmt: skip
            rows = ((slug, part.shard, getattr(part, figure)) for slug, part in here)
            yield _family(name, about, ("encoder", "shard"), rows)


class QueueCollector(Collector):
    """Asks the broker what waits for Celery's workers; a broker that is away is a figure too, and no error."""

    def __init__(self, doorbell: Doorbell) -> None:
        self._doorbell = doorbell

    def collect(self) -> Iterator[GaugeMetricFamily]:
        messages = GaugeMetricFamily(
            "stylesearch_queue_messages", "Messages that no worker has taken yet.", labels=("queue",)
        )
        up = True
        try:
            for queue in QUEUES:
                messages.add_metric([queue], self._doorbell.waiting(queue))
        except ServiceError:
            up = False
        yield GaugeMetricFamily("stylesearch_broker_up", "Whether the broker answers.", value=float(up))
        yield messages


def _descriptors(session: Session) -> Iterator[tuple[str, str, int]]:
    for row in encoders.all_kept(session):
        about = shards.about(session, row.partition)
        yield row.slug, row.status, shards.count(session, row.partition) if about is None else about


def _family(name: str, about: str, labels: tuple[str, ...], rows: Iterable[Any]) -> GaugeMetricFamily:
    """Return a figure: of each row, the values of its labels and a number."""
    family = GaugeMetricFamily(f"stylesearch_{name}", about, labels=labels)
    for *values, number in rows:
        family.add_metric([str(value) for value in values], float(number))
    return family


@metrics.get("/metrics")
@open_to_all
def show() -> Response:
    """Return all figures in Prometheus' text format, where the settings allow it."""
    if not services().settings.metrics:
        abort(404)
    registry = CollectorRegistry()
    registry.register(CatalogueCollector(services().database))
    registry.register(ShardCollector(services().database))
    registry.register(QueueCollector(services().doorbell))
    ProcessCollector(registry=registry)
    response = Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    response.headers["Cache-Control"] = "no-store"
    return response
