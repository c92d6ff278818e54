"""The statements of a search in a gallery that is split over shards: each is asked for its nearest, and all are joined here.

PostgreSQL hands order and limit to another server where a statement names that server's table, and asks all servers at
once. What filters let through only this server knows: of few images, their ids are sent along; of many, each shard brings
more than are wanted, and what is brought tells how far it can be relied on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Double,
    Integer,
    any_,
    bindparam,
    func,
    literal_column,
    select,
    true,
    type_coerce,
    union_all,
)

from stylesearch.catalog.access import Access
from stylesearch.catalog.artists import WorkArtist
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.catalog.shards import Part
from stylesearch.catalog.works import Image, Work
from stylesearch.search.clauses import Clause
from stylesearch.search.facets import Rows
from stylesearch.search.plans import Method
from stylesearch.search.readout import Readout
from stylesearch.search.scoring import Ask
from stylesearch.search.statements import NOT_LEFT_OUT, Statements, Wanted, descriptors_of


class PartedStatements(Statements):
    """Makes the statements of one ranking in a gallery that is split.

    Parameters
    ----------
    parts:
        What is to be asked.
    """

    def __init__(
        self,
        encoder: EncoderRow,
        ask: Ask,
        readout: Readout,
        asked: Clause,
        *,
        parts: Sequence[Part],
        access: Access = Access.EVERYBODY,
        without: Iterable[int] = (),
    ) -> None:
        super().__init__(encoder, ask, readout, asked, access=access, without=without)
        self._parts = parts

    def images(self, works: Sequence[int] | None = None) -> Rows:
        """Return the statement that brings the ids of images that the filters let through, of some works or of all."""
        found = select(Image.id).join(Work, Work.id == Image.work_id).where(*self._conditions)
        if self._without:
            found = found.where(NOT_LEFT_OUT)
        return found if works is None else found.where(Image.work_id.in_(sorted(works)))

    def nearest(
        self, method: Method, wanted: Wanted, *, reach: int, images: Sequence[int] | None = None
    ) -> Rows:
        """Return the statement that brings the nearest of all parts.

        Parameters
        ----------
        reach:
            How many each part brings.
        images:
            Ids of the only ones that count; without them, what the filters let through is seen to here.
        """
        brought = [
            self._of_part(number, part, method, wanted, reach=reach, images=images)
            for number, part in enumerate(self._parts)
        ]
        near = union_all(*(select(one) for one in brought)).cte("near")
        joined = near.join(Image, Image.id == near.c.image_id)
        found = select(near.c.image_id, Image.work_id, near.c.distance, near.c.vector)
        if images is None:
            found = found.select_from(joined.join(Work, Work.id == Image.work_id)).where(*self._conditions)
            if self._without:
                found = found.where(NOT_LEFT_OUT)
        else:
            found = found.select_from(joined)
        nearest = found.order_by(near.c.distance, near.c.image_id).limit(wanted.limit).cte("nearest")
        columns: list[ColumnElement[Any]] = [
            nearest.c.image_id,
            nearest.c.work_id,
            nearest.c.distance,
            func.halfvec_send(nearest.c.vector).label("vector"),
        ]
        if wanted.artists:
            credited = select(WorkArtist.artist_id).where(WorkArtist.work_id == nearest.c.work_id)
            ids = credited.correlate(nearest).scalar_subquery()
            columns.append(func.array(ids, type_=ARRAY(BigInteger)).label("artists"))
        last = func.max(near.c.distance)
        cut = select(last.label("last")).group_by(near.c.part).having(func.count() >= reach).subquery()
        totals: list[ColumnElement[Any]] = [select(func.min(cut.c.last)).scalar_subquery().label("relied_on")]
        if wanted.counted:
            totals.append(self._counted(images or ()).label("matching"))
        inner, told = select(*columns).subquery("brought"), select(*totals).subquery("totals")
        return select(inner, told).select_from(told.outerjoin(inner, true()))

    def _of_part(
        self,
        number: int,
        part: Part,
        method: Method,
        wanted: Wanted,
        *,
        reach: int,
        images: Sequence[int] | None,
    ) -> Any:
        self._descriptors = descriptors_of(part.table)
        distance = (
            self._at_width().op("<=>", return_type=Double())(self._example)
            if method == "hnsw"
            else self._distance()
        )
        descriptors = self._descriptors
        found = select(
            literal_column(str(number), Integer()).label("part"),
            descriptors.c.image_id,
            descriptors.c.vector,
            distance.label("distance"),
        )
        if images is not None:
            found = found.where(descriptors.c.image_id == any_(_ids(images)))
        if wanted.floor is not None:
            found = found.where(distance >= wanted.floor)
        order = [distance] if method == "hnsw" else [distance, descriptors.c.image_id]
        return found.order_by(*order).limit(literal_column(str(reach), Integer())).subquery()

    def _counted(self, images: Sequence[int]) -> ColumnElement[int]:
        """Count, on the shards, how many of some images have been described."""
        counts = []
        for part in self._parts:
            there = descriptors_of(part.table)
            counts.append(
                select(func.count().label("number"))
                .select_from(there)
                .where(there.c.image_id == any_(_ids(images)))
            )
        each = union_all(*counts).subquery()
        return type_coerce(select(func.sum(each.c.number)).scalar_subquery(), BigInteger())

    def _at_least_zero(self, value: ColumnElement[float]) -> ColumnElement[float]:
        # GREATEST is not handed to other servers.
        return (value + func.abs(value)) / 2.0


def _ids(images: Sequence[int]) -> ColumnElement[Any]:
    return bindparam(None, list(images), type_=ARRAY(BigInteger), unique=True)
