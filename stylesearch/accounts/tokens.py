"""Tokens, with which programs ask on behalf of a user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from stylesearch.accounts.keys import key_digest, new_key
from stylesearch.accounts.roles import SCOPES, Role, read_scopes
from stylesearch.accounts.users import subject_of
from stylesearch.catalog import audit
from stylesearch.catalog.people import ApiToken, User
from stylesearch.errors import InputError, NotFoundError, SignInError

PREFIX = "sst_"
"""What every token begins with, so that one which got somewhere by mistake is found."""

MOST_DAYS = 3650
LONGEST_LABEL = 100
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who comes with a token; ``scopes`` are those of it that the user's role still covers."""

    user: User
    scopes: frozenset[str]


def make_token(
    session: Session, user: User, *, label: str, scopes: Sequence[str], days: int | None
) -> tuple[ApiToken, str]:
    """Make a token of a user; return its row and the token, which is told nobody else.

    Parameters
    ----------
    days:
        How long it holds; ``None`` for as long as the user does.

    Raises
    ------
    InputError
        If it has no label, a scope that is none or above the user's role, or a time that is none.
    """
    tidied = " ".join(label.replace("\0", "").split())
    if not 0 < len(tidied) <= LONGEST_LABEL:
        raise InputError(
            "A token needs a label." if not tidied else "The label is too long.",
            hint="Say what it is for, so that it can be told from others.",
            code="label",
        )
    if days is not None and not 0 < days <= MOST_DAYS:
        raise InputError(f"A token holds from 1 to {MOST_DAYS} days.", code="days")
    kept = read_scopes(list(scopes), Role(user.role))
    key = new_key(PREFIX)
    row = ApiToken(
        user_id=user.id,
        label=tidied,
        beginning=key.beginning,
        token_sha256=key.sha256,
        scopes=kept,
        expires_at=None if days is None else datetime.now(UTC) + timedelta(days=days),
    )
    session.add(row)
    session.flush()
    detail = {"token": row.id, "label": tidied, "scopes": kept, "days": days}
    audit.record(session, "token.make", subject_of(user), detail)
    return row, key.text


def find_bearer(session: Session, text: str) -> Bearer:
    """Return who comes with a token.

    Raises
    ------
    SignInError
        ``bad_token``, if it is none, or none any more.
    """
    row = session.execute(
        select(ApiToken, User)
        .join(User, User.id == ApiToken.user_id)
        .where(ApiToken.token_sha256 == key_digest(text), User.disabled_at.is_(None))
    ).one_or_none()
    now = datetime.now(UTC)
    if row is None or (row.ApiToken.expires_at is not None and row.ApiToken.expires_at <= now):
        raise SignInError(
            "This token is not known here, or has ended.",
            hint="Make another on the page of your account, or with 'stylesearch tokens make'.",
            code="bad_token",
        )
    token, user = row.ApiToken, row.User
    if token.last_used_at is None or now - token.last_used_at > SEEN_EVERY:
        token.last_used_at = now
    role = Role(user.role)
    allowed = (name for name in token.scopes if name in SCOPES and role.covers(SCOPES[name][0]))
    return Bearer(user, frozenset(allowed))


def list_tokens(session: Session, user_id: int | None = None) -> Sequence[tuple[ApiToken, User]]:
    """Return tokens with their users, the newest first; of one user, or of all."""
    rows = select(ApiToken, User).join(User, User.id == ApiToken.user_id).order_by(ApiToken.id.desc())
    if user_id is not None:
        rows = rows.where(ApiToken.user_id == user_id)
    return [(row.ApiToken, row.User) for row in session.execute(rows)]


def revoke_token(session: Session, token_id: int, *, user_id: int | None = None) -> ApiToken:
    """Have a token be none any more.

    Parameters
    ----------
    user_id:
        Whose it must be; ``None`` for anybody's.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    row = session.get(ApiToken, token_id)
    if row is None or user_id not in (None, row.user_id):
        raise NotFoundError(
            f"There is no token {token_id}.",
            hint="'stylesearch tokens list' lists them.",
            code="unknown_token",
        )
    user = session.get_one(User, row.user_id)
    session.delete(row)
    audit.record(session, "token.revoke", subject_of(user), {"token": row.id, "label": row.label})
    return row
