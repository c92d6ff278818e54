"""A picture of one score among the scores of others: SVG, for a page in any colours and for print."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from stylesearch.attribution.numerals import fixed

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 44, 16, 26, 44
PRINTED = {"ink": "#1d1b18", "soft": "#57524a", "line": "#b9b2a6", "bar": "#8c867b", "mark": "#8f3f12"}
"""Colours where there is no style sheet."""

_TICK = 2


def null_plot(null: Mapping[str, Any], *, colours: Mapping[str, str] | None = None) -> str:
    """Return the plot of a report's ``null`` as SVG.

    Parameters
    ----------
    null:
        The artist, the standard score, and the shares of the null from ``low`` to ``high``.
    colours:
        By what they are for; by default, variables of the page's style sheet.
    """
    ink = dict(colours) if colours else {name: f"var(--{name})" for name in PRINTED}
    low, high, shares = float(null["low"]), float(null["high"]), null["shares"]
    tallest = max([*shares, 1e-9])
    step = (WIDTH - LEFT - RIGHT) / len(shares)
    floor = HEIGHT - BOTTOM

    def across(score: float) -> float:
        return LEFT + (min(max(score, low), high) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    bars = [
        f'<rect x="{LEFT + place * step:.1f}" y="{floor - share / tallest * (floor - TOP):.1f}" width="{step - 1:.1f}"'
        f' height="{share / tallest * (floor - TOP):.1f}" fill="{ink["bar"]}"/>'
        for place, share in enumerate(shares)
        if share > 0
    ]
    ticks = [
        f'<text x="{across(value):.1f}" y="{floor + 16}" text-anchor="middle" fill="{ink["soft"]}">{fixed(value, 0)}</text>'
        for value in range(round(low), round(high) + 1, _TICK)
    ]
    score = float(null["standard_score"])
    place = across(score)
    anchor = "end" if place > WIDTH / 2 else "start"
    beyond = " →" if score > high else ""
    shift = -6 if anchor == "end" else 6
    about = description(null)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
            f' role="img" aria-label="{escape(about, quote=True)}" font-family="sans-serif" font-size="12">'
        ),
        *bars,
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{floor}" y2="{floor}" stroke="{ink["line"]}"/>',
        *ticks,
        (
            f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.1f}" y="{HEIGHT - 8}" text-anchor="middle" fill="{ink["soft"]}">'
            "standard score: spreads above the mean of works by others</text>"
        ),
        f'<line x1="{place:.1f}" x2="{place:.1f}" y1="{TOP - 8}" y2="{floor}" stroke="{ink["mark"]}" stroke-width="3"/>',
        (
            f'<text x="{place + shift:.1f}" y="{TOP - 10}" text-anchor="{anchor}" fill="{ink["ink"]}" font-weight="bold">'
            f"this image: {fixed(score, 1)}{beyond}</text>"
        ),
        "</svg>",
    ]
    return "".join(parts)


def description(null: Mapping[str, Any]) -> str:
    """Return what the plot shows, for those who do not see it."""
    score, low, high = float(null["standard_score"]), float(null["low"]), float(null["high"])
    step = (high - low) / len(null["shares"])
    above = sum(share for place, share in enumerate(null["shares"]) if low + (place + 1) * step > score)
    share = f"about {100 * above:.0f} %" if above >= 0.01 else "less than 1 %"
    return (
        f"Standard scores of works by others against {null['artist']}, as bars, and that of this image, {fixed(score, 1)}, as a"
        f" line: {share} of the works by others, every artist weighing the same, score as high."
    )
