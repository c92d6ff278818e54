"""Who uses the system, and what they sign in with. Of secrets, only hashes are kept."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from stylesearch.catalog.base import Base, Id, Moment, one_of

USER_ROLES = ("viewer", "curator", "admin")


class User(Base):
    """Somebody who may sign in.

    ``issuer`` and ``subject`` name them at an OpenID provider. ``version`` grows with each change, so that nobody undoes
    another's unseen.
    """

    __tablename__ = "user"
    __table_args__ = (
        CheckConstraint(one_of("role", USER_ROLES), name="role"),
        CheckConstraint("(issuer IS NULL) = (subject IS NULL)", name="provider"),
        UniqueConstraint("issuer", "subject"),
    )

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str] = mapped_column(server_default="viewer")
    password_hash: Mapped[str | None]
    issuer: Mapped[str | None]
    subject: Mapped[str | None]
    disabled_at: Mapped[datetime | None]
    signed_in_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[Moment]


class LoginSession(Base):
    """A sign-in in one browser.

    Its token is changed now and then. The one before, ``previous_sha256``, is good for a moment longer, for requests that
    were under way; later it can only be somebody's copy.
    """

    __tablename__ = "login_session"
    __table_args__ = (CheckConstraint("octet_length(token_sha256) = 32", name="token_sha256"),)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    token_sha256: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    previous_sha256: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    agent: Mapped[str] = mapped_column(server_default="")
    rotated_at: Mapped[Moment]
    seen_at: Mapped[Moment]
    expires_at: Mapped[datetime]
    created_at: Mapped[Moment]


class Invitation(Base):
    """A link by which a user sets a password, once."""

    __tablename__ = "invitation"
    __table_args__ = (CheckConstraint("octet_length(token_sha256) = 32", name="token_sha256"),)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), unique=True)
    token_sha256: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    expires_at: Mapped[datetime]
    created_at: Mapped[Moment]


class ApiToken(Base):
    """A key to the API; only its hash is kept, and its beginning to tell it by."""

    __tablename__ = "api_token"
    __table_args__ = (CheckConstraint("octet_length(token_sha256) = 32", name="token_sha256"),)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    label: Mapped[str]
    beginning: Mapped[str] = mapped_column(server_default="")
    token_sha256: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    created_at: Mapped[Moment]
