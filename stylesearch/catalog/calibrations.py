"""Calibrations and the keys that reports are signed with."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from stylesearch.catalog.base import Base, Id, Moment


class CalibrationRow(Base):
    """What a gallery's own works taught about scores; of one encoder and one state of the gallery, and never changed.

    ``digest`` names the data by their SHA-256. ``leaves`` are the gallery's, so that a later state can be compared with it.
    ``figures`` are what came of works that were held out; null where none were.
    """

    __tablename__ = "calibration"
    __table_args__ = (
        CheckConstraint("length(digest) = 64", name="digest"),
        Index("ix_calibration_encoder_id", "encoder_id", "id"),
    )

    id: Mapped[Id]
    digest: Mapped[str]
    encoder_id: Mapped[int] = mapped_column(ForeignKey("encoder.id", ondelete="CASCADE"))
    gallery_root: Mapped[str]
    summary: Mapped[dict[str, Any]]
    figures: Mapped[dict[str, Any] | None]
    data: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    leaves: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    created_at: Mapped[Moment]


class SigningKey(Base):
    """The public half of a key that reports are or were signed with; the private half is in the data folder."""

    __tablename__ = "signing_key"
    __table_args__ = (CheckConstraint("octet_length(public_key) = 32", name="public_key"),)

    key_id: Mapped[str] = mapped_column(primary_key=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    retired_at: Mapped[datetime | None]
    created_at: Mapped[Moment]
