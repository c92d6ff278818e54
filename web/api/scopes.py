"""What a token may be good for."""

from __future__ import annotations

from typing import Literal, get_args

Scope = Literal["read", "report", "ingest", "admin"]

SCOPES: dict[Scope, str] = {
    "read": "Search, and read works, artists and collections.",
    "report": "Make attribution reports.",
    "ingest": "Follow ingest runs, begin them, and try items again.",
    "admin": "List reports and change collections.",
}
assert tuple(SCOPES) == get_args(Scope)
