"""The statements of a search: one a plan, with visibility, filters and nearness together in it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pgvector.sqlalchemy import HALFVEC, VECTOR
from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    Double,
    FromClause,
    Integer,
    TableClause,
    all_,
    bindparam,
    cast,
    column,
    func,
    literal,
    literal_column,
    select,
    table,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import BIT
from sqlalchemy.types import NullType

from stylesearch.catalog.access import Access
from stylesearch.catalog.artists import WorkArtist
from stylesearch.catalog.descriptors import Density, EncoderRow, Whitened
from stylesearch.catalog.works import Image, Work
from stylesearch.search.clauses import Clause, visible_conditions
from stylesearch.search.facets import Rows, facet_statement
from stylesearch.search.plans import OVERSAMPLING, Method
from stylesearch.search.query import StyleQuery
from stylesearch.search.readout import Readout
from stylesearch.search.scoring import Ask
from stylesearch.search.vectors import halfvec_text, unit

_EXAMPLE: ColumnElement[Any] = bindparam("example", type_=NullType())
NOT_LEFT_OUT = Image.id != all_(bindparam("without", type_=ARRAY(BigInteger)))
"""That an image is none of those that are left out."""

MOST_KEPT = 1000
_kept: dict[tuple[Hashable, ...], Rows] = {}
"""Statements that differ from each other by more than their values."""

SLACK = 1e-5
"""What single precision may get wrong of a distance, generously: so much nearer or farther is told apart by our own sums."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a statement is to bring.

    Attributes
    ----------
    limit:
        How many images, or works where ``by_work``.
    floor:
        Only what is at least this far away, where a page before has shown the rest.
    by_work:
        Whether works are ordered by their nearest image, each coming with all its images that may be the nearest.
    artists:
        Whether the ids of their artists are needed.
    counted:
        Whether to count all that the filters let through.
    facets:
        Whether to count their fields too.
    parted:
        Whether several servers bring it, who tell how far it can be relied on.
    """

    limit: int
    floor: float | None = None
    by_work: bool = False
    artists: bool = False
    counted: bool = False
    facets: bool = False
    parted: bool = False


def base_score(ask: Ask, readout: Readout) -> float:
    """Return what a score and its distance in a statement add up to."""
    return 2.0 - ask.crowding if readout.measure == "csls" else 1.0


class Statements:
    """Makes the statements of one ranking in one gallery."""

    def __init__(
        self,
        encoder: EncoderRow,
        ask: Ask,
        readout: Readout,
        asked: Clause,
        *,
        access: Access = Access.EVERYBODY,
        without: Iterable[int] = (),
    ) -> None:
        self._dim = int(encoder.dim)
        self._encoder = encoder
        self._ask = ask
        self._readout = readout
        self._asked = asked
        self._access = access
        self._conditions = visible_conditions([asked], access)
        self._without = sorted(without)
        # The encoder's own partition: where it is gone the statement fails, and does not find nothing.
        self._descriptors = descriptors_of(encoder.partition)
        self._example = cast(_EXAMPLE, HALFVEC(self._dim))

    @cached_property
    def values(self) -> dict[str, Any]:
        """What the statements are executed with."""
        space, vector = self._ask.space, self._ask.vector
        # What an index is followed towards: of a space, only the direction can be told it.
        towards = vector if space is None else unit(space.towards(vector)[0])
        return {"example": halfvec_text(towards)} | ({"without": self._without} if self._without else {})

    @property
    def slack(self) -> float:
        """What single precision may get wrong of a score."""
        readout = self._readout
        twice = 2.0 if readout.measure == "csls" else 1.0
        space = self._ask.space
        if space is not None:
            twice += (
                max(float(np.linalg.norm(space.towards(one)[0])) for one in self._ask.vectors) / space.length
            )
        return SLACK * twice * (1 + (2 * readout.force if len(self._ask.others) else 0))

    def floor(self, query: StyleQuery, method: Method) -> float | None:
        """Return from which distance on a page looks, a little before the place where the one before ended.

        ``None`` where it has to look from the beginning: to count how often an artist was shown, or because an index goes
        by another distance than the score does.
        """
        ask, readout = self._ask, self._readout
        plain = readout.measure == "cosine" and not len(ask.others)
        if query.after is None or query.per_artist is not None or (method != "exact" and not plain):
            return None
        return base_score(ask, readout) - query.after.score - self.slack

    def of(self, method: Method, wanted: Wanted) -> Rows:
        """Return the statement that ranks by a method.

        Where only its values make it differ from that of another search, it is made once: making it takes about as long as
        the database does to plan it.
        """
        if not self._only_values_differ or wanted.floor is not None:
            return self._made(method, wanted)
        key = (self._encoder.partition, self._dim, self._access, bool(self._without), method, wanted)
        statement = _kept.get(key)
        if statement is None:
            if len(_kept) >= MOST_KEPT:
                _kept.clear()
            statement = _kept[key] = self._made(method, wanted)
        return statement

    @property
    def _only_values_differ(self) -> bool:
        return self._asked.everything and self._readout.measure == "cosine" and not len(self._ask.others)

    def _made(self, method: Method, wanted: Wanted) -> Rows:
        if method == "exact":
            return self.exact(wanted)
        return self.through_index(wanted) if method == "hnsw" else self.through_binary_index(wanted)

    def exact(self, wanted: Wanted) -> Rows:
        """Compare every descriptor that the filters let through."""
        works = None
        source: FromClause = Work.__table__
        conditions = self._conditions
        if wanted.facets:
            # The works are found once, for the ranking and for the counts.
            works = select(Work.id.label("work_id")).where(*self._conditions).cte("works")
            source, conditions = works, []
        key = Work.id if works is None else works.c.work_id
        found = self._found(source, key, conditions).cte("found")
        counts = self._counts(found, works, wanted)
        if wanted.by_work:
            return self._by_work(found, wanted, counts)
        nearest = select(found)
        if wanted.floor is not None:
            nearest = nearest.where(found.c.distance >= wanted.floor)
        nearest = nearest.order_by(found.c.distance, found.c.image_id).limit(wanted.limit)
        return self._brought(nearest.cte("nearest"), wanted, counts)

    def through_index(self, wanted: Wanted) -> Rows:
        """Follow the index from the descriptor outwards, and leave out what the filters do not let through.

        The index stands on the descriptor cast to its width, and so does the order here.
        """
        indexed: ColumnElement[float] = self._at_width().op("<=>", return_type=Double())(self._example)
        found = self._found(Work.__table__, Work.id, self._conditions, distance=indexed)
        if wanted.floor is not None:
            found = found.where(indexed >= wanted.floor)
        nearest = found.order_by(indexed).limit(_plain(wanted.limit)).cte("nearest")
        return _putting_back(self._brought(nearest, wanted, {}))

    def through_binary_index(self, wanted: Wanted) -> Rows:
        """Follow the index of the signs, and compare what it brings exactly."""
        signs = cast(func.binary_quantize(self._at_width()), BIT(self._dim))
        rough = (
            self._found(Work.__table__, Work.id, self._conditions)
            .order_by(signs.op("<~>")(func.binary_quantize(self._example)))
            .limit(_plain(wanted.limit * OVERSAMPLING))
            .cte("rough")
        )
        nearest = select(rough).order_by(rough.c.distance, rough.c.image_id).limit(wanted.limit)
        return _putting_back(self._brought(nearest.cte("nearest"), wanted, {}))

    def of_works(self, works: Sequence[int], wanted: Wanted) -> Rows:
        """Bring every image of some works."""
        found = self._found(Work.__table__, Work.id, [*self._conditions, Work.id.in_(sorted(works))])
        return self._brought(found.cte("nearest"), wanted, {})

    def _found(
        self,
        works: FromClause,
        work_id: ColumnElement[int] | Any,
        conditions: Sequence[ColumnElement[bool]],
        *,
        distance: ColumnElement[float] | None = None,
    ) -> Rows:
        descriptors = self._descriptors
        joined = (
            select(
                Image.id.label("image_id"),
                Image.work_id,
                (self._distance() if distance is None else distance).label("distance"),
            )
            .select_from(descriptors)
            .join(Image, Image.id == descriptors.c.image_id)
            .join(works, work_id == Image.work_id)
        )
        if self._readout.measure == "csls" and distance is None:
            joined = joined.outerjoin(
                Density, (Density.image_id == Image.id) & (Density.encoder_id == self._encoder.id)
            )
        if self._readout.measure == "whitened" and distance is None:
            joined = joined.outerjoin(
                Whitened, (Whitened.image_id == Image.id) & (Whitened.encoder_id == self._encoder.id)
            )
        if self._without:
            joined = joined.where(NOT_LEFT_OUT)
        return joined.where(*conditions)

    def _distance(self) -> ColumnElement[float]:
        """Return how far a descriptor is by the readout, in single precision: least for the best score."""
        ask, csls = self._ask, self._readout.measure == "csls"
        twice = 2.0 if csls else 1.0
        nearest = self._bare_distance(ask.vector)
        total: ColumnElement[float] = nearest * twice + self._crowding() if csls else nearest
        for other, share, crowding in zip(ask.others, ask.shares, ask.others_crowding, strict=True):
            # The scores' difference: how crowded it is around the work falls out of it.
            other_distance = self._bare_distance(other)
            lead = (nearest - other_distance) * twice + float(ask.crowding - crowding)
            missing = self._at_least_zero(lead + self._readout.margin)
            total = total + missing * float(self._readout.force * share)
        return type_coerce(total, Double())

    def _at_least_zero(self, value: ColumnElement[float]) -> ColumnElement[float]:
        return func.greatest(0.0, value)

    def _bare_distance(self, vector: NDArray[np.float64]) -> ColumnElement[float]:
        stored, space = self._descriptors.c.vector, self._ask.space
        if space is None:
            asked = self._example if vector is self._ask.vector else _halfvec(vector)
            return stored.op("<=>", return_type=Double())(asked)
        along, offset = space.towards(vector)
        # The operator's product is a negative one.
        product: ColumnElement[float] = cast(stored, VECTOR(self._dim)).op("<#>", return_type=Double())(
            _vector(along)
        )
        return type_coerce(1.0 + (product + offset) / func.coalesce(Whitened.length, space.length), Double())

    def _crowding(self) -> ColumnElement[float]:
        # A work that came in since the last refresh counts as one in usual company.
        return func.coalesce(Density.mean, float(self._encoder.density or 0.0))

    def _at_width(self) -> ColumnElement[Any]:
        return cast(self._descriptors.c.vector, HALFVEC(self._dim))

    def _by_work(self, found: CTE, wanted: Wanted, counts: dict[str, ColumnElement[Any]]) -> Rows:
        least = func.min(found.c.distance)
        best = select(found.c.work_id, least.label("distance")).group_by(found.c.work_id)
        if wanted.floor is not None:
            best = best.having(least >= wanted.floor)
        works = best.order_by(least, found.c.work_id).limit(wanted.limit).cte("best")
        nearest = (
            select(found)
            .join(works, works.c.work_id == found.c.work_id)
            .where(found.c.distance <= works.c.distance + self.slack)
        )
        return self._brought(nearest.cte("nearest"), wanted, counts)

    def _counts(self, found: CTE, works: CTE | None, wanted: Wanted) -> dict[str, ColumnElement[Any]]:
        counts: dict[str, ColumnElement[Any]] = {}
        if wanted.counted or wanted.facets:
            counts["matching"] = select(func.count()).select_from(found).scalar_subquery()
        if works is not None:
            rows = facet_statement(works).subquery()
            row = func.json_build_array(*rows.c)
            counts["facets"] = select(func.json_agg(row)).scalar_subquery()
        return counts

    def _brought(self, nearest: CTE, wanted: Wanted, counts: dict[str, ColumnElement[Any]]) -> Rows:
        """Return the statement that brings candidates with all that their scores need, and the counts in each row."""
        descriptors = self._descriptors
        columns: list[ColumnElement[Any]] = [
            nearest.c.image_id,
            nearest.c.work_id,
            nearest.c.distance,
            func.halfvec_send(descriptors.c.vector).label("vector"),
        ]
        if wanted.artists:
            credited = select(WorkArtist.artist_id).where(WorkArtist.work_id == nearest.c.work_id)
            ids = credited.correlate(nearest).scalar_subquery()
            columns.append(func.array(ids, type_=ARRAY(BigInteger)).label("artists"))
        joined = nearest.join(descriptors, descriptors.c.image_id == nearest.c.image_id)
        statement = select(*columns)
        if self._readout.measure == "csls":
            joined = joined.outerjoin(
                Density,
                (Density.image_id == nearest.c.image_id) & (Density.encoder_id == self._encoder.id),
            )
            statement = statement.add_columns(self._crowding().label("crowding"))
        statement = statement.select_from(joined)
        if not counts:
            return statement
        # Counts come even where nothing is near enough: one row a search at least.
        totals = select(*(value.label(name) for name, value in counts.items())).subquery("totals")
        inner = statement.subquery("brought")
        return select(inner, totals).select_from(totals.outerjoin(inner, true()))


@cache
def descriptors_of(name: str) -> TableClause:
    """Return a table of descriptors by its name."""
    return table(name, column("image_id", BigInteger), column("vector", HALFVEC()))


def _plain(number: int) -> ColumnElement[int]:
    """Return a number as it is, so that a plan that is kept is made for it."""
    return literal_column(str(int(number)), Integer())


def _putting_back(statement: Rows) -> Rows:
    """Return a statement that ends, as it runs, the setting that it had to be planned with."""
    return statement.add_columns(func.set_config("enable_sort", "on", True).label("put_back"))


def _halfvec(vector: NDArray[np.float64]) -> ColumnElement[Any]:
    """Return ``[dim]`` numbers as a value of the statement."""
    return cast(_untyped(halfvec_text(vector)), HALFVEC(len(vector)))


def _vector(vector: NDArray[np.float64]) -> ColumnElement[Any]:
    """Return ``[dim]`` numbers as a value of the statement, in single precision."""
    numbers = ",".join(f"{number:.9g}" for number in vector.tolist())
    return cast(_untyped(f"[{numbers}]"), VECTOR(len(vector)))


def _untyped(value: str) -> ColumnElement[Any]:
    """Return a text that the server reads once, as what it is cast to; one told to be text is cast anew for each row."""
    return literal(value, NullType())
