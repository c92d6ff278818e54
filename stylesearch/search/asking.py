"""Sending a search's statements: with the settings that a plan needs, for this transaction alone, and against the clock."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from functools import cache
from typing import Any

from sqlalchemy import Executable, Row, TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from stylesearch.catalog.connections import PREPARED
from stylesearch.errors import ServiceError
from stylesearch.search.plans import MOST_VISITED, Plan

TIMED_OUT = "57014"
LEAST_MILLISECONDS = 1


class TimeIsOverError(Exception):
    """The time for a search has ended in its course; the transaction goes on."""

    def __init__(self) -> None:
        super().__init__("the time for a search has ended")
        self.told = ServiceError(
            "The database took too long and was stopped.",
            hint="Narrow the query, or raise STYLESEARCH_SEARCH_TIMEOUT_SECONDS.",
            code="timeout",
        )


class Asking:
    """Sends statements in the caller's transaction until a search's time is over.

    Parameters
    ----------
    seconds:
        How long all of them may take together.
    parted:
        Whether other servers follow their indexes, each with settings of its own.
    timed:
        Whether the transaction has just been told how long a statement may take.
    """

    def __init__(
        self, session: Session, *, seconds: float, parted: bool = False, timed: bool = False
    ) -> None:
        self._session = session
        self._timed = timed
        self._parted = parted
        self._until = time.monotonic() + seconds
        self._sent = 0
        self._forced = False

    @property
    def _left(self) -> int:
        """Milliseconds that are left."""
        return max(LEAST_MILLISECONDS, int((self._until - time.monotonic()) * 1000))

    def rows(self, plan: Plan, statement: Executable, values: dict[str, Any]) -> Sequence[Row[Any]]:
        """Return the rows of a plan's statement, executed with some values.

        Raises
        ------
        TimeIsOverError
            If another was answered before; the transaction is as it was. The first of a search fails as any statement.
        """
        if self._sent and time.monotonic() >= self._until:
            raise TimeIsOverError
        first = not self._sent
        self._sent += 1
        try:
            with nullcontext() if first else self._session.begin_nested():
                self._set(self._settings(plan, timed=first and self._timed))
                kept = {
                    PREPARED: plan.method != "exact"
                }  # of a filter, each value may want a plan of its own
                rows = self._session.connection().execute(statement, values, execution_options=kept).all()
                self._forced = self._forced and not rows
                return rows
        except DBAPIError as error:
            if first or getattr(error.orig, "sqlstate", None) != TIMED_OUT:
                raise
            raise TimeIsOverError from None

    def end(self) -> None:
        """Put back what would mislead the planner in the rest of the transaction, where no row has done so."""
        if self._forced:
            self._set({"enable_sort": "on"})
            self._forced = False

    def _settings(self, plan: Plan, *, timed: bool) -> dict[str, str]:
        settings = {} if timed else {"statement_timeout": str(self._left)}
        if plan.method == "exact" or self._parted:
            return settings | ({"enable_sort": "on"} if self._forced else {})
        self._forced = True  # until a row comes: each puts it back
        settings |= {
            "enable_sort": "off",  # the way has been chosen: through the index
            "hnsw.ef_search": str(plan.ef),
            "hnsw.iterative_scan": "relaxed_order" if plan.visited else "off",
        }
        if not plan.visited:
            return settings
        return settings | {
            "hnsw.max_scan_tuples": str(plan.visited),
            # What was met is remembered in memory: of a wider scan it is more.
            "hnsw.scan_mem_multiplier": str(max(1, plan.visited // MOST_VISITED)),
        }

    def _set(self, values: dict[str, str]) -> None:
        """Set what is to hold until the transaction ends, in one statement."""
        if not values:
            return
        numbered = {f"p{number}": value for number, value in enumerate(values.values())}
        self._session.connection().execute(_setting(tuple(values)), numbered)


@cache
def _setting(names: tuple[str, ...]) -> TextClause:
    """Return the statement that sets what is named."""
    calls = ", ".join(f"set_config('{name}', :p{number}, true)" for number, name in enumerate(names))
    return text(f"SELECT {calls}")
