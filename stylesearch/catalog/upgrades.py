"""From one encoder to the next: which one serves, whether a new one's gallery is whole, and letting the old one go."""

from __future__ import annotations

import time

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from stylesearch.catalog.audit import AuditEvent
from stylesearch.catalog.database import Database
from stylesearch.catalog.descriptors import (
    PARTITION_PREFIX,
    REPLACED,
    Density,
    EncoderRow,
    IndexCheck,
    Whitened,
    Whitening,
)
from stylesearch.catalog.encoders import GALLERY_LOCK, REGISTER_LOCK
from stylesearch.catalog.maps import StyleMap
from stylesearch.errors import NotFoundError, ServiceError

DROP_TRIES, DROP_PAUSE_SECONDS = 20, 0.05
LOCKED = "55P03"  # PostgreSQL's state where a lock is not to be had


def serving(session: Session) -> EncoderRow | None:
    """Return the encoder that was activated last, ``None`` where the setting alone says which is meant."""
    return session.scalar(select(EncoderRow).where(EncoderRow.serving))


def serving_slug(session: Session) -> str | None:
    """Return the slug of the encoder that was activated last, if one was."""
    return session.scalar(select(EncoderRow.slug).where(EncoderRow.serving))


def by_slug(session: Session, slug: str) -> EncoderRow:
    """Return the newest encoder of a slug that is building or active.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    row = session.scalar(
        select(EncoderRow)
        .where(EncoderRow.slug == slug, EncoderRow.status != "retired")
        .order_by(EncoderRow.id.desc())
        .limit(1)
    )
    if row is None:
        raise NotFoundError(
            f"Nothing here has been described with the encoder {slug!r}.",
            hint=f"Fill its gallery first: 'stylesearch encoders backfill {slug}'.",
            code="empty_gallery",
        )
    return row


def undescribed(session: Session, row: EncoderRow) -> int:
    """Return how many images of works that are not withdrawn an encoder has not described."""
    return (
        session.scalar(
            text(
                """
                SELECT count(*) FROM image JOIN work ON work.id = image.work_id
                WHERE work.withdrawn_at IS NULL AND NOT EXISTS (
                    SELECT FROM descriptor WHERE descriptor.encoder_id = :encoder AND descriptor.image_id = image.id
                )
                """
            ),
            {"encoder": row.id},
        )
        or 0
    )


def activate(session: Session, row: EncoderRow) -> None:
    """Have an encoder serve from the end of this transaction on. The one before stays, for who is just using it."""
    session.execute(select(func.pg_advisory_xact_lock(REGISTER_LOCK)))
    before = serving(session)
    session.execute(update(EncoderRow).where(EncoderRow.serving).values(serving=False))
    session.execute(
        update(EncoderRow)
        .where(EncoderRow.id == row.id)
        .values(serving=True, status="active", activated_at=func.now())
    )
    session.add(
        AuditEvent(
            action="encoder.activate",
            subject=f"encoder:{row.slug}",
            detail={"digest": row.digest, "before": before.slug if before else None},
        )
    )


def retire(session: Session, row: EncoderRow, *, patience_seconds: float = 5.0) -> None:
    """Let go of an encoder's descriptors and their index, when nobody is looking at them any more.

    The empty table stays until :func:`drop_emptied`.

    Raises
    ------
    ServiceError
        ``encoder_serving``, if searches are answered with it; ``database_busy``, if somebody is looking at them for
        long: try again.
    """
    session.execute(select(func.pg_advisory_xact_lock(REGISTER_LOCK)))
    now = serving(session)
    if now is None or now.id == row.id:
        raise ServiceError(
            f"Searches are answered with the encoder {row.slug!r}.",
            hint="Activate another one first: 'stylesearch encoders activate'.",
            code="encoder_serving",
        )
    session.execute(text(f"SET LOCAL lock_timeout = {max(1, round(patience_seconds * 1000))}"))
    session.execute(select(func.pg_advisory_xact_lock(GALLERY_LOCK, row.id)))
    session.execute(text(f"DROP INDEX IF EXISTS {row.index}, {row.binary_index}"))
    session.execute(text(f"TRUNCATE {row.partition}"))
    # Whoever still looks at an older state of the database sees by the name that it is empty.
    session.execute(text(f"ALTER TABLE {row.partition} RENAME TO {row.emptied_partition}"))
    for measured in (Density, IndexCheck, StyleMap, Whitened, Whitening):
        session.execute(delete(measured).where(measured.encoder_id == row.id))
    session.execute(update(EncoderRow).where(EncoderRow.id == row.id).values(status="retired"))
    session.add(
        AuditEvent(action="encoder.retire", subject=f"encoder:{row.slug}", detail={"digest": row.digest})
    )


def drop_soon(database: Database) -> None:
    """Drop emptied tables in one of the next moments; if there is none that is quiet, the workers' upkeep does it."""
    for _ in range(DROP_TRIES):
        with database.session() as session:
            if drop_emptied(session):
                return
        time.sleep(DROP_PAUSE_SECONDS)


def drop_emptied(session: Session) -> bool:
    """Drop the empty tables of retired encoders, and of galleries that lie elsewhere now; return whether none is left.

    That takes locks which every search would wait for, so it is done in a moment when there is none, or not at all.
    """
    if not session.scalar(select(func.pg_try_advisory_xact_lock(REGISTER_LOCK))):
        return False
    retired = session.scalars(select(EncoderRow).where(EncoderRow.status == "retired")).all()
    left = [
        row.emptied_partition
        for row in retired
        if session.scalar(text("SELECT to_regclass(:name)"), {"name": row.emptied_partition}) is not None
    ]
    left += session.scalars(
        text(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ :name AND pg_table_is_visible(oid)"
        ),
        {"name": f"^{PARTITION_PREFIX}[0-9]+{REPLACED}[0-9]+$"},
    )
    if not left:
        return True
    try:
        with session.begin_nested():
            session.execute(
                text("LOCK TABLE ONLY descriptor, ONLY image, ONLY encoder IN ACCESS EXCLUSIVE MODE NOWAIT")
            )
            session.execute(text("SET LOCAL lock_timeout = '100ms'"))
            for name in left:
                session.execute(text(f"DROP TABLE {name}"))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != LOCKED:
            raise
        return False
    return True
