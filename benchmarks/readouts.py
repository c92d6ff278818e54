"""Which readout finds an artist's other drawings best? Artists of the Open Clip Art Library of whom nothing was trained on.

    python benchmarks/readouts.py --packages FOLDER

FOLDER keeps the Debian package openclipart-svg, which is fetched into it if it is missing. The drawings, their two halves, the
measure and the intervals are those of openclipart_artists.py; every readout is that of stylesearch.search.scoring, as it runs.

One example: every drawing is a query against all others of its half. Several: three drawings of an artist at a time, and all
others of the half are searched. For and against: somebody has searched with three drawings, looks at the first ten results,
and names up to three of them that are by others as what is not meant; those are searched for no longer, and all ways are
compared on what is left.

Descriptors are kept in the results' folder, so a second run is quick. The table and the plot are written to
benchmarks/results/readouts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from openclipart_artists import (
    CONFIDENCE,
    RESAMPLES,
    Half,
    described,
    halves,
    interval,
    look_describer,
    mean_by_draw,
    measured_drawings,
    percent,
    precision_over_ranks,
    span,
)
from record import arguments, plain_figure, table, write

from stylesearch.catalog.whitening import Space, fit
from stylesearch.encoders.lite import WEIGHTS
from stylesearch.errors import InputError
from stylesearch.evaluation.csls import local_density
from stylesearch.evaluation.describing import encoder_describer
from stylesearch.evaluation.plots import COLOURS
from stylesearch.search.readout import Readout
from stylesearch.search.scoring import Weighted, asks, fused, scores
from stylesearch.search.vectors import unit

NAME = "readouts"
K = 10
EXAMPLES, NAMED, MOST_DRAWS = 3, 3, 5
SEED = 0

MEASURES = ("cosine", "csls", "whitened")
SINGLE = {measure: Readout(measure=measure) for measure in MEASURES}
SEVERAL = {
    f"{words}, {measure}": Readout(measure=measure, fusion=fusion)
    for fusion, words in (("mean", "mean"), ("rank", "ranks"))
    for measure in MEASURES
}
AGAINST = {
    "not said": Readout(force=0),
    **{f"subtract {force:g}": Readout(against="subtract", force=force) for force in (0.25, 0.5, 1.0)},
    **{
        f"ranks, subtract {force:g}": Readout(fusion="rank", against="subtract", force=force)
        for force in (0.25, 0.5)
    },
    **{
        f"margin {margin:g}, force {force:g}": Readout(against="margin", margin=margin, force=force)
        for margin in (0.05, 0.1)
        for force in (0.5, 1.0)
    },
    "whitened, not said": Readout(measure="whitened", force=0),
    "whitened, margin 0.1, force 0.5": Readout(measure="whitened"),
}


@dataclass(frozen=True)
class Gallery:
    """One half, as it is searched.

    Attributes
    ----------
    vectors:
        ``[n, dim]`` of unit norm.
    crowding:
        ``[n]``: mean cosine of each to its nearest neighbours.
    space:
        What was fitted to them.
    names:
        ``[n]``: the artists.
    """

    vectors: NDArray[np.float64]
    crowding: NDArray[np.float64]
    space: Space
    names: NDArray[np.str_]

    def ranked(
        self, wanted: Sequence[int], unwanted: Sequence[int], readout: Readout, without: Sequence[int]
    ) -> NDArray[np.intp]:
        """Return the places of the first results, the best first."""
        examples = Weighted(self.vectors[list(wanted)], np.ones(len(wanted)))
        others = Weighted(self.vectors[list(unwanted)], np.ones(len(unwanted))) if len(unwanted) else None
        rankings = []
        found = asks(readout, examples, others, self.space if readout.measure == "whitened" else None)
        for ask in found:
            score = scores(self._measured(ask, readout), readout, self.vectors, self.crowding)
            score[list(without)] = -np.inf
            rankings.append(np.argsort(-score, kind="stable")[:1000])
        if len(rankings) == 1:
            return rankings[0][:K]
        joined = fused([ranking.tolist() for ranking in rankings], [ask.weight for ask in found])
        near = {
            place for ask, ranking in zip(found, rankings, strict=True) if ask.weight > 0 for place in ranking
        }
        return np.array(sorted(near, key=lambda place: (-joined[place], place))[:K])

    def _measured(self, ask, readout: Readout):
        if readout.measure != "csls":
            return ask
        near = np.sort(unit(ask.vectors) @ self.vectors.T, axis=1)[:, -15:].mean(axis=1)
        return ask.with_crowding(near.tolist())

    def precision(self, ranked: NDArray[np.intp], name: str) -> float:
        """Return the mean precision among the first 1 to 10 results."""
        hits = np.zeros(K, dtype=bool)
        hits[: len(ranked)] = self.names[ranked] == name
        return float(precision_over_ranks(hits[None])[0])


def main() -> None:
    parser = arguments(__doc__, NAME, limit="most drawings of one artist, to try it out")
    options = parser.parse_args()
    drawings = measured_drawings(options.packages, options.limit)
    describers = [look_describer(), encoder_describer("lite", device="cpu")]
    drawings, (looks, rows) = described(drawings, describers, options.packages, options.out)
    divided = halves(drawings, looks)
    galleries = [_gallery(rows, half) for half in divided]
    parts = {
        "One example": _measure(galleries, divided, SINGLE, _plainly, 1),
        f"{EXAMPLES} examples": _measure(galleries, divided, SEVERAL, _plainly, EXAMPLES),
        f"{EXAMPLES} examples, and up to {NAMED} against": _measure(
            galleries, divided, AGAINST, _corrected, EXAMPLES
        ),
    }
    about = (
        f"{len(drawings):,} drawings by {sum(len(set(half.names)) for half in divided)} artists, in two halves; mAP@{K} in"
        f" percent, the mean of both. The {CONFIDENCE:.0%} intervals are over {RESAMPLES:,} draws of artists; a difference"
        " whose interval holds 0 is none."
    )
    sections = [about]
    for title, figures in parts.items():
        first = next(iter(figures))
        lines = [
            (
                name,
                percent(one["mean"]),
                span(one["interval"]),
                ""
                if name == first
                else f"{100 * one['ahead']:+.1f} ({span(one['ahead_interval'], signed=True)})",
            )
            for name, one in figures.items()
        ]
        sections.append(f"{title}:\n\n{table(('', 'mAP@10', 'interval', f'ahead of {first}'), lines)}")
    write(
        options.out,
        "Readouts",
        sections,
        {"k": K, "seed": SEED, "resamples": RESAMPLES, "parts": parts},
        {"map": _draw(parts)},
        weights=WEIGHTS,
        limit=options.limit,
    )


def _gallery(rows: NDArray[np.float32], half: Half) -> Gallery:
    vectors = unit(rows[half.places].astype(np.float16))
    return Gallery(
        vectors,
        local_density(vectors.astype(np.float32), vectors.astype(np.float32), own=True),
        Space(*fit(vectors), 1.0),
        half.names,
    )


Asked = Callable[[Gallery, Readout, Sequence[tuple[int, ...]]], NDArray[np.float64]]


def _measure(
    galleries: Sequence[Gallery],
    divided: Sequence[Half],
    readouts: dict[str, Readout],
    asked: Asked,
    number: int,
) -> dict[str, dict]:
    """Return the figures of each readout, and how far it is ahead of the first."""
    draws = [_draws(gallery, number) for gallery in galleries]
    found, samples = {}, {}
    for name, readout in readouts.items():
        each = [asked(gallery, readout, drawn) for gallery, drawn in zip(galleries, draws, strict=True)]
        sampled = [
            mean_by_draw(score, gallery.names[[one[0] for one in drawn]], _redrawn(half, gallery, drawn))
            for score, gallery, drawn, half in zip(each, galleries, draws, divided, strict=True)
        ]
        samples[name] = np.mean(sampled, axis=0)
        found[name] = {
            "mean": float(np.mean([np.nanmean(one) for one in each])),
            "interval": interval(samples[name]),
            "searches": int(sum(len(one) for one in each)),
        }
    first = next(iter(found))
    for name, one in found.items():
        one["ahead"] = one["mean"] - found[first]["mean"]
        one["ahead_interval"] = interval(samples[name] - samples[first])
    return found


def _redrawn(half: Half, gallery: Gallery, drawn: Sequence[tuple[int, ...]]) -> NDArray[np.int64]:
    """Return how often each artist who was searched for was drawn."""
    searched = np.unique(gallery.names[[one[0] for one in drawn]])
    return half.draws[:, np.isin(np.unique(half.names), searched)]


def _draws(gallery: Gallery, number: int) -> list[tuple[int, ...]]:
    """Return places of the examples of each search: every drawing alone, or some of an artist's at a time."""
    if number == 1:
        return [(place,) for place in range(len(gallery.names))]
    dice = np.random.default_rng(SEED)
    found: list[tuple[int, ...]] = []
    for name in np.unique(gallery.names):
        places = dice.permutation(np.flatnonzero(gallery.names == name))
        groups = places[: len(places) // number * number].reshape(-1, number)[:MOST_DRAWS]
        found += [tuple(group) for group in groups.tolist()]
    return found


def _plainly(gallery: Gallery, readout: Readout, drawn: Sequence[tuple[int, ...]]) -> NDArray[np.float64]:
    return np.array(
        [gallery.precision(gallery.ranked(one, (), readout, one), gallery.names[one[0]]) for one in drawn]
    )


def _corrected(gallery: Gallery, readout: Readout, drawn: Sequence[tuple[int, ...]]) -> NDArray[np.float64]:
    found = []
    for one in drawn:
        name = gallery.names[one[0]]
        first = gallery.ranked(one, (), Readout(), one)
        wrong = [int(place) for place in first if gallery.names[place] != name][:NAMED]
        without = [*one, *wrong]
        try:
            again = gallery.ranked(one, wrong, readout, without)
        except InputError:  # they cancel each other out, being the same: nothing is found
            again = np.zeros(0, dtype=np.intp)
        found.append(gallery.precision(again, name))
    return np.array(found)


def _draw(parts: dict[str, dict[str, dict]]) -> Figure:
    figure, axes = plain_figure(8.0, 1.2 + 0.3 * sum(map(len, parts.values())), nrows=len(parts), sharex=True,
                                height_ratios=[len(one) for one in parts.values()])  # fmt: skip
    for axis, (title, figures) in zip(axes, parts.items(), strict=True):
        for place, one in enumerate(figures.values()):
            low, high = one["interval"]
            errors = [[100 * (one["mean"] - low)], [100 * (high - one["mean"])]]
            axis.errorbar(
                100 * one["mean"], place, xerr=errors, fmt="o", color=COLOURS[0], markersize=5, capsize=3
            )
        axis.set_yticks(range(len(figures)), figures, fontsize=8)
        axis.set_ylim(len(figures) - 0.5, -0.5)
        axis.set_title(title, fontsize=9, loc="left")
    axes[-1].set_xlabel(f"mAP@{K}, percent, with {CONFIDENCE:.0%} intervals over artists")
    return figure


if __name__ == "__main__":
    main()
