"""A picture of what likelihood ratios said against what was seen: SVG, for a page in any colours and for print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from stylesearch.attribution.null_plot import PRINTED

SIDE, LEFT, TOP, BOTTOM, RIGHT = 200, 52, 14, 44, 16
WIDTH, HEIGHT = LEFT + SIDE + RIGHT, TOP + SIDE + BOTTOM
SMALLEST, LARGEST = 2.5, 9.0
"""Radii of a dot of no pairs and of one of all of them, in pixels."""


def reliability_plot(bins: Sequence[Mapping[str, Any]], *, colours: Mapping[str, str] | None = None) -> str:
    """Return the plot as SVG: on the diagonal, what was said is what was seen.

    Parameters
    ----------
    bins:
        Each with ``said``, ``seen`` and ``share``, as :class:`~stylesearch.attribution.checking.Reliability`; the larger
        the share, the larger the dot.
    colours:
        By what they are for; by default, variables of the page's style sheet.
    """
    ink = dict(colours) if colours else {name: f"var(--{name})" for name in PRINTED}

    def point(said: float, seen: float) -> tuple[float, float]:
        return LEFT + said * SIDE, TOP + (1 - seen) * SIDE

    dots = [(*point(one["said"], one["seen"]), one["share"]) for one in bins]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in dots)
    ticks = (0.0, 0.5, 1.0)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
            f' role="img" aria-label="{escape(in_words(bins), quote=True)}" font-family="sans-serif" font-size="11">'
        ),
        f'<rect x="{LEFT}" y="{TOP}" width="{SIDE}" height="{SIDE}" fill="none" stroke="{ink["line"]}"/>',
        (
            f'<line x1="{LEFT}" y1="{TOP + SIDE}" x2="{LEFT + SIDE}" y2="{TOP}" stroke="{ink["soft"]}"'
            ' stroke-dasharray="2 4"/>'
        ),
        f'<polyline points="{line}" fill="none" stroke="{ink["mark"]}" stroke-width="1.5"/>',
        *(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{SMALLEST + (LARGEST - SMALLEST) * share**0.5:.1f}"'
            f' fill="{ink["mark"]}"/>'
            for x, y, share in dots
        ),
        *(
            f'<text x="{point(tick, 0)[0]:.1f}" y="{TOP + SIDE + 16}" text-anchor="middle" fill="{ink["soft"]}">{tick}</text>'
            f'<text x="{LEFT - 8}" y="{point(0, tick)[1] + 4:.1f}" text-anchor="end" fill="{ink["soft"]}">{tick}</text>'
            for tick in ticks
        ),
        (
            f'<text x="{LEFT + SIDE / 2}" y="{HEIGHT - 8}" text-anchor="middle" fill="{ink["soft"]}">'
            "said, at even odds</text>"
        ),
        (
            f'<text transform="translate(14 {TOP + SIDE / 2}) rotate(-90)" text-anchor="middle" fill="{ink["soft"]}">'
            "seen</text>"
        ),
        "</svg>",
    ]
    return "".join(parts)


def in_words(bins: Sequence[Mapping[str, Any]]) -> str:
    """Return what the plot shows, for those who do not see it."""
    told = "; ".join(f"{100 * one['said']:.0f} % said, {100 * one['seen']:.0f} % seen" for one in bins)
    return (
        f"How often the same artist was right where likelihood ratios said how often, at even odds: {told}."
    )
