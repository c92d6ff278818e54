"""How much of the exact answer an index finds: measured on a sample of the gallery's own descriptors, and kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from stylesearch.catalog import encoders, indexes, shards
from stylesearch.catalog.database import Database
from stylesearch.catalog.descriptors import EncoderRow, IndexCheck
from stylesearch.catalog.halfvecs import unpack_halfvecs
from stylesearch.catalog.hnsw import KINDS, Kind
from stylesearch.catalog.part_indexes import no_binary
from stylesearch.catalog.shard_connections import unreachable
from stylesearch.search.engine import search
from stylesearch.search.query import StyleQuery
from stylesearch.search.scoring import Weighted
from stylesearch.settings import Settings

SAMPLE, K = 40, 10
STALE = "1 day"
GROWN = 1.25
"""Measured again after a day, or once the gallery is so many times as large as it was."""

SPARE = 4
"""So many times as many images are looked at, since some may not have been described."""

CHECK_LOCK = 0x43484B  # "CHK"


@dataclass(frozen=True, slots=True)
class Recall:
    """What was measured: ``share``, 0 to 1, of the ``k`` nearest that the index finds, over ``sample`` searches."""

    share: float
    sample: int
    k: int = K


def measure(
    session: Session, row: EncoderRow, settings: Settings, *, kind: Kind = "hnsw", sample: int = SAMPLE
) -> Recall:
    """Measure an index against the exact way, and keep what was measured.

    Works that are as near as the last of the exact answer count as found, since any of them would be right.

    Raises
    ------
    InputError
        ``mode_not_parted``, if a gallery that is split can have none of that kind.
    ServiceError
        ``no_index``, if there is none; ``shard_down``.
    """
    if kind == "binary" and shards.parts(session, row.partition):
        raise no_binary()
    if not indexes.has_index(session, row, kind):
        raise indexes.no_index(row.slug, kind)
    found = expected = 0
    vectors = sample_of(session, row, sample)
    for vector in vectors:
        wanted = Weighted(vector[None], np.ones(1))
        exact = search(session, row, wanted, StyleQuery(k=K, mode="exact"), settings).ranked
        indexed = search(session, row, wanted, StyleQuery(k=K, mode=kind), settings).ranked
        found += sum(one.score >= exact[-1].score for one in indexed) if exact else 0
        expected += len(exact)
    recall = Recall(found / expected if expected else 1.0, len(vectors))
    _keep(session, row, recall, kind, settings)
    return recall


def measure_where_due(database: Database, settings: Settings) -> None:
    """Measure the indexes of galleries that serve where that was long ago, or never; one process at a time.

    A gallery of which a part is away is left for later.
    """
    down = unreachable(database)
    with database.session() as session:
        if not session.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": CHECK_LOCK}):
            return
        for row in encoders.all_active(session):
            if any(part.shard in down for part in shards.parts(session, row.partition)):
                continue
            for kind in KINDS:
                if indexes.has_index(session, row, kind) and _is_due(session, row, kind):
                    measure(session, row, settings, kind=kind)


def sample_of(session: Session, row: EncoderRow, number: int) -> NDArray[np.float64]:
    """Return descriptors of a gallery, the same ones each time: ``[number, dim]``, or fewer."""
    stored = [vector for _, vector in stored_sample(session, row, number)]
    return unpack_halfvecs(stored) if stored else np.zeros((0, row.dim))


def stored_sample(session: Session, row: EncoderRow, number: int) -> list[tuple[int, bytes]]:
    """Return images of a gallery with their descriptors as they are stored, the same ones each time."""
    which, ids = "", None
    if shards.parts(session, row.partition):
        # Shards would send all they have to be put in order here. That of the images is known here.
        ids = session.scalars(
            text("SELECT id FROM image ORDER BY md5(id::text) LIMIT :most"), {"most": SPARE * number}
        ).all()
        which = "WHERE image_id = ANY(:ids)"
    rows = session.execute(
        text(
            f"SELECT image_id, halfvec_send(vector) FROM {row.partition} {which}"
            " ORDER BY md5(image_id::text) LIMIT :number"
        ),
        {"number": number} | ({} if ids is None else {"ids": ids}),
    )
    return [(image_id, bytes(vector)) for image_id, vector in rows]


def _is_due(session: Session, row: EncoderRow, kind: Kind) -> bool:
    return not session.scalar(
        text(
            "SELECT EXISTS (SELECT FROM index_check JOIN pg_class ON oid = to_regclass(:partition)"
            f" WHERE encoder_id = :encoder AND kind = :kind AND measured_at > now() - interval '{STALE}'"
            f" AND coalesce(:about, reltuples) <= gallery * {GROWN})"
        ),
        {
            "encoder": row.id,
            "kind": kind,
            "partition": row.partition,
            "about": shards.about(session, row.partition),
        },
    )


def _keep(session: Session, row: EncoderRow, recall: Recall, kind: Kind, settings: Settings) -> None:
    gallery = shards.count(session, row.partition)
    values = {
        "recall": recall.share,
        "sample": recall.sample,
        "k": recall.k,
        "ef": settings.search_ef,
        "gallery": gallery,
        "measured_at": func.now(),
    }
    statement = insert(IndexCheck).values(encoder_id=row.id, kind=kind, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["encoder_id", "kind"], set_=values))
