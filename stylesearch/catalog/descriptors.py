"""Encoders and the descriptors they gave, one partition an encoder."""

from __future__ import annotations

from datetime import datetime

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from stylesearch.catalog.base import Base, Id, Moment, one_of

ENCODER_STATES = ("building", "active", "retired")


class EncoderRow(Base):
    """An encoder that descriptors were made with; immutable but for its status.

    ``serving`` is true of the one that searches are answered with since it was activated; while it is of none, the
    setting says which is meant.
    """

    __tablename__ = "encoder"
    __table_args__ = (
        CheckConstraint(one_of("status", ENCODER_STATES), name="status"),
        CheckConstraint("dim BETWEEN 1 AND 4000", name="dim"),
        CheckConstraint("NOT serving OR status = 'active'", name="serving"),
        Index("uq_encoder_active_slug", "slug", unique=True, postgresql_where=text("status = 'active'")),
        Index("uq_encoder_serving", "serving", unique=True, postgresql_where=text("serving")),
    )

    id: Mapped[Id]
    slug: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    dim: Mapped[int]
    weights_sha256: Mapped[str]
    preprocessing: Mapped[str]
    license: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="building")
    serving: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[Moment]
    activated_at: Mapped[datetime | None]

    @property
    def partition(self) -> str:
        """Name of the table that holds this encoder's descriptors."""
        return partition_name(self.id)

    @property
    def emptied_partition(self) -> str:
        """Name of that table when its descriptors have been let go of, until it goes too."""
        return f"{self.partition}_emptied"

    @property
    def index(self) -> str:
        """Name of the HNSW index on that table."""
        return f"{self.partition}_hnsw"


class Descriptor(Base):
    """The unit vector that an encoder gave for an image, in half precision."""

    __tablename__ = "descriptor"
    __table_args__ = ({"postgresql_partition_by": "LIST (encoder_id)"},)

    encoder_id: Mapped[int] = mapped_column(ForeignKey("encoder.id"), primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    vector: Mapped[list[float]] = mapped_column(HALFVEC())


def partition_name(encoder_id: int) -> str:
    """Return the name of an encoder's partition."""
    return f"descriptor_{encoder_id}"
