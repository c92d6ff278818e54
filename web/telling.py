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
    if value is None or value in ("", [], {}, ()):
        return "nothing"
    match value:
        case True:
            return "yes"
        case False:
            return "no"
        case list() | tuple():
            return ", ".join(plainly(one) for one in value)
        case {"before": before, "after": after, **rest}:
            # The database keeps names in an order of its own.
            return "; ".join(filter(None, [_changes(before, after), plainly(rest) if rest else ""]))
        case dict():
            return "; ".join(f"{name}: {plainly(one)}" for name, one in value.items())
    return str(value)


def _changes(before: Any, after: Any) -> str:
    if isinstance(before, dict) and isinstance(after, dict):
        return "; ".join(f"{name}: {plainly(before.get(name))} → {plainly(after[name])}" for name in after)
    return f"{plainly(before)} → {plainly(after)}"
