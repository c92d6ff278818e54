"""How galleries and their indexes stand: what there is, whether it is whole, and what was measured of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from stylesearch.catalog import part_indexes, shards
from stylesearch.catalog.descriptors import EncoderRow, IndexCheck
from stylesearch.catalog.hnsw import KINDS, Kind
from stylesearch.catalog.indexes import index_name
from stylesearch.catalog.part_indexes import PartState

WORN = 0.2
"""From this share of dead tuples on, an index is worth being built anew: they are met on the way and lead nowhere."""


@dataclass(frozen=True, slots=True)
class IndexState:
    """How an index stands.

    Attributes
    ----------
    valid:
        Whether it is whole; one that was left half-built is not, and no search uses it.
    built:
        Share, 0 to 1, of one that is being built just now; ``None`` where nobody builds it.
    recall, sample, measured_at:
        What was last measured of it against the exact way; ``None`` where it never was.
    """

    kind: Kind
    size_bytes: int
    valid: bool
    built: float | None
    recall: float | None
    sample: int | None
    measured_at: datetime | None


@dataclass(frozen=True, slots=True)
class GalleryState:
    """How an encoder's partition and its indexes stand.

    Attributes
    ----------
    rows:
        About how many descriptors there are, as the database thinks.
    dead:
        Rows that were deleted or replaced, and that neither VACUUM has taken away yet nor a new index left behind.
    parts:
        How it stands on each shard, if it is split; then the other figures are of all of them that answer, and the index is
        whole if it is so on each.
    """

    slug: str
    status: str
    dim: int
    rows: int
    dead: int
    size_bytes: int
    indexes: tuple[IndexState, ...]
    parts: tuple[PartState, ...] = ()

    @property
    def dead_share(self) -> float:
        """Share, 0 to 1, of dead tuples among all."""
        return self.dead / max(1, self.dead + self.rows)

    @property
    def worn(self) -> bool:
        """Whether the indexes are worth being built anew."""
        return self.dead_share >= WORN


def state(session: Session, row: EncoderRow) -> GalleryState:
    """Return how a gallery and its indexes stand."""
    if shards.parts(session, row.partition):
        return _of_parts(session, row, part_indexes.states(session, row))
    numbers = session.execute(
        text(
            "SELECT greatest(reltuples, 0)::bigint AS rows, coalesce(n_dead_tup, 0) AS dead,"
            " pg_table_size(pg_class.oid) AS size_bytes"
            " FROM pg_class LEFT JOIN pg_stat_all_tables ON relid = pg_class.oid WHERE pg_class.oid = to_regclass(:name)"
        ),
        {"name": row.partition},
    ).one()
    found = (_index_state(session, row, kind) for kind in KINDS)
    return GalleryState(
        row.slug, row.status, row.dim, numbers.rows, numbers.dead, numbers.size_bytes,
        tuple(one for one in found if one is not None),
    )  # fmt: skip


def _of_parts(session: Session, row: EncoderRow, parts: tuple[PartState, ...]) -> GalleryState:
    check = session.get(IndexCheck, (row.id, "hnsw"))
    index = IndexState(
        "hnsw",
        sum(part.index_bytes for part in parts),
        all(part.valid for part in parts),
        min((part.built for part in parts if part.built is not None), default=None),
        check.recall if check else None,
        check.sample if check else None,
        check.measured_at if check else None,
    )
    return GalleryState(
        row.slug, row.status, row.dim, sum(part.rows for part in parts), sum(part.dead for part in parts),
        sum(part.size_bytes for part in parts), (index,), parts,
    )  # fmt: skip


def _index_state(session: Session, row: EncoderRow, kind: Kind) -> IndexState | None:
    one = session.execute(
        text(
            "SELECT pg_relation_size(indexrelid) AS size_bytes, indisvalid AS valid, index_check.recall,"
            " index_check.sample, index_check.measured_at,"
            " CASE WHEN progress.pid IS NOT NULL THEN tuples_done / greatest(tuples_total, 1)::float8 END AS built"
            " FROM pg_index LEFT JOIN index_check ON encoder_id = :encoder AND kind = :kind"
            " LEFT JOIN pg_stat_progress_create_index AS progress ON progress.index_relid = indexrelid"
            " WHERE indexrelid = to_regclass(:name)"
        ),
        {"encoder": row.id, "kind": kind, "name": index_name(row, kind)},
    ).one_or_none()
    if one is None:
        return None
    return IndexState(
        kind, one.size_bytes, one.valid, one.built, one.recall, one.sample, one.measured_at
    )  # fmt: skip
