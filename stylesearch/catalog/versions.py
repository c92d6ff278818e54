"""Two people who change one thing at once: the second is told what the first did, and undoes nothing unseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from stylesearch.catalog.audit import AuditEvent
from stylesearch.errors import ConflictError


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that is not what somebody wants it to be."""

    name: str
    now: Any
    wanted: Any


class ChangedMeanwhileError(ConflictError):
    """Somebody else has changed meanwhile what was to be changed.

    Attributes
    ----------
    differences:
        Where what there is now is not what was wanted.
    by, at:
        Who changed it last, and when, where that is known.
    """

    code = "changed_meanwhile"

    def __init__(
        self,
        message: str,
        *,
        hint: str,
        differences: tuple[Difference, ...],
        by: str | None,
        at: datetime | None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.differences = differences
        self.by = by
        self.at = at


def check(
    now: int,
    seen: int | None,
    values: Mapping[str, Any],
    wanted: Mapping[str, Any],
    subject: str,
    session: Session,
) -> None:
    """Refuse a change that was made from another state than there is.

    Parameters
    ----------
    now, seen:
        The version that there is, and the one that the change was made from; ``None`` for whatever there is.
    values, wanted:
        What there is, and what it is to be.
    subject:
        What it is called in the audit log.

    Raises
    ------
    ChangedMeanwhileError
        With what differs, and who did it.
    """
    if seen is None or seen == now or dict(values) == dict(wanted):
        return
    last = session.execute(
        select(AuditEvent.actor, AuditEvent.created_at)
        .where(AuditEvent.subject == subject)
        .order_by(AuditEvent.id.desc())
        .limit(1)
    ).one_or_none()
    differences = tuple(
        Difference(name, values.get(name), wanted[name])
        for name in wanted
        if values.get(name) != wanted[name]
    )
    told = ", ".join(f"{one.name} is now {one.now!r}" for one in differences)
    raise ChangedMeanwhileError(
        f"{last.actor if last else 'Somebody else'} has changed this meanwhile: {told}.",
        hint="Look at it as it is now, and change it again if you still want to.",
        differences=differences,
        by=last.actor if last else None,
        at=last.created_at if last else None,
    )
