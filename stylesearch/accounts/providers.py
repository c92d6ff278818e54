"""Who somebody is of whom an OpenID provider says who they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from stylesearch.accounts.roles import Role
from stylesearch.accounts.users import add_user, subject_of, tidy_email, tidy_name
from stylesearch.catalog import audit
from stylesearch.catalog.people import User
from stylesearch.errors import DeniedError, InputError, SignInError

NOBODY = "none"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a provider says. The address counts only where it says that it has checked it."""

    issuer: str
    subject: str
    email: str | None
    name: str

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Claims:
        """Read an ID token's claims, whose signature has been checked.

        Raises
        ------
        SignInError
            ``provider``, if it names nobody.
        """
        issuer, subject = told.get("iss"), told.get("sub")
        if not (isinstance(issuer, str) and isinstance(subject, str) and issuer and subject):
            raise SignInError("The provider does not say who you are.", code="provider")
        email, name = told.get("email"), told.get("name")
        checked = told.get("email_verified") is True and isinstance(email, str)
        try:
            address = tidy_email(str(email)) if checked else None
        except InputError:
            address = None
        return cls(issuer, subject, address, name if isinstance(name, str) else "")


def user_of(session: Session, claims: Claims, *, role: str) -> User:
    """Return whom a provider has sent.

    They are known by the provider's own id; the first time, by an address that the provider has checked.

    Parameters
    ----------
    role:
        What a newcomer becomes; ``none`` where there are to be no newcomers.

    Raises
    ------
    DeniedError
        ``unknown_user``, if they may not come in.
    """
    user = session.scalar(select(User).where(User.issuer == claims.issuer, User.subject == claims.subject))
    if user is None and claims.email is not None:
        user = session.scalar(select(User).where(User.email == claims.email))
        if user is None and role != NOBODY:
            user = add_user(session, email=claims.email, name=_name(claims), role=Role(role))
        if user is not None and user.subject is None:
            user.issuer, user.subject = claims.issuer, claims.subject
            audit.record(session, "user.link", subject_of(user), {"issuer": claims.issuer})
    if (
        user is None
        or user.disabled_at is not None
        or (user.issuer, user.subject) != (claims.issuer, claims.subject)
    ):
        raise DeniedError(
            "The provider knows you, and this archive does not.",
            hint="Ask the people who run it to add your e-mail address.",
            code="unknown_user",
        )
    user.signed_in_at = func.now()
    return user


def _name(claims: Claims) -> str:
    try:
        return tidy_name(claims.name)
    except InputError:
        return claims.email or claims.subject
