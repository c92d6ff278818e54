"""Does a descriptor find an artist's other drawings? Artists of the Open Clip Art Library of whom nothing was trained on.

    python benchmarks/openclipart_artists.py --packages FOLDER

FOLDER keeps the Debian package openclipart-svg, which is fetched into it if it is missing. Measured are the artists with ten
drawings or more; training leaves out every drawing of every one of them. Names that differ only in case, spaces and
punctuation are one artist; other spellings of one person are not known to be one, and count as misses for all alike.

The artists are divided at random into two halves, and each half is searched by itself: every drawing is a query against all
others of its half, the artist is the label. mAP@10 is counted as in the paper on Contrastive Style Descriptors. Every row
of the table comes from one run. Intervals are percentiles over 2,000 draws of artists with replacement, the same draws for
each descriptor; a difference whose interval holds 0 is none.

Descriptors are kept in the results' folder, so a second run is quick. The table and the plot are written to
benchmarks/results/openclipart_artists.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from record import arguments, plain_figure, table, write

from stylesearch.cli.progress import progress_bar
from stylesearch.encoders.decoding import SHORTEST_SIDE
from stylesearch.encoders.lite import WEIGHTS
from stylesearch.encoders.protocol import Descriptors, Pixels
from stylesearch.evaluation.collection import same_thing
from stylesearch.evaluation.describing import (
    Describer,
    Limits,
    baseline_describer,
    describe_images,
    encoder_describer,
)
from stylesearch.evaluation.labels import Indices, Mask, Relevance
from stylesearch.evaluation.plots import COLOURS
from stylesearch.evaluation.ranking import rank, unit
from stylesearch.evaluation.splits import disjoint_halves
from stylesearch.images.decode import decode
from stylesearch.images.hashes import perceptual_hash
from stylesearch.local.apt import fetch
from stylesearch.training.data.artists import Clipart, clipart, of_many_works
from stylesearch.training.data.packages import DRAWINGS

NAME = "openclipart_artists"
BASELINES = ("pooled", "statistics", "gram", "rgb-histogram")
LIMITS = Limits(max_bytes=16 * 1024**2, max_pixels=40_000_000)
K = 10
SEED = 0
RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Half:
    """The drawings of half of the artists.

    Attributes
    ----------
    places:
        Which of all drawings they are.
    names:
        Each one's artist.
    groups:
        Drawings that look the same have the same number.
    draws:
        ``[resamples, artists]``: how often each artist was drawn.
    """

    places: Indices
    names: NDArray[np.str_]
    groups: Indices
    draws: NDArray[np.int64]


def main() -> None:
    parser = arguments(__doc__, NAME, limit="most drawings of one artist, to try it out")
    parser.add_argument("--encoder", action="append", help="slug, repeatable; lite by default")
    options = parser.parse_args()

    drawings = measured_drawings(options.packages, options.limit)
    describers = [encoder_describer(slug, device="cpu") for slug in options.encoder or ["lite"]]
    describers += [baseline_describer(name, device="cpu") for name in BASELINES]
    drawings, (looks, *descriptors) = described(
        drawings, [look_describer(), *describers], options.packages, options.out
    )
    slugs = [describer.slug for describer in describers]
    report(options.out, drawings, looks, dict(zip(slugs, descriptors, strict=True)), options.limit)


def measured_drawings(packages: Path, most: int | None = None) -> list[Clipart]:
    """List the drawings of the artists that are measured on, in a fixed order.

    Parameters
    ----------
    packages:
        Folder of unpacked packages.
    most:
        Most drawings of one artist.
    """
    fetch(DRAWINGS, packages)
    taken: Counter[str] = Counter()
    chosen = []
    for drawing in of_many_works(clipart(packages)):
        taken[drawing.artist] += 1
        if most is None or taken[drawing.artist] <= most:
            chosen.append(drawing)
    return chosen


def described(
    drawings: Sequence[Clipart], describers: Sequence[Describer], packages: Path, cache: Path
) -> tuple[list[Clipart], tuple[Descriptors, ...]]:
    """Return those drawings that can be decoded, and what each describer says of them."""
    paths = [drawing.path.relative_to(packages).as_posix() for drawing in drawings]
    with progress_bar("describing", "drawings") as bar:
        found = describe_images(describers, packages, paths, limits=LIMITS, cache=cache, on_progress=bar)
    return [drawings[place] for place in found.places], found.descriptors


def look_describer() -> Describer:
    """Return what says of a picture how it looks at a glance, so that copies are known: 64 bits, and how wide it is."""

    def decoded(data: bytes, limits: Limits) -> Pixels:
        return decode(
            data, max_bytes=limits.max_bytes, max_pixels=limits.max_pixels, shortest_side=SHORTEST_SIDE
        ).pixels

    def look(pixels: Pixels) -> NDArray[np.float32]:
        height, width = pixels.shape[:2]
        octets = np.array([perceptual_hash(pixels)], "<i8").view(np.uint8)
        return np.append(np.unpackbits(octets), width / height).astype(np.float32)

    return Describer("look", "1" * 64, {}, str(SHORTEST_SIDE), decoded, look, np.stack)


def hashes(looks: NDArray[np.float32]) -> Indices:
    """Return ``[n]`` perceptual hashes of what :func:`look_describer` said."""
    return np.packbits(looks[:, :64].astype(np.uint8), axis=1).view("<i8")[:, 0].astype(np.int64)


def halves(drawings: Sequence[Clipart], looks: NDArray[np.float32]) -> list[Half]:
    """Divide drawings into two halves that share no artist."""
    names = np.array([drawing.artist for drawing in drawings])
    groups = same_thing(
        [(place, bytes.fromhex(drawing.sha256)) for place, drawing in enumerate(drawings)], hashes(looks)
    )
    first = disjoint_halves(names.tolist(), seed=SEED)
    found = []
    for number, half in enumerate((first, ~first)):
        artists = len(set(names[half]))
        dice = np.random.default_rng([SEED, number])
        draws = dice.multinomial(artists, np.full(artists, 1 / artists), size=RESAMPLES)
        found.append(Half(np.flatnonzero(half), names[half], groups[half], draws))
    return found


def query_scores(rows: Descriptors, names: NDArray[np.str_], groups: Indices) -> NDArray[np.float64]:
    """Return ``[n]``: each query's mean precision among its first 1 to 10 results; NaN where there is no hit to find."""
    ranking = rank(
        unit(rows), unit(rows), Relevance(names, names), k=K, query_groups=groups, gallery_groups=groups
    )
    return np.where(ranking.relevant > 0, precision_over_ranks(ranking.hits), np.nan)


