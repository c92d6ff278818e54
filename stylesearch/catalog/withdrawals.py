"""What rights holders had withdrawn: their requests, and the tombstones that keep it out."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from stylesearch.catalog.base import Base, Id, Moment, one_of

GROUNDS = {
    "rights": "I hold the rights, or act for who does",
    "privacy": "It shows me, or somebody I act for",
    "other": "Something else is wrong with it",
}
REQUEST_STATES = ("open", "hidden", "granted", "refused")
UNDECIDED = ("open", "hidden")


class WithdrawalRequest(Base):
    """Somebody's wish that a work be shown no more.

    It is ``open`` until somebody looks at it, who may have the work ``hidden`` meanwhile, and then ``granted`` or
    ``refused``. ``hidden`` holds the works that it hides; a work is hidden as long as a request does so. ``address`` is
    what was given for the work, kept because the work may go.
    """

    __tablename__ = "withdrawal_request"
    __table_args__ = (
        CheckConstraint(one_of("state", REQUEST_STATES), name="state"),
        CheckConstraint(one_of("ground", tuple(GROUNDS)), name="ground"),
        CheckConstraint("(state IN ('granted', 'refused')) = (decided_at IS NOT NULL)", name="decided"),
        Index("ix_withdrawal_request_state", "state", "id"),
        Index("ix_withdrawal_request_work_id", "work_id"),
    )

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(unique=True)
    work_id: Mapped[int | None] = mapped_column(ForeignKey("work.id", ondelete="SET NULL"))
    address: Mapped[str]
    ground: Mapped[str]
    name: Mapped[str]
    email: Mapped[str]
    statement: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="open")
    hidden: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")
    note: Mapped[str] = mapped_column(server_default="")
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[Moment]


class Withdrawal(Base):
    """A tombstone: what it names is not shown and not taken in again."""

    __tablename__ = "withdrawal"
    __table_args__ = (
        CheckConstraint("source_id IS NOT NULL OR sha256 IS NOT NULL", name="names_something"),
        Index("ix_withdrawal_source", "collection_id", "source_id"),
        Index("ix_withdrawal_sha256", "sha256"),
        Index("ix_withdrawal_request_id", "request_id"),
    )

    id: Mapped[Id]
    collection_id: Mapped[int | None] = mapped_column(ForeignKey("collection.id", ondelete="CASCADE"))
    source_id: Mapped[str | None]
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    reason: Mapped[str]
    request_id: Mapped[int | None] = mapped_column(ForeignKey("withdrawal_request.id", ondelete="SET NULL"))
    created_at: Mapped[Moment]
