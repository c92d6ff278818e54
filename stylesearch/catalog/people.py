"""Who uses the system, what they changed, and what rights holders had withdrawn."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from stylesearch.catalog.base import Base, Id, Moment, one_of

USER_ROLES = ("viewer", "curator", "admin")


class User(Base):
    """Somebody who may sign in."""

    __tablename__ = "user"
    __table_args__ = (CheckConstraint(one_of("role", USER_ROLES), name="role"),)

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str] = mapped_column(server_default="viewer")
    password_hash: Mapped[str | None]
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[Moment]


class ApiToken(Base):
    """A key to the API; only its hash is kept."""

    __tablename__ = "api_token"
    __table_args__ = (CheckConstraint("octet_length(token_sha256) = 32", name="token_sha256"),)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    label: Mapped[str]
    token_sha256: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    created_at: Mapped[Moment]


class AuditEvent(Base):
    """A change that somebody made."""

    __tablename__ = "audit_event"
    __table_args__ = (Index("ix_audit_event_subject", "subject"),)

    id: Mapped[Id]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    created_at: Mapped[Moment]


class Withdrawal(Base):
    """A tombstone: what it names is not shown and not taken in again."""

    __tablename__ = "withdrawal"
    __table_args__ = (
        CheckConstraint("source_id IS NOT NULL OR sha256 IS NOT NULL", name="names_something"),
        Index("ix_withdrawal_source", "collection_id", "source_id"),
        Index("ix_withdrawal_sha256", "sha256"),
    )

    id: Mapped[Id]
    collection_id: Mapped[int | None] = mapped_column(ForeignKey("collection.id", ondelete="CASCADE"))
    source_id: Mapped[str | None]
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    reason: Mapped[str]
    created_at: Mapped[Moment]
