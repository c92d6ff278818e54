"""Licences and other rights statements."""

from __future__ import annotations

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from stylesearch.catalog.base import Base, Id, one_of

REUSE_CLASSES = ("open", "restricted", "permission")


class License(Base):
    """A rights statement, named by its URI.

    ``reuse`` is the class a filter works with: *open* (anybody may reuse it, for any purpose, perhaps with credit),
    *restricted* (some purposes or changes are not allowed), *permission* (ask first). A flag is null where the
    statement does not settle it.
    """

    __tablename__ = "license"
    __table_args__ = (CheckConstraint(one_of("reuse", REUSE_CLASSES), name="reuse"),)

    id: Mapped[Id]
    uri: Mapped[str] = mapped_column(unique=True)
    spdx_id: Mapped[str | None]
    label: Mapped[str]
    reuse: Mapped[str]
    commercial: Mapped[bool | None]
    derivatives: Mapped[bool | None]
    attribution: Mapped[bool | None]
    ai_training: Mapped[bool | None]
