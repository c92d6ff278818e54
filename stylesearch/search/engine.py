"""From a descriptor and a query to ranked images: right first, and honest where it was cut short."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, func, literal_column, select, text
from sqlalchemy.orm import Session

from stylesearch.catalog import encoders
from stylesearch.catalog.descriptors import Descriptor, EncoderRow
from stylesearch.catalog.works import Image, Work
from stylesearch.errors import InputError, ServiceError
from stylesearch.search.filters import clauses, sentence, visible
from stylesearch.search.query import StyleQuery
from stylesearch.settings import Settings

SCORE_DIGITS = 9
HALF_MAX = float(np.finfo(np.float16).max)
# The database compares in single precision; a few more than k are fetched and compared again in double, so that
# neither the order nor a score hangs on the machine.
SPARE = 32
# How far the scan through the index may go before it gives up; it then shows in `complete`, unless an exact look settles it.
MOST_SCANNED = 200_000


@dataclass(frozen=True, slots=True)
class Ranked:
    """An image and how near its style is.

    Attributes
    ----------
    score:
        Cosine of the two descriptors, -1 to 1, in double precision from the stored half-precision numbers.
    """

    image_id: int
    work_id: int
    score: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """A query's answer.

    Attributes
    ----------
    method:
        ``exact`` or ``hnsw``: how it was found.
    matching:
        Works that the filters let through; ``None`` where they were not counted because there are too many.
    complete:
        Whether there are as many as were asked for, or as many as there are.
    """

    ranked: tuple[Ranked, ...]
    method: str
    matching: int | None
    complete: bool
    sentence: str


def search(
    session: Session, encoder: EncoderRow, vector: NDArray[np.float32], query: StyleQuery, settings: Settings
) -> Ranking:
    """Rank the gallery by nearness of style.

    Parameters
    ----------
    vector:
        ``[dim]``, the example's descriptor.

    Raises
    ------
    InputError
        If the descriptor has another length than the gallery's or is not finite, or a filter names something unknown.
    ServiceError
        If ``mode`` is ``hnsw`` and there is no index.
    """
    _check_vector(vector, encoder)
    found = clauses(session, query.filters)
    conditions = [visible(), *(clause.sql for clause in found)]
    if query.exclude_images:
        conditions.append(Image.id.not_in(sorted(query.exclude_images)))
    session.execute(
        text("SELECT set_config('statement_timeout', :ms, true)"),
        {"ms": str(max(1, int(settings.search_timeout_seconds * 1000)))},
    )
    matching = _count(session, encoder, conditions, at_most=settings.search_exact_rows)
    indexed = encoders.has_index(session, encoder)
    if query.mode == "hnsw" and not indexed:
        raise ServiceError(
            f"The encoder {encoder.slug!r} has no index.",
            hint="Build it with 'stylesearch index build', or search with --mode exact.",
            code="no_index",
        )
    use_index = indexed and (query.mode == "hnsw" or (query.mode == "auto" and matching is None))
    method = "hnsw" if use_index else "exact"
    rows = _nearest(session, encoder, vector, conditions, query.k, use_index=use_index, ef=settings.search_ef)
    if use_index and len(rows) < query.k and (matching is None or len(rows) < matching):
        # The scan through the index ran out before the filters let enough through.
        rows = _nearest(session, encoder, vector, conditions, query.k, use_index=False, ef=settings.search_ef)
        method = "exact"
    ranked = _rank(rows, vector)[: query.k]
    expected = query.k if matching is None else min(query.k, matching)
    return Ranking(ranked, method, matching, complete=len(ranked) >= expected, sentence=sentence(found))


def _check_vector(vector: NDArray[np.float32], encoder: EncoderRow) -> None:
    if vector.shape != (encoder.dim,):
        raise InputError(
            f"The descriptor has the shape {vector.shape}; the encoder {encoder.slug!r} gives ({encoder.dim},).",
            hint="Describe the example with the same encoder as the gallery.",
            code="descriptor_dim",
        )
    halves = vector.astype(np.float64).clip(-HALF_MAX, HALF_MAX).astype(np.float16)
    if not np.isfinite(vector).all() or not (np.abs(vector) <= HALF_MAX).all() or not halves.any():
        raise InputError(
            "The descriptor is zero, or not finite in half precision.", code="descriptor_invalid"
        )


def _from_gallery(
    statement: Select[Any], encoder: EncoderRow, conditions: list[ColumnElement[bool]]
) -> Select[Any]:
    # The number stands in the statement as it is, so that the planner sees which partition is meant.
    return (
        statement.select_from(Descriptor)
        .join(Image, Image.id == Descriptor.image_id)
        .join(Work, Work.id == Image.work_id)
        .where(Descriptor.encoder_id == literal_column(str(int(encoder.id))), *conditions)
    )


def _count(
    session: Session, encoder: EncoderRow, conditions: list[ColumnElement[bool]], *, at_most: int
) -> int | None:
    """Count matching images, or return ``None`` where there are more than ``at_most``."""
    some = _from_gallery(select(literal_column("1")), encoder, conditions).limit(at_most + 1).subquery()
    number = session.scalar(select(func.count()).select_from(some)) or 0
    return None if number > at_most else number


def _nearest(
    session: Session,
    encoder: EncoderRow,
    vector: NDArray[np.float32],
    conditions: list[ColumnElement[bool]],
    k: int,
    *,
    use_index: bool,
    ef: int,
) -> list[tuple[int, int, bytes]]:
    """Fetch the nearest images with their stored descriptors.

    The index stands on the descriptor cast to its width; an order by the bare column cannot use it, and so is exact.
    """
    example = "[" + ",".join(map(repr, vector.astype(float).tolist())) + "]"
    width = f"halfvec({int(encoder.dim)})"
    stored = "descriptor.vector"
    if use_index:
        session.execute(text("SET LOCAL hnsw.iterative_scan = relaxed_order"))
        session.execute(text(f"SET LOCAL hnsw.ef_search = {int(ef)}"))
        session.execute(text(f"SET LOCAL hnsw.max_scan_tuples = {MOST_SCANNED}"))
        session.execute(text("SET LOCAL enable_sort = off"))
        stored = f"descriptor.vector::{width}"
    distance = text(f"({stored}) <=> CAST(:example AS {width})")
    statement = _from_gallery(
        select(Image.id, Work.id, func.halfvec_send(Descriptor.vector)), encoder, conditions
    )
    statement = statement.order_by(distance) if use_index else statement.order_by(distance, Image.id)
    rows = session.execute(statement.limit(k + SPARE), {"example": example})
    result = [(image_id, work_id, bytes(stored_bytes)) for image_id, work_id, stored_bytes in rows]
    if use_index:
        session.execute(text("SET LOCAL enable_sort = on"))
    return result


def _rank(rows: list[tuple[int, int, bytes]], vector: NDArray[np.float32]) -> tuple[Ranked, ...]:
    """Order rows by their cosine in double precision, equal ones by image id."""
    if not rows:
        return ()
    stored = unpack_halfvecs([row[2] for row in rows])
    scores = cosine(stored, vector)
    ranked = [
        Ranked(image_id, work_id, score) for (image_id, work_id, _), score in zip(rows, scores, strict=True)
    ]
    return tuple(sorted(ranked, key=lambda one: (-one.score, one.image_id)))


def cosine(stored: NDArray[np.float64], vector: NDArray[np.float32]) -> list[float]:
    """Return the cosine of each row with a vector, rounded so that equal rows have equal scores on every machine.

    Parameters
    ----------
    stored:
        ``[n, dim]``.
    vector:
        ``[dim]``, rounded to half precision first, as the database does.
    """
    example = vector.astype(np.float16).astype(np.float64)
    norms = np.linalg.norm(stored, axis=1) * np.linalg.norm(example)
    return [round(float(score), SCORE_DIGITS) for score in (stored @ example) / norms]


def unpack_halfvecs(values: list[bytes]) -> NDArray[np.float64]:
    """Return halfvecs in PostgreSQL's binary form (``halfvec_send``) as ``[n, dim]``."""
    header = 4  # length and a reserved word, two bytes each
    return np.stack([np.frombuffer(value, dtype=">f2", offset=header) for value in values]).astype(np.float64)
