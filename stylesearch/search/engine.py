"""From examples and a query to ranked works: right first, and honest where it was cut short."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import true
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from stylesearch.catalog import encoders, part_indexes, shards, whitening
from stylesearch.catalog.access import Access
from stylesearch.catalog.densities import NEIGHBOURS
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.shard_errors import ShardDownError
from stylesearch.catalog.whitening import Space
from stylesearch.errors import InputError, ServiceError
from stylesearch.search import gallery
from stylesearch.search.answers import Answer, read
from stylesearch.search.asking import Asking, TimeIsOverError
from stylesearch.search.clauses import Clause, clause
from stylesearch.search.facets import Facets, facets, read_facets
from stylesearch.search.grouping import Candidate, picked
from stylesearch.search.parted import PartedStatements
from stylesearch.search.plans import Method, Statistics, brought_by_part
from stylesearch.search.query import MOST_RESULTS, Mode, StyleQuery
from stylesearch.search.readout import Measure
from stylesearch.search.scoring import Ask, Weighted, asks, fused
from stylesearch.search.statements import Statements, Wanted
from stylesearch.search.way import Way
from stylesearch.settings import Settings

COUNTED = 100_000
"""Up to so many matching images, as estimated, an exact search counts them on the way."""

RANK_DEPTH = MOST_RESULTS
"""How far rankings are looked into that are joined by their ranks."""

NO_TABLE = "42P01"


@dataclass(frozen=True, slots=True)
class Ranking:
    """A query's answer.

    Attributes
    ----------
    ranked:
        Works by their best images, or images, the best score first, of equal ones the smaller id.
    method:
        ``exact``, ``hnsw`` or ``binary``: how it was found.
    matching:
        Images that the filters let through; ``None`` where they were not counted because there are too many, or some may
        be where nobody answers.
    complete:
        Whether there are as many as were asked for, or as many as there are.
    reason:
        Why not, where it is not: ``timeout``; ``shard_down`` where a part of the gallery could not be asked; ``rank_depth``
        where rankings that are joined were not looked into far enough.
    facets:
        Where they were asked for.
    """

    ranked: tuple[Candidate, ...]
    method: Method
    matching: int | None
    complete: bool
    sentence: str
    reason: str | None = None
    facets: Facets | None = None


def search(
    session: Session,
    encoder: EncoderRow,
    wanted: Weighted,
    query: StyleQuery,
    settings: Settings,
    *,
    unwanted: Weighted | None = None,
    without: frozenset[int] = frozenset(),
    access: Access = Access.EVERYBODY,
    with_facets: bool = False,
    absent: frozenset[str] = frozenset(),
    timed: bool = False,
) -> Ranking:
    """Rank a gallery by nearness of style.

    Parameters
    ----------
    wanted, unwanted:
        The descriptors of the query's examples, in half precision; its own list of them is not looked at.
    without:
        Ids of images that are left out besides those of the query.
    with_facets:
        Whether to count what the filters can be set to: on the way where that is cheaper.
    absent:
        Names of shards that are known not to answer; they are not asked.
    timed:
        Whether the transaction has just been told how long a statement may take.

    Raises
    ------
    InputError, NotFoundError
        If a filter names something unknown, or the examples cancel each other out; ``encoder_retired``;
        ``readout_not_parted`` or ``mode_not_parted``, if it cannot be had in a gallery that is split.
    ServiceError
        ``no_index``, ``not_measured``, ``shard_down``, or ``timeout`` if the time ended before anything was found.
    """
    try:
        space = _space(session, encoder) if query.readout.measure == "whitened" else None
        rankings = asks(query.readout, wanted, unwanted, space)
        asked = clause(session, query.where, access)
        if asked.impossible:
            none = read_facets([]) if with_facets else None
            return Ranking((), "exact", 0, complete=True, sentence=asked.sentence, facets=none)
        asking = Asking(session, seconds=settings.search_timeout_seconds, timed=timed)
        whole = known = gallery.statistics(session, encoder, asked, fresh=query.mode != "auto")
        if known.parts:
            known = _without_absent(known, absent, query)
            asking = Asking(session, seconds=settings.search_timeout_seconds, parted=True)
        scope = _Scope(asked, access, known)
        searching = _Search(encoder, settings, asking, scope, without | query.exclude_images)
        page = searching.run(rankings, query, with_facets=with_facets)
        asking.end()
        counted = page.facets
        if with_facets and counted is None:
            counted = facets(session, query.where, access=access)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == NO_TABLE:
            raise encoders.retired(encoder.slug) from error
        raise
    partly = known.parts != whole.parts
    reason = page.reason or ("shard_down" if partly else None)
    return Ranking(
        tuple(page.picked),
        page.method,
        None if partly else page.matching,
        complete=reason is None,
        sentence=asked.sentence,
        reason=reason,
        facets=counted,
    )


def _without_absent(known: Statistics, absent: frozenset[str], query: StyleQuery) -> Statistics:
    """Return what is known of the parts of a gallery that can be asked."""
    if query.readout.measure != "cosine":
        raise not_parted(query.readout.measure)
    if query.mode == "binary":
        raise part_indexes.no_binary()
    present = tuple(part for part in known.parts if part.shard not in absent)
    if not present:
        raise ShardDownError(*absent)
    return replace(known, parts=present)


def not_parted(measure: Measure) -> InputError:
    """Return the error that a readout needs more than shards have."""
    return InputError(
        f"The readout {measure} is not to be had in a gallery that is split over shards.",
        hint="Search by the cosine.",
        code="readout_not_parted",
    )


def _space(session: Session, encoder: EncoderRow) -> Space:
    found = whitening.space(session, encoder)
    if found is None and shards.parts(session, encoder.partition):
        raise not_parted("whitened")
    if found is None:
        raise ServiceError(
            f"No space has been fitted yet to the gallery of {encoder.slug!r}.",
            hint=f"Run 'stylesearch index measure', with at least {whitening.LEAST} works; or search by the cosine.",
            code="not_measured",
        )
    return found


@dataclass(frozen=True, slots=True)
class _Scope:
    """What is searched: the filter, on whose behalf, and what is known of what it lets through."""

    asked: Clause
    access: Access
    statistics: Statistics

    @property
    def unfiltered(self) -> _Scope:
        """All that everybody may see."""
        return _Scope(
            Clause(true(), "", ""),
            Access.EVERYBODY,
            replace(self.statistics, matching=self.statistics.rows),
        )


@dataclass(frozen=True, slots=True)
class _Page:
    """What was found."""

    picked: list[Candidate]
    method: Method
    matching: int | None = None
    reason: str | None = None
    facets: Facets | None = None


class _Search:
    """One search, in the caller's transaction."""

    def __init__(
        self,
        encoder: EncoderRow,
        settings: Settings,
        asking: Asking,
        scope: _Scope,
        without: frozenset[int],
    ) -> None:
        self._encoder = encoder
        self._settings = settings
        self._asking = asking
        self._scope = scope
        self._without = without

    def run(self, rankings: list[Ask], query: StyleQuery, *, with_facets: bool) -> _Page:
        if query.readout.measure == "csls":
            rankings = [self._with_crowding(one, query) for one in rankings]
        if len(rankings) == 1:
            return self._rank(rankings[0], query, self._scope, with_facets=with_facets)
        return self._joined(rankings, query)

    def _joined(self, rankings: list[Ask], query: StyleQuery) -> _Page:
        """Rank by each example on its own, and join the rankings by their ranks."""
        deep = query.with_(k=RANK_DEPTH, group="image", per_artist=None)
        artists = query.per_artist is not None
        pages = [self._rank(one, deep, self._scope, artists=artists) for one in rankings]
        weights = [one.weight for one in rankings]
        near = {
            one.image_id: one
            for page, weight in zip(pages, weights, strict=True)
            if weight > 0
            for one in page.picked
        }
        joined = fused([[one.image_id for one in page.picked] for page in pages], weights)
        page = picked((replace(one, score=joined[image_id]) for image_id, one in near.items()), query)
        reason = next((one.reason for one in pages if one.reason), None)
        cut = any(len(one.picked) == RANK_DEPTH for one in pages)
        if reason is None and cut and len(page) < query.k:
            reason = "rank_depth"
        method: Method = next((one.method for one in pages if one.method != "exact"), "exact")
        return _Page(page, method, pages[0].matching, reason)

    def _rank(
        self,
        ask: Ask,
        query: StyleQuery,
        scope: _Scope,
        *,
        artists: bool = False,
        with_facets: bool = False,
    ) -> _Page:
        """Rank by one example, looking further, and at last at everything, until the page is right."""
        statements = self._statements(ask, query, scope)
        reranked = query.readout.measure != "cosine" or len(ask.others) > 0
        way = Way(query, scope.statistics, self._settings, self._encoder.slug, reranked=reranked)
        few = scope.statistics.matching <= COUNTED
        best: _Page | None = None
        while True:
            wanted = Wanted(
                way.limit,
                floor=statements.floor(query, way.plan.method),
                by_work=way.by_work,
                artists=artists or query.per_artist is not None,
                counted=way.exact and few,
                facets=way.exact and few and with_facets and not scope.statistics.parts,
                parted=bool(scope.statistics.parts),
            )
            try:
                answer = self._answer(way, statements, ask, query, wanted, scope.statistics)
            except TimeIsOverError as error:
                if best is None or not best.picked:
                    raise error.told from None
                return replace(best, reason="timeout")
            page = picked(answer.candidates, query)
            best = _Page(page, way.plan.method, answer.matching, facets=answer.facets)
            if not way.leads_on(page, answer, statements.slack):
                return best

    def _statements(self, ask: Ask, query: StyleQuery, scope: _Scope) -> Statements:
        asked = (self._encoder, ask, query.readout, scope.asked)
        parts = scope.statistics.parts
        if parts:
            return PartedStatements(*asked, parts=parts, access=scope.access, without=self._without)
        return Statements(*asked, access=scope.access, without=self._without)

    def _answer(
        self,
        way: Way,
        statements: Statements,
        ask: Ask,
        query: StyleQuery,
        wanted: Wanted,
        known: Statistics,
    ) -> Answer:
        if isinstance(statements, PartedStatements):
            return self._parted_answer(way, statements, ask, query, wanted, known)
        statement = statements.of(way.plan.method, wanted)
        answer = read(self._asking.rows(way.plan, statement, statements.values), ask, query.readout, wanted)
        if way.exact or query.group != "work" or query.after is None or not answer.candidates:
            return answer
        # A work was perhaps shown on a page before, by another of its images.
        works = {one.work_id for one in answer.candidates}
        rows = self._asking.rows(way.plan, statements.of_works(sorted(works), wanted), statements.values)
        return replace(answer, candidates=read(rows, ask, query.readout, wanted).candidates)

    def _parted_answer(
        self,
        way: Way,
        statements: PartedStatements,
        ask: Ask,
        query: StyleQuery,
        wanted: Wanted,
        known: Statistics,
    ) -> Answer:
        plan, images = way.plan, None
        reach = brought_by_part(known, wanted.limit)
        if way.exact and known.matching <= COUNTED:
            images = [row.id for row in self._asking.rows(plan, statements.images(), statements.values)]
            if not images:
                return Answer([], -np.inf, exhausted=True, matching=0)
            reach = wanted.limit
        statement = statements.nearest(plan.method, wanted, reach=reach, images=images)
        answer = read(self._asking.rows(plan, statement, statements.values), ask, query.readout, wanted)
        if query.group != "work" or query.after is None or not answer.candidates:
            return answer
        # A work was perhaps shown on a page before, by another of its images.
        works = sorted({one.work_id for one in answer.candidates})
        images = [row.id for row in self._asking.rows(plan, statements.images(works), statements.values)]
        whole = Wanted(len(images), artists=wanted.artists, parted=True)
        statement = statements.nearest("exact", whole, reach=len(images) + 1, images=images)
        rows = self._asking.rows(plan, statement, statements.values)
        return replace(answer, candidates=read(rows, ask, query.readout, whole).candidates)

    def _with_crowding(self, ask: Ask, query: StyleQuery) -> Ask:
        """Measure how crowded it is around an example, and around those that works should be unlike."""
        if self._encoder.density is None:
            raise ServiceError(
                f"Nobody has measured yet how crowded the gallery of {self._encoder.slug!r} is.",
                hint="Run 'stylesearch index measure', or search by the cosine.",
                code="not_measured",
            )
        return ask.with_crowding([self._crowding(vector, query.mode) for vector in ask.vectors])

    def _crowding(self, vector: NDArray[np.float64], mode: Mode) -> float:
        near = StyleQuery(k=NEIGHBOURS, group="image", mode=mode)
        none = np.zeros(0)
        alone = Ask(vector, np.zeros((0, len(vector))), none, none)
        found = self._rank(alone, near, self._scope.unfiltered).picked
        return float(np.mean([one.score for one in found])) if found else 0.0
