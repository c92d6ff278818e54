"""Encoders as the catalogue knows them: registering, activating, their partitions and indexes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from math import ceil
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    bindparam,
    case,
    cast,
    false,
    func,
    select,
    text,
    true,
)
from sqlalchemy.orm import Session

from stylesearch.catalog.connections import PREPARED
from stylesearch.catalog.descriptors import PARTITION_PREFIX, EncoderRow
from stylesearch.errors import NotFoundError, ServiceError

REGISTER_LOCK = 0x454E43  # "ENC"
GALLERY_LOCK = 0x47414C  # "GAL"
PARTS_LOCK = (
    0x505254  # "PRT": shared by who searches a gallery; whoever has its tables change places has it alone
)


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
    make_table(session, row, row.partition)
    refer(session, row.partition)
    session.execute(text(f"ALTER TABLE descriptor ATTACH PARTITION {row.partition} FOR VALUES IN ({row.id})"))


def make_table(session: Session, row: EncoderRow, name: str) -> None:
    """Make an empty table that can be an encoder's partition, once it refers to others."""
    session.execute(
        text(
            f"CREATE TABLE {name} (LIKE descriptor INCLUDING ALL,"
            f" CONSTRAINT ck_{row.partition}_dim CHECK (vector_dims(vector) = {int(row.dim)}),"
            " PRIMARY KEY (image_id, encoder_id))"
        )
    )


def refer(session: Session, name: str) -> None:
    """Have a table of descriptors refer to encoders and images; nobody writes to those for as long as it takes."""
    session.execute(
        text(
            f"ALTER TABLE {name} ADD FOREIGN KEY (encoder_id) REFERENCES encoder,"
            " ADD FOREIGN KEY (image_id) REFERENCES image ON DELETE CASCADE"
        )
    )


def all_kept(session: Session) -> Sequence[EncoderRow]:
    """Return every encoder that has a gallery, whole or being built."""
    return session.scalars(
        select(EncoderRow).where(EncoderRow.status != "retired").order_by(EncoderRow.id)
    ).all()


def all_active(session: Session) -> Sequence[EncoderRow]:
    """Return every encoder whose gallery can be searched."""
    return session.scalars(
        select(EncoderRow).where(EncoderRow.status == "active").order_by(EncoderRow.id)
    ).all()


def active(
    session: Session,
    slug: str,
    *,
    digest: str | None = None,
    hold_gallery: bool = False,
    timeout_seconds: float = 0,
) -> EncoderRow:
    """Return the active encoder of a slug.

    Parameters
    ----------
    digest:
        The digest that the caller's own encoder has; checked against the row.
    hold_gallery:
        Whether its gallery is to stay until the end of the transaction, and where it is.
    timeout_seconds:
        How long any further statement of the transaction may take, where it is above 0; said on the way, it costs nothing.

    Raises
    ------
    NotFoundError
        ``empty_gallery`` if nothing has been described with it yet; ``encoder_retired`` if that has been let go of, or just
        is.
    ServiceError
        If the digests differ; ``encoder_building`` if its gallery is not there yet.
    """
    values: dict[str, object] = {"slug": slug}
    if timeout_seconds:
        values["milliseconds"] = str(ceil(timeout_seconds * 1000))
    statement = _ACTIVE[hold_gallery, timeout_seconds > 0]
    found = session.execute(statement, values, execution_options={PREPARED: True}).one_or_none()
    if found is None:
        newest = select(EncoderRow.status).where(EncoderRow.slug == slug).order_by(EncoderRow.id.desc())
        status = session.scalar(newest.limit(1))
        if status == "building":
            raise ServiceError(
                f"The gallery of the encoder {slug!r} is being built.",
                hint="Search with another encoder until it is activated.",
                code="encoder_building",
            )
        if status == "retired":
            raise retired(slug)
        raise NotFoundError(
            f"Nothing here has been described with the encoder {slug!r} yet.",
            hint="Take in a collection first: stylesearch ingest folder PATH --collection SLUG.",
            code="empty_gallery",
        )
    row: EncoderRow = found[0]
    if digest is not None and row.digest != digest:
        raise changed(row, digest)
    if hold_gallery and not found.held:
        raise retired(slug)
    return row


def _active(*, hold_gallery: bool, timed: bool) -> Select[Any]:
    """Return the statement that finds the active encoder of a slug, and says whether its gallery stays where it is."""
    number = cast(EncoderRow.id, Integer)
    held: ColumnElement[bool] = true()
    if hold_gallery:
        # The lock comes first: only then is it sure that the table that is seen does not go.
        locked = func.pg_try_advisory_xact_lock_shared(GALLERY_LOCK, number)
        name = PARTITION_PREFIX + cast(EncoderRow.id, Text)
        held = case((locked, func.to_regclass(name).is_not(None)), else_=false())
    columns: list[Any] = [EncoderRow, held.label("held")]
    if hold_gallery:
        columns.append(func.pg_advisory_xact_lock_shared(PARTS_LOCK, number))
    if timed:
        columns.append(func.set_config("statement_timeout", bindparam("milliseconds", type_=Text), True))
    return select(*columns).where(EncoderRow.slug == bindparam("slug"), EncoderRow.status == "active")


_ACTIVE = {
    (hold, timed): _active(hold_gallery=hold, timed=timed) for hold, timed in product((False, True), repeat=2)
}


def retired(slug: str) -> NotFoundError:
    """Return the error that an encoder's gallery was let go of."""
    return NotFoundError(
        f"The encoder {slug!r} has been retired.",
        hint="Search again, with the one that serves now.",
        code="encoder_retired",
    )


def changed(row: EncoderRow, digest: str) -> ServiceError:
    """Return the error that a gallery was made with other weights or preprocessing than ours."""
    return ServiceError(
        f"The encoder {row.slug!r} is not the one that described this gallery ({digest[:12]} here, {row.digest[:12]} there).",
        hint="Use the version of stylesearch that described it, or take the collections in again in a new database.",
        code="encoder_changed",
    )
