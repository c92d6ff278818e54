"""How pages tell values that people did not write."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup


def moment(value: datetime) -> Markup:
    """Return a moment as people read it, in UTC, with its exact form for programs."""
    there = value.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        there.isoformat(timespec="seconds"), f"{there:%Y-%m-%d %H:%M} UTC"
    )


def plainly(value: Any) -> str:
    """Return a value of any kind in words."""
    match value:
        case None | "" | [] | {}:
            return "nothing"
        case True:
            return "yes"
        case False:
            return "no"
        case list() | tuple():
            return ", ".join(plainly(one) for one in value)
        case dict():
            return "; ".join(f"{name}: {plainly(one)}" for name, one in value.items())
    return str(value)
