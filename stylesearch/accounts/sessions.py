"""Sign-ins: each browser has one, which ends by itself, can be ended, and whose token is changed now and then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from stylesearch.accounts.keys import key_digest, new_key
from stylesearch.accounts.users import subject_of
from stylesearch.catalog import audit
from stylesearch.catalog.people import LoginSession, User

IDLE = timedelta(hours=12)
"""A sign-in that has not been used for so long has ended."""

LASTS = timedelta(days=14)
ROTATES = timedelta(hours=1)
GRACE = timedelta(seconds=60)
"""For so long, requests that were under way may come with the token of before."""

SEEN_EVERY = timedelta(minutes=1)
LONGEST_AGENT = 200


@dataclass(frozen=True, slots=True)
class Found:
    """A sign-in that holds; ``token`` is the new one, where it is to be changed."""

    session_id: int
    user: User
    token: str | None


def begin(session: Session, user: User, *, agent: str = "") -> tuple[int, str]:
    """Sign a user in; return the sign-in's id and its token, which is told nobody else."""
    key = new_key()
    row = LoginSession(
        user_id=user.id,
        token_sha256=key.sha256,
        agent=agent.replace("\0", "")[:LONGEST_AGENT],
        expires_at=_now() + LASTS,
    )
    session.add(row)
    session.execute(delete(LoginSession).where(LoginSession.user_id == user.id, _ended()))
    session.flush()
    audit.record(session, "session.begin", subject_of(user))
    return row.id, key.text


def find(session: Session, token: str) -> Found | None:
    """Return the sign-in of a token, if it holds. One of before that comes late ends the sign-in: it is a copy."""
    digest = key_digest(token)
    row = session.execute(
        select(LoginSession, User)
        .join(User, User.id == LoginSession.user_id)
        .where(or_(LoginSession.token_sha256 == digest, LoginSession.previous_sha256 == digest))
    ).one_or_none()
    if row is None:
        return None
    found, user = row.LoginSession, row.User
    now = _now()
    old = bytes(found.token_sha256) != digest
    stolen = old and now - found.rotated_at > GRACE
    if stolen or user.disabled_at is not None or now >= found.expires_at or now - found.seen_at > IDLE:
        if stolen:
            audit.record(session, "session.reused", subject_of(user), {"agent": found.agent})
        session.delete(found)
        return None
    if now - found.seen_at > SEEN_EVERY:
        found.seen_at = now
    changed = None
    if not old and now - found.rotated_at > ROTATES:
        changed = _rotate(session, found, now)
    return Found(found.id, user, changed)


def _rotate(session: Session, found: LoginSession, now: datetime) -> str | None:
    # Of several requests at once, one changes it; the others come with what is then the token of before.
    held = session.scalar(
        select(LoginSession)
        .where(LoginSession.id == found.id, LoginSession.rotated_at == found.rotated_at)
        .with_for_update(skip_locked=True)
    )
    if held is None:
        return None
    key = new_key()
    held.previous_sha256, held.token_sha256, held.rotated_at = held.token_sha256, key.sha256, now
    return key.text


def of_user(session: Session, user_id: int) -> Sequence[LoginSession]:
    """Return a user's sign-ins, the one used last first."""
    rows = select(LoginSession).where(LoginSession.user_id == user_id, ~_ended())
    return session.scalars(rows.order_by(LoginSession.seen_at.desc(), LoginSession.id)).all()


def end(session: Session, session_id: int, user: User) -> bool:
    """End a sign-in of a user; return whether there was one."""
    gone = session.execute(
        delete(LoginSession)
        .where(LoginSession.id == session_id, LoginSession.user_id == user.id)
        .returning(LoginSession.id)
    ).all()
    if gone:
        audit.record(session, "session.end", subject_of(user))
    return bool(gone)


def end_others(session: Session, user: User, *, kept: int | None) -> int:
    """End all sign-ins of a user but one; return how many there were."""
    gone = session.execute(
        delete(LoginSession)
        .where(LoginSession.user_id == user.id, LoginSession.id != (kept or 0))
        .returning(LoginSession.id)
    ).all()
    audit.record(session, "session.end_others", subject_of(user), {"ended": len(gone)})
    return len(gone)


def _ended() -> ColumnElement[bool]:
    return or_(LoginSession.expires_at <= func.now(), LoginSession.seen_at < func.now() - IDLE)


def _now() -> datetime:
    return datetime.now(UTC)
