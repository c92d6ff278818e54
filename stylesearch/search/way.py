"""The way that one ranking takes through the gallery: how it begins, and how it goes on until the page is right."""

from __future__ import annotations

from collections.abc import Sequence

from stylesearch.search.answers import Answer
from stylesearch.search.grouping import Candidate
from stylesearch.search.plans import Method, Plan, Statistics, after_running_dry, choose
from stylesearch.search.query import StyleQuery
from stylesearch.settings import Settings

SPARE = 32
"""So many more than are asked for are compared again in double precision, so that neither the order nor a score hangs on
the machine."""

SPARE_OF_INDEX = 10
"""The same through an index, which may miss some anyway."""

RERANKED = 4
"""How many times as many are looked at where the index goes by the cosine, and the score by more."""

PER_ARTIST = 4
"""The same where some will be held back because their artists have had enough."""

MOST_BROUGHT = 5000
"""An index is not followed to bring more than these; everything is compared instead."""


class Way:
    """A way through the gallery, and where it has got to.

    Parameters
    ----------
    reranked:
        Whether the score is made of more than what an index goes by.

    Attributes
    ----------
    plan:
        What is to be done now.
    limit:
        How many are to be brought.
    by_work:
        Whether works are to be ordered, and not images: where a page goes on behind another, or where images of few works
        filled all that was brought.

    Raises
    ------
    ServiceError
        ``no_index``, if the query's mode asks for one that is not there.
    """

    def __init__(
        self, query: StyleQuery, statistics: Statistics, settings: Settings, slug: str, *, reranked: bool
    ) -> None:
        self._query = query
        self._reranked = reranked
        self._statistics = statistics
        self._settings = settings
        self._slug = slug
        self._again = False
        self.limit = self._first_limit("hnsw")
        self.plan = self._chosen()
        self.limit = self._first_limit(self.plan.method)

    @property
    def exact(self) -> bool:
        """Whether everything is compared."""
        return self.plan.method == "exact"

    @property
    def by_work(self) -> bool:
        query = self._query
        return (
            self.exact
            and not self._statistics.parts
            and query.group == "work"
            and (self._again or query.after is not None)
        )

    def leads_on(self, page: Sequence[Candidate], answer: Answer, slack: float) -> bool:
        """Whether a page is not right yet; then the way has been changed to one that gets further.

        Parameters
        ----------
        slack:
            What single precision may get wrong of a score.
        """
        enough = len(page) == self._query.k
        if self.plan.method == "exact":
            settled = enough and page[-1].score > answer.boundary + slack
            self._again = True
            self.limit *= 8
            return not (answer.exhausted or settled)
        if enough:
            return False
        if answer.exhausted and self._statistics.parts:
            self.plan = Plan("exact")
        elif answer.exhausted:
            found = len(answer.candidates)
            self.plan = after_running_dry(self.plan, self._statistics, found=found, wanted=self.limit)
        else:
            self.limit *= 4
            self.plan = self._chosen() if self.limit <= MOST_BROUGHT else Plan("exact")
        if self.plan.method == "exact":
            self.limit = self._first_limit("exact")
        return True

    def _chosen(self) -> Plan:
        return choose(
            self._statistics,
            self._query.mode,
            wanted=self.limit,
            ef=self._settings.search_ef,
            exact_rows=self._settings.search_exact_rows,
            slug=self._slug,
        )

    def _first_limit(self, method: Method) -> int:
        query = self._query
        needed = query.k * (PER_ARTIST if query.per_artist is not None else 1)
        if method == "exact":
            return needed + SPARE
        return (needed + SPARE_OF_INDEX) * (RERANKED if self._reranked else 1)
