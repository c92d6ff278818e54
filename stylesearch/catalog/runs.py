"""The ledger of ingestion: runs and their items."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from stylesearch.catalog.base import Base, Id, Moment, one_of
from stylesearch.catalog.works import Collection

RUN_STATES = ("discovering", "running", "finished")
FETCH_STATES = ("pending", "fetching")
EMBED_STATES = ("prepared", "embedding")
HELD_STATES = ("fetching", "embedding")
OPEN_STATES = FETCH_STATES + EMBED_STATES
FINAL_STATES = ("ingested", "duplicate", "unchanged", "quarantined")
TASKS = ("take", "record", "descriptor")


class IngestRun(Base):
    """One taking-in of one source into one collection.

    ``kind`` and ``options`` say how the source is opened, so that the run can be gone on with by its number alone;
    ``cursor`` says where discovery goes on, and is written together with what came before it. ``total`` is how many
    items the source expects to have. ``problem`` says what stops the whole run, such as a full disk; it goes when the
    run is opened again.
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
    kind: Mapped[str] = mapped_column(server_default="folder")
    options: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    cursor: Mapped[str | None]
    total: Mapped[int | None]
    state: Mapped[str] = mapped_column(server_default="discovering")
    problem: Mapped[str | None]
    started_at: Mapped[Moment]
    finished_at: Mapped[datetime | None]

    collection: Mapped[Collection] = relationship()


class IngestItem(Base):
    """One file of a run and what became of it.

    It is ``pending`` until somebody is ``fetching`` it, then ``prepared``, with what the encoder is to see in the spool,
    until somebody is ``embedding`` it. Who holds it does so until ``lease_until``; after that anybody may take it over.
    ``attempts`` counts how often it was taken in its present stage, so that an item which kills its worker is found
    out; ``deferrals`` how often a server was not ready to give it, which is tried again at ``not_before``.

    ``task`` says what is to be done: ``take`` it in whole, bring its ``record`` up to date, or add a ``descriptor`` of
    another encoder. ``facts`` is what was measured while it was prepared.
    """

    __tablename__ = "ingest_item"
    __table_args__ = (
        UniqueConstraint("run_id", "source_id"),
        CheckConstraint(one_of("state", OPEN_STATES + FINAL_STATES), name="state"),
        CheckConstraint(one_of("task", TASKS), name="task"),
        CheckConstraint("(state = 'quarantined') = (error_code IS NOT NULL)", name="error"),
        CheckConstraint(f"({one_of('state', HELD_STATES)}) = (lease_until IS NOT NULL)", name="lease"),
        CheckConstraint(f"({one_of('state', EMBED_STATES)}) = (spool_key IS NOT NULL)", name="spool"),
        Index("ix_ingest_item_fetch", "run_id", "id", postgresql_where=text(one_of("state", FETCH_STATES))),
        Index("ix_ingest_item_embed", "run_id", "id", postgresql_where=text(one_of("state", EMBED_STATES))),
        Index("ix_ingest_item_spool", "spool_bytes", postgresql_where=text("spool_key IS NOT NULL")),
        Index("ix_ingest_item_state", "run_id", "state"),
        Index("ix_ingest_item_sha256", "run_id", "sha256"),
    )

    id: Mapped[Id]
    run_id: Mapped[int] = mapped_column(ForeignKey("ingest_run.id", ondelete="CASCADE"))
    source_id: Mapped[str]
    locator: Mapped[str]
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    version: Mapped[str | None]
    record: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    task: Mapped[str] = mapped_column(server_default="take")
    state: Mapped[str] = mapped_column(server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default="0")
    deferrals: Mapped[int] = mapped_column(server_default="0")
    not_before: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    held_by: Mapped[str | None]
    facts: Mapped[dict[str, Any] | None]
    spool_key: Mapped[str | None]
    spool_bytes: Mapped[int] = mapped_column(server_default="0")
    error_code: Mapped[str | None]
    error_text: Mapped[str | None]
    image_id: Mapped[int | None] = mapped_column(ForeignKey("image.id", ondelete="SET NULL"))
    updated_at: Mapped[Moment]
