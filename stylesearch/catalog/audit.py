"""What was changed, when and by whom: a line for each change, written in the transaction that makes it."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from stylesearch.catalog.base import Base, Id, Moment


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change; ``user_id`` is ``None`` for somebody at the machine itself, and for a visitor."""

    name: str
    user_id: int | None = None


def _at_the_machine() -> Actor:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as containers have
        name = "somebody"
    return Actor(f"{name} at the command line")


_LAST = 20
_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)


def acting() -> Actor:
    """Return who makes changes now."""
    return _acting.get() or _at_the_machine()


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Have changes within the block be somebody's."""
    before = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(before)


class AuditEvent(Base):
    """A change that somebody made. ``actor`` stays when the user has gone."""

    __tablename__ = "audit_event"
    __table_args__ = (Index("ix_audit_event_subject", "subject"),)

    id: Mapped[Id]
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("user.id", ondelete="SET NULL"), default=lambda: acting().user_id
    )
    actor: Mapped[str] = mapped_column(server_default="", default=lambda: acting().name)
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    created_at: Mapped[Moment]


def record(session: Session, action: str, subject: str, detail: Mapping[str, Any] | None = None) -> None:
    """Write down a change.

    Parameters
    ----------
    action:
        What was done, ``thing.verb``.
    subject:
        What it was done to, ``thing:name``.
    detail:
        What was before and after, as JSON values. No secrets.
    """
    session.add(AuditEvent(action=action, subject=subject, detail=dict(detail or {})))


def last_changes(session: Session) -> str:
    """Return what differs as soon as another change was made: the numbers of the last ones, which need not end in order."""
    return ",".join(
        map(str, session.scalars(select(AuditEvent.id).order_by(AuditEvent.id.desc()).limit(_LAST)))
    )


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return what differs, as the detail of an event."""
    differ = [name for name in after if before.get(name) != after[name]]
    return {
        "before": {name: before.get(name) for name in differ},
        "after": {name: after[name] for name in differ},
    }
