"""Encoders as the catalogue knows them: registering, activating, their partitions and indexes."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.errors import NotFoundError, ServiceError

HNSW_M = 16
HNSW_EF_CONSTRUCTION = 128
REGISTER_LOCK = 0x454E43  # "ENC"
GALLERY_LOCK = 0x47414C  # "GAL"


@dataclass(frozen=True, slots=True)
class EncoderIdentity:
    """What an encoder is called and what makes it itself; see ``stylesearch.encoders.protocol.EncoderSpec``."""

    slug: str
    digest: str
    dim: int
    weights_sha256: str
    preprocessing: str
    license: str


def register(session: Session, identity: EncoderIdentity, *, beside: bool = False) -> EncoderRow:
    """Return the row of an encoder, made with its partition if it is new.

    Parameters
    ----------
    beside:
        Whether a new one is built beside those that are active, to be activated when its gallery is whole; otherwise
        it is active at once.

    Raises
    ------
    ServiceError
        If the slug's active encoder has another digest: its descriptors cannot be compared with this one's.
    """
    session.execute(select(func.pg_advisory_xact_lock(REGISTER_LOCK)))
    row = session.scalar(select(EncoderRow).where(EncoderRow.digest == identity.digest))
    if row is not None and row.status != "retired":
        return row
    other = session.scalar(
        select(EncoderRow).where(EncoderRow.slug == identity.slug, EncoderRow.status == "active")
    )
    if other is not None:
        raise changed(other, identity.digest)
    if row is None:
        row = EncoderRow(**asdict(identity))
        session.add(row)
    row.status = "building" if beside else "active"
    row.activated_at = None if beside else func.now()
    session.flush()
    _make_partition(session, row)
    return row


def _make_partition(session: Session, row: EncoderRow) -> None:
    if session.scalar(text("SELECT to_regclass(:name)"), {"name": row.emptied_partition}) is not None:
        session.execute(text(f"ALTER TABLE {row.emptied_partition} RENAME TO {row.partition}"))
        return
    # Made by itself and then attached: made as a partition, it would wait for every search, and have all others wait.
    check = f"CONSTRAINT ck_{row.partition}_dim CHECK (vector_dims(vector) = {row.dim})"
    session.execute(text(f"CREATE TABLE {row.partition} (LIKE descriptor INCLUDING ALL, {check})"))
    session.execute(text(f"ALTER TABLE descriptor ATTACH PARTITION {row.partition} FOR VALUES IN ({row.id})"))


def active(session: Session, slug: str, *, digest: str | None = None) -> EncoderRow:
    """Return the active encoder of a slug.

    Parameters
    ----------
    digest:
        The digest that the caller's own encoder has; checked against the row.

    Raises
    ------
    NotFoundError
        ``empty_gallery`` if nothing has been described with it yet; ``encoder_retired`` if that has been let go of.
    ServiceError
        If the digests differ.
    """
    row = session.scalar(select(EncoderRow).where(EncoderRow.slug == slug, EncoderRow.status == "active"))
    if row is None:
        if digest is not None and session.scalar(
            select(EncoderRow.id).where(EncoderRow.digest == digest, EncoderRow.status == "retired")
        ):
            raise _retired(slug)
        raise NotFoundError(
            f"Nothing here has been described with the encoder {slug!r} yet.",
            hint="Take in a collection first: stylesearch ingest folder PATH --collection SLUG.",
            code="empty_gallery",
        )
    if digest is not None and row.digest != digest:
        raise changed(row, digest)
    return row


def hold_gallery(session: Session, row: EncoderRow) -> EncoderRow:
    """Have an encoder's gallery stay until the end of the transaction; return its row.

    Raises
    ------
    NotFoundError
        ``encoder_retired``, if it is just being let go of.
    """
    there = session.scalar(
        text(
            "SELECT CASE WHEN pg_try_advisory_xact_lock_shared(:lock, :encoder)"
            " THEN to_regclass(:partition) IS NOT NULL ELSE false END"
        ),
        {"lock": GALLERY_LOCK, "encoder": row.id, "partition": row.partition},
    )
    if not there:
        raise _retired(row.slug)
    return row


def _retired(slug: str) -> NotFoundError:
    return NotFoundError(
        f"The encoder {slug!r} has been retired.", hint="Search again.", code="encoder_retired"
    )


def changed(row: EncoderRow, digest: str) -> ServiceError:
    """Return the error that a gallery was made with other weights or preprocessing than ours."""
    return ServiceError(
        f"The encoder {row.slug!r} is not the one that described this gallery ({digest[:12]} here, {row.digest[:12]} there).",
        hint="Use the version of stylesearch that described it, or take the collections in again in a new database.",
        code="encoder_changed",
    )


def has_index(session: Session, row: EncoderRow) -> bool:
    """Whether a whole, valid HNSW index stands on the encoder's partition."""
    valid = session.scalar(
        text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)"), {"name": row.index}
    )
    return bool(valid)


def build_index(session: Session, row: EncoderRow) -> bool:
    """Build the HNSW index where it is missing, after a bulk load, and refresh statistics; return whether it was built.

    Two processes that come at once build it once.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": row.index})
    session.execute(text(f"ANALYZE {row.partition}"))
    if has_index(session, row):
        return False
    session.execute(
        text(
            f"CREATE INDEX {row.index} ON {row.partition}"
            f" USING hnsw ((vector::halfvec({row.dim})) halfvec_cosine_ops)"
            f" WITH (m = {HNSW_M}, ef_construction = {HNSW_EF_CONSTRUCTION})"
        )
    )
    return True
