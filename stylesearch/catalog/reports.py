"""Attribution reports, kept for good."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from stylesearch.catalog.base import Base, Id, Moment


class Report(Base):
    """A report as it was given: never changed, addressed by an id that cannot be guessed.

    ``result`` is what is signed; ``works`` is what it tells of the works in it, each under a digest that stands in
    ``result``, so that one can be taken out without a trace of it and the signature still holds. A report of the first
    format has neither works nor a signature.
    """

    __tablename__ = "report"
    __table_args__ = (CheckConstraint("octet_length(query_sha256) = 32", name="query_sha256"),)

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(unique=True)
    query_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    encoder_id: Mapped[int] = mapped_column(ForeignKey("encoder.id"))
    parameters: Mapped[dict[str, Any]]
    gallery_digest: Mapped[str]
    result: Mapped[dict[str, Any]]
    works: Mapped[dict[str, Any] | None]
    signature: Mapped[bytes | None] = mapped_column(LargeBinary)
    key_id: Mapped[str | None] = mapped_column(ForeignKey("signing_key.key_id"))
    created_at: Mapped[Moment]
