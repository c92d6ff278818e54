"""What somebody is here, and what follows from it."""

from __future__ import annotations

from enum import StrEnum

from stylesearch.catalog.access import Access
from stylesearch.errors import InputError


class Role(StrEnum):
    """What somebody is; each may do what those before may."""

    VISITOR = "visitor"
    VIEWER = "viewer"
    CURATOR = "curator"
    ADMIN = "admin"

    @property
    def access(self) -> Access:
        """Which collections it sees."""
        return {Role.VISITOR: Access.EVERYBODY, Role.VIEWER: Access.VIEWERS}.get(self, Access.STAFF)

    def covers(self, other: Role) -> bool:
        """Whether it may do what the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


SCOPES: dict[str, tuple[Role, str]] = {
    "read": (Role.VISITOR, "search, and read works, artists, collections and reports"),
    "report": (Role.VISITOR, "make attribution reports"),
    "ingest": (Role.CURATOR, "take works in, and follow and repeat ingest runs"),
    "admin": (Role.ADMIN, "everything that the pages of administration do"),
}
"""What a token may be for: the least role that may do it, and what it is."""


def read_scopes(names: list[str] | tuple[str, ...], role: Role) -> list[str]:
    """Return scopes in their order, each once.

    Parameters
    ----------
    role:
        Of the user who is to have the token.

    Raises
    ------
    InputError
        ``scope``, if there is none, an unknown one, or one above the role.
    """
    unknown = [name for name in names if name not in SCOPES]
    if unknown or not names:
        what = f"There is no scope {unknown[0][:50]!r}." if unknown else "A token needs a scope."
        raise InputError(what, hint=f"Scopes: {', '.join(SCOPES)}.", code="scope")
    above = [name for name in SCOPES if name in names and not role.covers(SCOPES[name][0])]
    if above:
        raise InputError(
            f"The scope {above[0]} is not for a {role}.",
            hint=f"It takes a {SCOPES[above[0]][0]}.",
            code="scope",
        )
    return [name for name in SCOPES if name in names]
