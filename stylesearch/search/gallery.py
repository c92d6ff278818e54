"""What the database knows of a gallery by heart: how large it is, which indexes stand, and what a filter may let through."""

from __future__ import annotations

import time
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import ClauseElement, ColumnElement, Executable, column, literal_column, select, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal

from stylesearch.catalog import encoders, shards
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.works import Work
from stylesearch.search.clauses import Clause
from stylesearch.search.facets import Rows
from stylesearch.search.plans import Statistics

_STATE = text(
    """
    SELECT CASE WHEN reltuples < 0 THEN NULL ELSE
               reltuples / greatest(relpages, 1) * greatest(pg_relation_size(pg_class.oid) / 8192, least(relpages, 1))
           END AS rows,
           coalesce((SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:hnsw)), false) AS hnsw,
           coalesce((SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:binary)), false) AS binary,
           coalesce(pg_relation_size(to_regclass(:hnsw)), 0) AS hnsw_bytes,
           pg_size_bytes(current_setting('effective_cache_size')) AS cache_bytes,
           (SELECT reltuples FROM pg_class WHERE oid = 'work'::regclass) AS works
    FROM pg_class WHERE oid = to_regclass(:partition)
    """
)


MOMENT_SECONDS = 1.0
"""For so long, what is known of a gallery may be used again: it only decides which way is quicker."""

ESTIMATE_SECONDS = 10.0
"""For so long, so is what the planner thinks of a filter."""
MOST_ESTIMATES = 1000

_estimates: WeakKeyDictionary[Any, dict[str, tuple[float, float]]] = WeakKeyDictionary()
"""By what the filter says."""
_known: WeakKeyDictionary[Any, dict[str, tuple[float, Any, bool]]] = WeakKeyDictionary()


class Explained(Executable, ClauseElement):
    """The plan that the database would make for a statement, as JSON."""

    inherit_cache = True
    _traverse_internals = [("statement", InternalTraversal.dp_clauseelement)]  # noqa: RUF012 - SQLAlchemy's own convention

    def __init__(self, statement: Rows) -> None:
        self.statement = statement

    @property
    def _all_selected_columns(self) -> list[ColumnElement[Any]]:
        return [column("plan")]  # asked for where a compiled statement is used again


@compiles(Explained, "postgresql")
def _explained(element: Explained, compiler: SQLCompiler, **options: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(element.statement, **options)}"


def statistics(session: Session, encoder: EncoderRow, asked: Clause, *, fresh: bool = True) -> Statistics:
    """Return what is known of a gallery, and about how much of it a filter lets through.

    Parameters
    ----------
    fresh:
        Whether it must be as of now; otherwise what was known a moment ago will do.

    Raises
    ------
    NotFoundError
        ``encoder_retired``, if the gallery is not there any more.
    """
    known = _known.setdefault(session.get_bind(), {})
    until, state, split = known.get(encoder.partition, (0.0, None, False))
    # Where it lies is more than a matter of time: what has moved to another shard must not be missed.
    stale = fresh or time.monotonic() > until
    parts = shards.parts(session, encoder.partition) if stale or split else ()
    if stale or split != bool(parts):
        names = {"hnsw": encoder.index, "binary": encoder.binary_index, "partition": encoder.partition}
        state = session.execute(_STATE, names).one_or_none()
        known[encoder.partition] = (time.monotonic() + MOMENT_SECONDS, state, bool(parts))
    if state is None:
        raise encoders.retired(encoder.slug)
    rows = sum(part.rows for part in parts) if parts else state.rows
    rows = float(rows) if rows is not None else _counted(session, encoder)
    share = 1.0
    if not asked.everything:
        share = min(1.0, _estimated(session, asked, fresh=fresh) / max(1.0, float(state.works)))
    if parts:
        return Statistics(rows, rows * share, hnsw=True, parts=parts)
    return Statistics(rows, rows * share, state.hnsw, state.binary, state.hnsw_bytes, state.cache_bytes)


def _counted(session: Session, encoder: EncoderRow) -> float:
    """Count a gallery that the database has no statistics of yet."""
    return float(session.scalar(text(f"SELECT count(*) FROM {encoder.partition}")) or 0)


def _estimated(session: Session, asked: Clause, *, fresh: bool) -> float:
    """Return about how many works a filter lets through, as the database's own planner thinks."""
    known = _estimates.setdefault(session.get_bind(), {})
    until, estimate = known.get(asked.sentence, (0.0, 0.0))
    if fresh or time.monotonic() > until:
        if len(known) >= MOST_ESTIMATES:
            known.clear()
        estimate = _explained_rows(session, asked)
        known[asked.sentence] = time.monotonic() + ESTIMATE_SECONDS, estimate
    return estimate


def _explained_rows(session: Session, asked: Clause) -> float:
    statement: Rows = select(literal_column("1")).select_from(Work).where(asked.sql)
    (plan,) = session.execute(Explained(statement)).scalar_one()
    return float(plan["Plan"]["Plan Rows"])
