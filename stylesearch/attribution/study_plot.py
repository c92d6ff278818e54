"""A picture of a study: for each artist, what was generated between what it would be without the name and the artist's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from stylesearch.attribution.model_study import ArtistStudy

WIDTH, LINE, TOP, BOTTOM = 720, 24, 34, 34
LEFT, RIGHT = 190, 16
LONGEST = 26
"""Letters of a name that fit beside the plot."""


def study_plot(artists: Sequence[ArtistStudy]) -> str:
    """Return an SVG picture in the colours of the page: GSS with its interval, baseline and ceiling of each artist.

    Parameters
    ----------
    artists:
        In the order of the lines, from the top.
    """
    values = [
        v for one in artists for v in (one.low, one.high, one.baseline, one.ceiling) if math.isfinite(v)
    ]
    low = math.floor(min([0.0, *values]) * 5) / 5
    height = TOP + LINE * len(artists) + BOTTOM

    def across(value: float) -> float:
        return LEFT + (value - low) / (1 - low) * (WIDTH - LEFT - RIGHT)

    ticks = [low + 0.2 * step for step in range(round((1 - low) / 0.2) + 1)]
    floor = height - BOTTOM
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
            f' role="img" aria-label="{escape(_about(artists), quote=True)}" font-family="sans-serif" font-size="12">'
        ),
        *(
            f'<line x1="{across(tick):.1f}" x2="{across(tick):.1f}" y1="{TOP}" y2="{floor}" stroke="var(--line)"/>'
            f'<text x="{across(tick):.1f}" y="{floor + 16}" text-anchor="middle" fill="var(--soft)">{tick + 0.0:.1f}</text>'
            for tick in ticks
        ),
        *(_line(one, TOP + LINE * (place + 0.5), across) for place, one in enumerate(artists)),
        _legend(),
        "</svg>",
    ]
    return "".join(parts)


def _line(one: ArtistStudy, middle: float, across: Callable[[float], float]) -> str:
    name = one.artist if len(one.artist) <= LONGEST else f"{one.artist[: LONGEST - 1]}…"
    parts = [
        f'<text x="{LEFT - 12}" y="{middle + 4:.1f}" text-anchor="end" fill="var(--ink)">{escape(name)}</text>',
        _baseline(across(one.baseline), middle) if math.isfinite(one.baseline) else "",
        _ceiling(across(one.ceiling), middle),
    ]
    if math.isfinite(one.low):
        parts.append(
            f'<line x1="{across(one.low):.1f}" x2="{across(one.high):.1f}" y1="{middle:.1f}" y2="{middle:.1f}"'
            ' stroke="var(--mark)" stroke-width="3"/>'
        )
    parts.append(_gss(across(one.gss), middle))
    return "".join(parts)


def _gss(place: float, middle: float) -> str:
    return f'<circle cx="{place:.1f}" cy="{middle:.1f}" r="5" fill="var(--mark)"/>'


def _baseline(place: float, middle: float) -> str:
    return f'<circle cx="{place:.1f}" cy="{middle:.1f}" r="4.5" fill="var(--paper)" stroke="var(--soft)" stroke-width="1.5"/>'


def _ceiling(place: float, middle: float) -> str:
    return (
        f'<line x1="{place:.1f}" x2="{place:.1f}" y1="{middle - 7:.1f}" y2="{middle + 7:.1f}" stroke="var(--ink)"'
        ' stroke-width="2"/>'
    )


def _legend() -> str:
    middle = TOP / 2
    marks = (
        (_baseline, 0, "without a name"),
        (_gss, 130, "for the name, with its interval"),
        (_ceiling, 350, "the artist's own works"),
    )
    return "".join(
        f'{mark(LEFT + 8 + place, middle)}<text x="{LEFT + 20 + place}" y="{middle + 4:.1f}" fill="var(--soft)">'
        f"{escape(label)}</text>"
        for mark, place, label in marks
    )


def _about(artists: Sequence[ArtistStudy]) -> str:
    told = "; ".join(f"{one.artist} {one.gss:.2f}" for one in artists)
    return f"General style similarity of what was generated for each artist's name: {told}."
