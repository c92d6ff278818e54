"""Results of a search as a terminal shows them."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

WHY = {
    "timeout": "its time ended, and there may be nearer works",
    "shard_down": "a part of the gallery could not be asked",
    "rank_depth": "the rankings that were joined go no further",
}

Row = tuple[int, float, int, str, str, str | None, str, str]
"""Rank, score, work, title, artist, date, reuse class, licence."""


def hits_table(sentence: str, rows: Iterable[Row]) -> Table:
    """Return works that were found as a table; ``sentence`` says among which."""
    table = Table(
        "#",
        "Score",
        "Work",
        "Title",
        "Artist",
        "Date",
        "Reuse",
        "License",
        title=sentence,
        title_justify="left",
    )
    for rank, score, work_id, title, artist, date, reuse, license_ in rows:
        table.add_row(str(rank), f"{score:.3f}", str(work_id), title, artist, date or "", reuse, license_)
    return table


def reason_text(reason: str | None) -> str:
    """Return the line that says why a search was cut short."""
    return f"The search was cut short: {WHY.get(reason or '', reason or 'nobody says why')}."
