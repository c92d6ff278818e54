"""Plots of a set: tags by how often they come, which come together, and what was left out where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stylesearch.curation.funnel import Removal
from stylesearch.evaluation.plots import COLOURS, WIDTH, settled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_TOGETHER = 40
"""Tags that the heat map shows: the most frequent."""

_KIND_COLOURS = {"artist": COLOURS[0], "medium": COLOURS[1], "movement": COLOURS[2]}
_KIND_MARKS = {"artist": "o", "medium": "s", "movement": "^"}
_STAGE_COLOURS = {"matches": COLOURS[0], "images": COLOURS[1], "copies": COLOURS[2], "export": COLOURS[3]}
_STAGE_WORDS = {"matches": "matching", "images": "fetching", "copies": "deduplication", "export": "export"}
_LABEL = 34


@settled()
def tags_by_count(title: str, tags: Sequence[tuple[str, str, int]]) -> Figure:
    """Draw each tag's images against its rank within its kind, both axes by logarithm.

    Parameters
    ----------
    tags:
        Kind, name and images of each.
    """
    figure, axes = _figure(title, 4.5)
    for kind, colour in _KIND_COLOURS.items():
        counts = sorted((number for one, _, number in tags if one == kind and number > 0), reverse=True)
        if counts:
            axes.plot(
                range(1, len(counts) + 1), counts, color=colour, marker=_KIND_MARKS[kind], markersize=4, linewidth=1,
                markevery=max(1, len(counts) // 60), label=f"{kind}: {len(counts):,} tags",
            )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("rank of the tag within its kind")
    axes.set_ylabel("images")
    axes.legend(fontsize=8, frameon=False)
    return figure


@settled()
def together(title: str, tags: Sequence[tuple[str, str, int]], sets: Sequence[Sequence[int]]) -> Figure:
    """Draw how often the most frequent tags come together, as a heat map.

    Each row's shares are of that row's tag: how many of its images have the column's tag too.

    Parameters
    ----------
    tags:
        Kind, name and images of each.
    sets:
        For each image the numbers of its tags.
    """
    order = sorted(range(len(tags)), key=lambda place: (-tags[place][2], tags[place][:2]))[:MOST_TOGETHER]
    order.sort(key=lambda place: (list(_KIND_COLOURS).index(tags[place][0]), -tags[place][2], tags[place][1]))
    shares = _shares(order, sets)
    side = max(4.2, 0.155 * len(order) + 1.8)
    figure, axes = _figure(title, side)
    axes.grid(visible=False)
    picture = axes.imshow(100 * shares, cmap="cividis", vmin=0, vmax=100)
    names = [_short(f"{tags[place][1]} ({tags[place][2]:,})") for place in order]
    axes.set_yticks(range(len(order)), names, fontsize=6)
    axes.set_xticks(range(len(order)), [_short(tags[place][1]) for place in order], fontsize=6, rotation=90)
    bar = figure.colorbar(picture, ax=axes, shrink=0.7)
    bar.set_label("percent of the row's images that have the column's tag too", fontsize=8)
    return figure


def _shares(order: Sequence[int], sets: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    place_of = {tag: place for place, tag in enumerate(order)}
    counts = np.zeros((len(order), len(order)))
    for own in sets:
        here = [place_of[tag] for tag in own if tag in place_of]
        for one in here:
            counts[one, here] += 1
    alone = np.maximum(np.diag(counts), 1)[:, None]
    shares: NDArray[np.float64] = counts / alone
    np.fill_diagonal(shares, np.nan)
    return shares


@settled()
def removals(title: str, left_out: Sequence[Removal]) -> Figure:
    """Draw what was left at each step, and what was left out there, as bars.

    Parameters
    ----------
    left_out:
        From :func:`~stylesearch.curation.funnel.funnel`.
    """
    figure, axes = _figure(title, 1.6 + 0.42 * len(left_out))
    most = max(1, left_out[0].left)
    for place, one in enumerate(left_out):
        colour = _STAGE_COLOURS.get(one.stage, "#666666")
        axes.barh(place, one.left, color=colour, height=0.62, alpha=0.35)
        if one.number:
            axes.barh(
                place,
                one.number,
                left=one.left,
                color=colour,
                height=0.62,
                hatch="//",
                edgecolor="white",
                linewidth=0,
            )
        said = f"−{one.number:,} → {one.left:,}" if one.number else f"{one.left:,}"
        axes.text(min(one.left + one.number, most) + 0.01 * most, place, said, va="center", fontsize=7)
    names = [
        _short(f"{_STAGE_WORDS.get(one.stage, one.stage)}: {one.cause}" if one.cause else "captions read", 52)
        for one in left_out
    ]
    axes.set_yticks(range(len(left_out)), names, fontsize=7)
    axes.set_ylim(len(left_out) - 0.4, -0.6)
    axes.set_xlim(0, 1.22 * most)
    axes.set_xlabel("captions, and images from deduplication on; hatched: left out")
    return figure


def _short(name: str, most: int = _LABEL) -> str:
    # Names come from strangers; a dollar sign would be read as mathematics.
    plain = name.replace("$", r"\$")
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def _figure(title: str, height: float) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    figure.suptitle(_short(title, 110), fontsize=10)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="both", color="#dddddd", linewidth=0.5)
    axes.set_axisbelow(True)
    return figure, axes
