"""Who asks: a visitor, somebody who has signed in, or a program with a token; and what a view demands of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import g, has_request_context, request

from stylesearch.accounts.roles import SCOPES, Role
from stylesearch.catalog.access import Access

View = TypeVar("View", bound=Callable[..., Any])
DEMAND = "demand"
"""Attribute of a view function that says what it demands."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks.

    Attributes
    ----------
    user_id:
        ``None`` for a visitor.
    scopes:
        Of the token that came along; ``None`` where there was none: then the role alone decides.
    session_id:
        Of the sign-in.
    """

    role: Role = Role.VISITOR
    user_id: int | None = None
    name: str = ""
    email: str = ""
    scopes: frozenset[str] | None = None
    session_id: int | None = None

    @property
    def access(self) -> Access:
        """Which collections they see."""
        return self.role.access

    @property
    def by_token(self) -> bool:
        """Whether a token came along, and no cookie is believed."""
        return self.scopes is not None

    def may(self, role: Role | str, scope: str | None = None) -> bool:
        """Whether they may do what takes a role, and a scope where they came with a token."""
        allowed = self.role.covers(Role(role))
        return allowed and (self.scopes is None or (scope is not None and scope in self.scopes))


VISITOR = Identity()


@dataclass(frozen=True, slots=True)
class Demand:
    """What a view demands.

    Attributes
    ----------
    role:
        The least role. A visitor's is met by everybody where the settings let visitors in, and else takes a viewer.
    scope:
        What a token must be for; ``None`` where no token serves, since the page is for people.
    open:
        Whether it answers everybody, whatever the settings say: health, signing in, asking for a withdrawal.
    """

    role: Role = Role.VISITOR
    scope: str | None = "read"
    open: bool = False


def current() -> Identity:
    """Return who asks; a visitor outside requests, and before it is known."""
    found = g.get("identity") if has_request_context() else None
    return found if isinstance(found, Identity) else VISITOR


def current_access() -> Access:
    """Return which collections the one who asks may see: for ``visible()``, cards and facets."""
    return current().access


def is_api() -> bool:
    """Whether a request is one for programs."""
    return (request.blueprint or "").split(".")[0].split("_")[0] == "api" or request.path.startswith("/api/")


def require(role: Role | str) -> Callable[[View], View]:
    """Let a view be for a role and those above; no token serves. Below the route's decorator."""
    return _demanding(Demand(Role(role), scope=None))


def require_scope(scope: str) -> Callable[[View], View]:
    """Let a view be for tokens of a scope, and for people of the role that it takes. Below the route's decorator."""
    return _demanding(Demand(SCOPES[scope][0], scope=scope))


def open_to_all(view: View) -> View:
    """Let a view answer everybody, also where the settings keep visitors out. Below the route's decorator."""
    return _demanding(Demand(scope=None, open=True))(view)


def demand_of(view: Callable[..., Any] | None) -> Demand:
    """Return what a view demands; one that says nothing is for visitors, and for tokens that may read."""
    found = getattr(view, DEMAND, None)
    return found if isinstance(found, Demand) else Demand()


def _demanding(demand: Demand) -> Callable[[View], View]:
    def mark(view: View) -> View:
        setattr(view, DEMAND, demand)
        return view

    return mark
