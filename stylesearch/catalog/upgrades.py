"""From one encoder to the next: which one serves, whether a new one's gallery is whole, and letting the old one go."""

from __future__ import annotations

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from stylesearch.catalog.descriptors import Density, EncoderRow
from stylesearch.catalog.encoders import REGISTER_LOCK
from stylesearch.catalog.people import AuditEvent
from stylesearch.errors import NotFoundError, ServiceError


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


def retire(session: Session, row: EncoderRow) -> None:
    """Let go of an encoder's descriptors and their index, in one statement.

    Raises
    ------
    ServiceError
        ``encoder_serving``, if searches are answered with it.
    """
    session.execute(select(func.pg_advisory_xact_lock(REGISTER_LOCK)))
    now = serving(session)
    if now is None or now.id == row.id:
        raise ServiceError(
            f"Searches are answered with the encoder {row.slug!r}.",
            hint="Activate another one first: 'stylesearch encoders activate'.",
            code="encoder_serving",
        )
    session.execute(
        text("SET LOCAL lock_timeout = '30s'")
    )  # a search that takes long must not stop all others
    session.execute(text(f"DROP TABLE {row.partition}"))
    session.execute(delete(Density).where(Density.encoder_id == row.id))
    session.execute(update(EncoderRow).where(EncoderRow.id == row.id).values(status="retired"))
    session.add(
        AuditEvent(action="encoder.retire", subject=f"encoder:{row.slug}", detail={"digest": row.digest})
    )
