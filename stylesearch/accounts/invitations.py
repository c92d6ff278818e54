"""Links by which users set their first password, or a new one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from stylesearch.accounts.keys import key_digest, new_key
from stylesearch.accounts.users import set_password, subject_of
from stylesearch.catalog import audit
from stylesearch.catalog.people import Invitation, User
from stylesearch.errors import NotFoundError

LASTS = timedelta(days=3)


def invite(session: Session, user: User) -> str:
    """Return what a link for a user ends in; those made before hold no more."""
    key = new_key()
    session.execute(delete(Invitation).where(Invitation.user_id == user.id))
    session.add(Invitation(user_id=user.id, token_sha256=key.sha256, expires_at=datetime.now(UTC) + LASTS))
    audit.record(session, "user.invite", subject_of(user))
    return key.text


def invited(session: Session, text: str) -> User:
    """Return whom a link is for.

    Raises
    ------
    NotFoundError
        ``no_invitation``, if it does not hold any more.
    """
    user = session.scalar(
        select(User)
        .join(Invitation, Invitation.user_id == User.id)
        .where(
            Invitation.token_sha256 == key_digest(text),
            Invitation.expires_at > datetime.now(UTC),
            User.disabled_at.is_(None),
        )
    )
    if user is None:
        raise NotFoundError(
            "This link does not hold any more.",
            hint="It works once, for three days. Ask an administrator for another.",
            code="no_invitation",
        )
    return user


def accept(session: Session, text: str, password: str) -> User:
    """Give whom a link is for a password, and let go of the link. Errors as :func:`invited`, and of the password."""
    user = invited(session, text)
    set_password(session, user, password)
    session.execute(delete(Invitation).where(Invitation.user_id == user.id))
    return user
