"""Who asks, and which collections they may see."""

from __future__ import annotations

from stylesearch.catalog.access import Access


def current_access() -> Access:
    """Return which collections the one who asks may see."""
    return Access.EVERYBODY