def precision_over_ranks(hits: Mask) -> NDArray[np.float64]:
    """Return ``[queries]``: the mean over r of the share of hits among the first r."""
    return (np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)).mean(axis=1)


def mean_by_draw(
    scores: NDArray[np.float64], names: NDArray[np.str_], draws: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return ``[resamples]``: the mean over the queries of the artists drawn, those drawn twice counted twice."""
    known = ~np.isnan(scores)
    numbers = np.unique(names, return_inverse=True)[1][known]
    sums = np.bincount(numbers, scores[known], minlength=draws.shape[1])
    counts = np.bincount(numbers, minlength=draws.shape[1])
    return (draws @ sums) / np.maximum(draws @ counts, 1)


def mean_by_artist(scores: NDArray[np.float64], names: NDArray[np.str_]) -> float:
    """Return the mean over artists of each one's mean."""
    each = [scores[names == name] for name in np.unique(names)]
    return float(np.mean([np.nanmean(one) for one in each if not np.isnan(one).all()]))


def report(
    out: Path,
    drawings: Sequence[Clipart],
    looks: NDArray[np.float32],
    descriptors: dict[str, Descriptors],
    limit: int | None,
) -> None:
    divided = halves(drawings, looks)
    figures, samples = {}, {}
    for slug, rows in descriptors.items():
        apart = [query_scores(rows[half.places], half.names, half.groups) for half in divided]
        scores = [
            query_scores(rows[half.places], half.names, np.arange(len(half.places))) for half in divided
        ]
        drawn = [mean_by_draw(one, half.names, half.draws) for one, half in zip(scores, divided, strict=True)]
        samples[slug] = [*drawn, np.mean(drawn, axis=0)]
        figures[slug] = {
            "folds": [float(np.nanmean(one)) for one in scores],
            "intervals": [interval(one) for one in samples[slug][:2]],
            "mean": float(np.mean([np.nanmean(one) for one in scores])),
            "mean_interval": interval(samples[slug][2]),
            "copies_apart": [float(np.nanmean(one)) for one in apart],
            "artists_alike": [
                mean_by_artist(one, half.names) for one, half in zip(scores, divided, strict=True)
            ],
        }
    first = next(iter(descriptors))
    ahead = {}
    for slug in descriptors:
        if slug != first:
            difference = samples[first][2] - samples[slug][2]
            ahead[slug] = {
                "by": figures[first]["mean"] - figures[slug]["mean"],
                "interval": interval(difference),
            }
    sizes = [(len(half.places), len(set(half.names))) for half in divided]
    about = (
        f"{len(drawings):,} drawings by {sum(artists for _, artists in sizes)} artists; "
        f"fold 1 has {sizes[0][0]:,} by {sizes[0][1]}, fold 2 {sizes[1][0]:,} by {sizes[1][1]}. mAP@10 in percent; the "
        f"{CONFIDENCE:.0%} intervals are over artists. Copies apart: drawings that look the same are no results for each "
        "other. Artists alike: the mean over artists instead of drawings, as a few drew most."
    )
    head = (
        "", "fold 1", "fold 2", "mean", "interval", "copies apart", "artists alike", f"{first} ahead by",
    )  # fmt: skip
    rows = [
        (
            slug,
            *map(percent, one["folds"]),
            percent(one["mean"]),
            span(one["mean_interval"]),
            percent(float(np.mean(one["copies_apart"]))),
            percent(float(np.mean(one["artists_alike"]))),
            f"{100 * ahead[slug]['by']:+.1f} ({span(ahead[slug]['interval'], signed=True)})"
            if slug in ahead
            else "",
        )
        for slug, one in figures.items()
    ]
    values = {
        "drawings": len(drawings),
        "folds": [{"drawings": count, "artists": artists} for count, artists in sizes],
        "seed": SEED,
        "k": K,
        "resamples": RESAMPLES,
        "mAP": figures,
        f"{first}_ahead": ahead,
    }
    write(
        out,
        "Artists of the Open Clip Art Library",
        [about, table(head, rows)],
        values,
        {"map": draw(figures)},
        weights=WEIGHTS,
        limit=limit,
    )


def interval(samples: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(samples, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def span(bounds: tuple[float, float], *, signed: bool = False) -> str:
    low, high = (f"{100 * bound:{'+' if signed else ''}.1f}" for bound in bounds)
    return f"{low} to {high}"


def draw(figures: dict[str, dict]) -> Figure:
    figure, axes = plain_figure(8.0, 1.1 + 0.55 * len(figures))
    for place, one in enumerate(figures.values()):
        for number, (value, bounds) in enumerate(zip(one["folds"], one["intervals"], strict=True)):
            shifted = place + (number - 0.5) * 0.32
            errors = [[max(0.0, 100 * (value - bounds[0]))], [max(0.0, 100 * (bounds[1] - value))]]
            axes.errorbar(
                100 * value, shifted, xerr=errors, fmt="os"[number], color=COLOURS[0 if number == 0 else 5],
                markersize=6, capsize=3, linewidth=1.2, label=f"fold {number + 1}" if place == 0 else None,
            )  # fmt: skip
            axes.annotate(
                f"{100 * value:.1f}",
                (100 * value, shifted),
                (0, 5),
                textcoords="offset points",
                ha="center",
                fontsize=7,
            )
    axes.set_yticks(range(len(figures)), figures)
    axes.set_ylim(len(figures) - 0.45, -0.6)
    axes.set_xlim(0, None)
    axes.set_xlabel(f"mAP@{K} by artist, percent, with {CONFIDENCE:.0%} intervals over artists")
    axes.legend(fontsize=8, frameon=False, loc="lower right")
    return figure


if __name__ == "__main__":
    main()
