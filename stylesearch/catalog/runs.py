"""The ledger of ingestion: runs and their items."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from stylesearch.catalog.base import Base, Id, Moment, one_of
from stylesearch.catalog.works import Collection

RUN_STATES = ("discovering", "running", "finished")
OPEN_STATES = ("pending", "leased")
FINAL_STATES = ("ingested", "duplicate", "unchanged", "quarantined")


class IngestRun(Base):
    """One taking-in of one source into one collection.

    ``problem`` says what stops the whole run, such as a full disk; it goes when the run is opened again.
    """

    __tablename__ = "ingest_run"
    __table_args__ = (
        CheckConstraint(one_of("state", RUN_STATES), name="state"),
        # One open run a source: the same command again goes on with it.
        Index(
            "uq_ingest_run_open",
            "collection_id",
            "source_uri",
            unique=True,
            postgresql_where=text("state <> 'finished'"),
        ),
    )

    id: Mapped[Id]
    collection_id: Mapped[int] = mapped_column(ForeignKey("collection.id", ondelete="CASCADE"))
    encoder_id: Mapped[int] = mapped_column(ForeignKey("encoder.id"))
    source_uri: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="discovering")
    problem: Mapped[str | None]
    started_at: Mapped[Moment]
    finished_at: Mapped[datetime | None]

    collection: Mapped[Collection] = relationship()


class IngestItem(Base):
    """One file of a run and what became of it.

    ``leased`` items are held by a worker until ``lease_until``; after that anybody may take them over. ``attempts``
    counts how often one was taken, so that an item which kills its worker is found out.
    """

    __tablename__ = "ingest_item"
    __table_args__ = (
        UniqueConstraint("run_id", "source_id"),
        CheckConstraint(one_of("state", OPEN_STATES + FINAL_STATES), name="state"),
        CheckConstraint("(state = 'quarantined') = (error_code IS NOT NULL)", name="error"),
        CheckConstraint("(state = 'leased') = (lease_until IS NOT NULL)", name="lease"),
        Index("ix_ingest_item_open", "run_id", "id", postgresql_where=text(one_of("state", OPEN_STATES))),
        Index("ix_ingest_item_state", "run_id", "state"),
    )

    id: Mapped[Id]
    run_id: Mapped[int] = mapped_column(ForeignKey("ingest_run.id", ondelete="CASCADE"))
    source_id: Mapped[str]
    locator: Mapped[str]
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    record: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    state: Mapped[str] = mapped_column(server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default="0")
    lease_until: Mapped[datetime | None]
    error_code: Mapped[str | None]
    error_text: Mapped[str | None]
    image_id: Mapped[int | None] = mapped_column(ForeignKey("image.id", ondelete="SET NULL"))
    updated_at: Mapped[Moment]
