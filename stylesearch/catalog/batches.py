"""Batches of reports: which images are to be reported on, and how far that is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from stylesearch.catalog.base import Base, Id, Moment, one_of

ITEM_STATES = ("pending", "held", "done", "failed")


class ReportBatch(Base):
    """A batch, named by what is in it: the same images with the same filters are the same batch."""

    __tablename__ = "report_batch"

    id: Mapped[Id]
    digest: Mapped[str] = mapped_column(unique=True)
    filters: Mapped[dict[str, Any]]
    created_at: Mapped[Moment]


class ReportItem(Base):
    """One image of a batch; ``query_sha256`` is where the store keeps it meanwhile, in hex."""

    __tablename__ = "report_item"
    __table_args__ = (
        CheckConstraint(one_of("state", ITEM_STATES), name="state"),
        CheckConstraint("(state = 'held') = (lease_until IS NOT NULL)", name="lease"),
        CheckConstraint("(state = 'done') = (public_id IS NOT NULL)", name="public_id"),
        Index(
            "ix_report_item_open",
            "batch_id",
            "position",
            postgresql_where=text("state IN ('pending', 'held')"),
        ),
    )

    batch_id: Mapped[int] = mapped_column(ForeignKey("report_batch.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    query_sha256: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default="0")
    lease_until: Mapped[datetime | None]
    public_id: Mapped[str | None]
    error_code: Mapped[str | None]
    error_text: Mapped[str | None]
