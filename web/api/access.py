"""Who asks, and what they may: what the API knows of it stands here; it is checked before the view, for all of the portal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from stylesearch.accounts.roles import SCOPES, Role
from stylesearch.catalog.access import Access
from web.identity import current_access, open_to_all, require_scope
from web.rates import limited

View = TypeVar("View", bound=Callable[..., Any])


def guarded(view: View, scope: str | None, rate: str) -> View:
    """Have a view demand a scope of tokens, and of people the role that it takes; ``None`` for nothing at all."""
    view = open_to_all(view) if scope is None else require_scope(scope)(view)
    return limited(rate)(view)


def is_for_visitors(scope: str | None) -> bool:
    """Whether a scope takes no role, so that whoever may see the portal may ask without a token."""
    return scope is None or SCOPES[scope][0] is Role.VISITOR


def current() -> Access:
    """Return on whose behalf the catalogue is asked."""
    return current_access()
