"""Adding, finding and changing users."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from stylesearch.accounts.passwords import hash_password, is_outdated, is_password
from stylesearch.accounts.roles import Role
from stylesearch.catalog import audit, versions
from stylesearch.catalog.people import LoginSession, User
from stylesearch.errors import ConflictError, InputError, NotFoundError, SignInError

LONGEST_EMAIL, LONGEST_NAME = 254, 200
ADMINS_LOCK = 0x41444D  # "ADM": those who might take away the last administrator take turns
_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")


def tidy_email(email: str) -> str:
    """Return an address in the one form in which it is kept.

    Raises
    ------
    InputError
        ``email``, if it is none.
    """
    tidied = email.strip().casefold()
    if not _EMAIL.fullmatch(tidied) or len(tidied) > LONGEST_EMAIL:
        raise InputError(
            f"{email.strip()[:80]!r} is no e-mail address.", hint="Write name@example.org.", code="email"
        )
    return tidied


def tidy_name(name: str) -> str:
    """Return a name without surplus space.

    Raises
    ------
    InputError
        ``name``, if there is nothing left, or too much.
    """
    tidied = " ".join(name.replace("\0", "").split())
    if not 0 < len(tidied) <= LONGEST_NAME:
        raise InputError(
            "A name is missing." if not tidied else "The name is too long.",
            hint=f"Give one of at most {LONGEST_NAME} characters.",
            code="name",
        )
    return tidied


def add_user(session: Session, *, email: str, name: str, role: Role, password: str | None = None) -> User:
    """Add a user; without a password they need an invitation, or an OpenID provider.

    Raises
    ------
    InputError
        If the address or the password is none; ``email_taken`` if somebody has that address.
    """
    address, tidied = tidy_email(email), tidy_name(name)
    if session.scalar(select(User.id).where(User.email == address)) is not None:
        raise InputError(
            f"There is a user {address} already.", hint="Change that one instead.", code="email_taken"
        )
    kept = hash_password(password, email=address) if password is not None else None
    user = User(email=address, name=tidied, role=_role(role), password_hash=kept)
    session.add(user)
    session.flush()
    audit.record(session, "user.add", subject_of(user), {"role": user.role})
    return user


def find_user(session: Session, who: int | str) -> User:
    """Return a user by id or address.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    which = User.id == who if isinstance(who, int) else User.email == who.strip().casefold()
    user = session.scalar(select(User).where(which))
    if user is None:
        raise NotFoundError(
            f"There is no user {who}.", hint="'stylesearch users list' lists them.", code="unknown_user"
        )
    return user


def change_user(
    session: Session,
    user_id: int,
    *,
    version: int | None = None,
    name: str | None = None,
    role: Role | None = None,
    disabled: bool | None = None,
) -> User:
    """Change what is given of a user. Who is disabled, or loses a role, does so with the next request.

    Parameters
    ----------
    version:
        The user's version that the change was made from; ``None`` for whatever there is.

    Raises
    ------
    ConflictError
        If somebody else has changed the user meanwhile, with what; or if no administrator would be left.
    NotFoundError
        If there is no such user.
    """
    session.execute(select(func.pg_advisory_xact_lock(ADMINS_LOCK)))
    user = find_user(session, user_id)
    wanted: dict[str, Any] = {}
    if name is not None:
        wanted["name"] = tidy_name(name)
    if role is not None:
        wanted["role"] = _role(role)
    if disabled is not None:
        wanted["disabled"] = disabled
    before = shown(user)
    versions.check(user.version, version, before, before | wanted, subject_of(user), session)
    if before | wanted == before:
        return user
    loses = before["role"] == Role.ADMIN and not before["disabled"]
    keeps = wanted.get("role", before["role"]) == Role.ADMIN and not wanted.get("disabled", False)
    if loses and not keeps:
        _refuse_the_last(session, user)
    values = {key: value for key, value in wanted.items() if key != "disabled"}
    if disabled is not None and disabled != before["disabled"]:
        values["disabled_at"] = func.now() if disabled else None
    session.execute(update(User).where(User.id == user.id).values(version=User.version + 1, **values))
    if disabled:
        session.execute(delete(LoginSession).where(LoginSession.user_id == user.id))
    audit.record(session, "user.change", subject_of(user), audit.changes(before, before | wanted))
    session.refresh(user)
    return user


def set_password(session: Session, user: User, password: str) -> None:
    """Give a user a password, and end what was signed in with the one before.

    Raises
    ------
    InputError
        If it is none worth the name.
    """
    user.password_hash = hash_password(password, email=user.email)
    session.execute(delete(LoginSession).where(LoginSession.user_id == user.id))
    audit.record(session, "user.password", subject_of(user))


def check_sign_in(session: Session, email: str, password: str) -> User:
    """Return the user of an address and a password. An unknown address takes as long as a wrong password.

    Raises
    ------
    SignInError
        ``wrong_password``, whichever of them is wrong.
    """
    user = session.scalar(select(User).where(User.email == email.strip().casefold().replace("\0", "")))
    kept = user.password_hash if user is not None and user.disabled_at is None else None
    if not is_password(password, kept) or user is None or kept is None:
        raise SignInError(
            "Address and password do not belong together.",
            hint="Mind capital letters; or ask an administrator for a new link.",
            code="wrong_password",
        )
    if is_outdated(kept):
        user.password_hash = hash_password(password)
    user.signed_in_at = func.now()
    return user


def subject_of(user: User) -> str:
    """Return what a user is called in the audit log."""
    return f"user:{user.email}"


def shown(user: User) -> dict[str, Any]:
    """Return what can be changed of a user."""
    return {"name": user.name, "role": user.role, "disabled": user.disabled_at is not None}


def _role(role: Role) -> str:
    if role is Role.VISITOR:
        raise InputError("A user is no visitor.", hint="Roles: viewer, curator, admin.", code="role")
    return role.value


def _refuse_the_last(session: Session, user: User) -> None:
    others = select(User.id).where(User.role == Role.ADMIN, User.disabled_at.is_(None), User.id != user.id)
    if session.scalar(others.limit(1)) is None:
        raise ConflictError(
            f"{user.email} is the only administrator.",
            hint="Make somebody else one first.",
            code="last_admin",
        )
