"""A space in which a gallery spreads alike in all directions: fitted to it, and fitted anew as it grows.

What all works of a gallery have in common says nothing about any of them. Where that is taken off, and directions in which
works hardly differ count as much as those in which they differ most, the mean of several examples points nearer to what
only they have in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from stylesearch.catalog import shards
from stylesearch.catalog.access import VISIBLE_SQL
from stylesearch.catalog.connections import copy_binary
from stylesearch.catalog.database import Database
from stylesearch.catalog.descriptors import EncoderRow, Whitened, Whitening
from stylesearch.catalog.halfvecs import unpack_halfvecs

SHRUNK = 0.1
"""So much of the mean variance is added to each direction's own, so that mere noise is not blown up."""

LEAST = 20
"""To fewer works than these nothing is fitted."""

GROWN = 2.0
"""A space is fitted anew once the gallery is so many times as large as it was."""

SAMPLE, BATCH = 50_000, 10_000
WHITENING_LOCK = 0x574849  # "WHI"


@dataclass(frozen=True, slots=True)
class Space:
    """A whitened space.

    Attributes
    ----------
    centre:
        ``[dim]``: the gallery's mean.
    matrix:
        ``[dim, dim]``: from what is left of a descriptor to its place in the space.
    length:
        How long the gallery's descriptors are there, on the whole.
    """

    centre: NDArray[np.float64]
    matrix: NDArray[np.float64]
    length: float

    def places(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where ``[n, dim]`` descriptors are in the space: ``[n, dim]``."""
        found: NDArray[np.float64] = (vectors - self.centre) @ self.matrix
        return found

    def towards(self, place: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        """Return what tells how far descriptors are in a direction of the space: ``[dim]`` to multiply by, and what to take off."""
        along: NDArray[np.float64] = self.matrix @ (place / np.linalg.norm(place))
        return along, float(self.centre @ along)


_known: WeakKeyDictionary[Any, dict[int, tuple[datetime, Space]]] = WeakKeyDictionary()


def space(session: Session, encoder: EncoderRow) -> Space | None:
    """Return the space that was fitted to a gallery, ``None`` if none was yet."""
    fitted_at = session.scalar(select(Whitening.fitted_at).where(Whitening.encoder_id == encoder.id))
    if fitted_at is None:
        return None
    known = _known.setdefault(session.get_bind(), {})
    if encoder.id not in known or known[encoder.id][0] != fitted_at:
        row = session.get_one(Whitening, encoder.id, populate_existing=True)
        centre = np.frombuffer(row.centre, "<f4").astype(np.float64)
        matrix = np.frombuffer(row.matrix, "<f4").astype(np.float64).reshape(len(centre), -1)
        known[encoder.id] = row.fitted_at, Space(centre, matrix, row.length)
    return known[encoder.id][1]


def fit(vectors: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the centre ``[dim]`` and the matrix ``[dim, dim]`` that whiten ``[n, dim]`` descriptors, without their lengths."""
    centre = vectors.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov((vectors - centre).T))
    return centre, axes / np.sqrt(np.maximum(variances, 0) + SHRUNK * variances.mean())


def refresh(database: Database, encoder: EncoderRow) -> int:
    """Fit a space where there is none or the gallery has outgrown it, and measure lengths that are missing; return how many.

    It is fitted to what everybody may see: what is hidden leaves no trace in a score.
    """
    with database.session() as session:
        if not session.scalar(select(func.pg_try_advisory_xact_lock(WHITENING_LOCK, encoder.id))):
            return 0  # somebody else is at it
        if shards.parts(session, encoder.partition):
            return 0  # lengths would have to be on the other servers, too
        rows = session.scalar(text(f"SELECT count(*) FROM {encoder.partition}")) or 0
        fitted_to = session.scalar(select(Whitening.gallery).where(Whitening.encoder_id == encoder.id))
        if fitted_to is None or rows >= fitted_to * GROWN:
            vectors = _sample(session, encoder, rows)
            if len(vectors) >= LEAST:
                _keep(session, encoder, vectors, rows)
        return _measure(session, encoder)


def _sample(session: Session, encoder: EncoderRow, rows: int) -> NDArray[np.float64]:
    """Return the descriptors of visible works, or of some that hang on nothing but their ids: ``[n, dim]``."""
    stored = session.scalars(
        text(
            f"SELECT halfvec_send(vector) FROM {encoder.partition} AS mine JOIN image ON image.id = mine.image_id"
            f" JOIN work ON work.id = image.work_id AND {VISIBLE_SQL}"
            " WHERE (hashint8(image.id)::bigint + 2147483648) * :rows < 4294967296 * :sample ORDER BY image.id"
        ),
        {"rows": max(rows, SAMPLE), "sample": SAMPLE},
    ).all()
    return unpack_halfvecs([bytes(one) for one in stored]) if stored else np.zeros((0, int(encoder.dim)))


def _keep(session: Session, encoder: EncoderRow, vectors: NDArray[np.float64], rows: int) -> None:
    centre, matrix = (part.astype("<f4") for part in fit(vectors))
    places = Space(centre.astype(np.float64), matrix.astype(np.float64), 1.0).places(vectors)
    values = {
        "centre": centre.tobytes(),
        "matrix": matrix.tobytes(),
        "length": float(np.linalg.norm(places, axis=1).mean()),
        "gallery": rows,
        "fitted_at": func.clock_timestamp(),
    }
    statement = insert(Whitening).values(encoder_id=encoder.id, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["encoder_id"], set_=values))
    session.execute(delete(Whitened).where(Whitened.encoder_id == encoder.id))


def _measure(session: Session, encoder: EncoderRow) -> int:
    """Measure how long descriptors are in the space where that is not known; return how many were."""
    found = space(session, encoder)
    if found is None:
        return 0
    missing = session.execute(
        text(
            f"SELECT image_id, halfvec_send(vector) AS vector FROM {encoder.partition} AS mine WHERE NOT EXISTS"
            " (SELECT FROM whitened WHERE encoder_id = :encoder AND whitened.image_id = mine.image_id)"
        ),
        {"encoder": encoder.id},
        execution_options={"yield_per": BATCH},
    )
    lengths: list[tuple[int, int, float]] = []
    for batch in missing.partitions():
        places = found.places(unpack_halfvecs([bytes(row.vector) for row in batch]))
        norms = np.linalg.norm(places, axis=1)
        lengths += [(encoder.id, row.image_id, float(norm)) for row, norm in zip(batch, norms, strict=True)]
    columns = {"encoder_id": "int8", "image_id": "int8", "length": "float8"}
    copy_binary(session, "whitened", columns, lengths)
    return len(lengths)
