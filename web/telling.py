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
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(plainly, value))
    if isinstance(value, dict):
        # The database keeps names in an order of its own.
        both = "before" in value and "after" in value
        changed = [_changes(value["before"], value["after"])] if both else []
        rest = [name for name in value if not both or name not in ("before", "after")]
        return "; ".join([*changed, *(f"{name}: {plainly(value[name])}" for name in rest)])
    return str(value)


def _changes(before: Any, after: Any) -> str:
    if isinstance(before, dict) and isinstance(after, dict):
        return "; ".join(f"{name}: {plainly(before.get(name))} → {plainly(after[name])}" for name in after)
    return f"{plainly(before)} → {plainly(after)}"
