"""Do the attribution reports keep what they promise? On the Open Clip Art Library, with artists and works held out.

    python benchmarks/attribution.py --packages FOLDER

FOLDER keeps the Debian package openclipart-svg, which is fetched into it if it is missing. Asked are the drawings of the
artists with ten drawings or more; lite was trained on none of them. Names that differ only in case, spaces and punctuation
are one artist. So are names where all words of the one are in the other, two at least, without what stands in brackets: the
table says which.

The artists are divided into five folds, three times over. In each fold its artists are taken out of the gallery whole, and
a quarter of the drawings of all others; the rest is calibrated, and what was taken out is asked about. Every artist counts
the same, however much they drew. Intervals are percentiles over 1,000 draws of artists with replacement.

Beside lite stand simple descriptors, once over: the same rules, and the same threshold on raw cosines.

Descriptors are kept in the results' folder of openclipart_artists.py, so that nothing is described twice. The table and the
plots are written to benchmarks/results/attribution.
"""

import re
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from openclipart_artists import described, hashes, look_describer, measured_drawings
from record import RESULTS, arguments, plain_figure, table, write

from stylesearch.attribution.checking import Figures, figures, reliability
from stylesearch.attribution.heldout import Held, Pairs, Queries, hold_out
from stylesearch.attribution.sure_works import SureWorks, sure_works
from stylesearch.cli.progress import progress_bar
from stylesearch.encoders.lite import WEIGHTS
from stylesearch.evaluation.collection import same_thing
from stylesearch.evaluation.describing import baseline_describer, encoder_describer
from stylesearch.evaluation.plots import COLOURS

NAME = "attribution"
SEEDS = (0, 1, 2)
BESIDE = ("pooled", "statistics", "rgb-histogram")
RESAMPLES = 1000
CONFIDENCE = 0.95
RATE = 0.1
WHY = (
    "Beside it, a raw cosine of 0.8 or more taken for a finding, with an artist's prototype or with the nearest of the"
    " artist's works; and simple descriptors beside lite. *False* is the rate of false discoveries, *found* how often the"
    " maker is found. The rules keep their promise with whatever descriptor. The threshold's rate of false discoveries is"
    " what the descriptor happens to make it: nothing in the number says which."
)
_BRACKETS = re.compile(r"[(\[].*?[)\]]")


def main() -> None:
    parser = arguments(__doc__, NAME, limit="most drawings of one artist, to try it out")
    options = parser.parse_args()
    galleries, joined = read_galleries(options.packages, options.limit)
    works = galleries["lite"]
    together = join([ask(works, seed, "lite") for seed in SEEDS])
    told = figures(together)
    bounds = intervals(together)
    beside = {slug: figures(ask(galleries[slug], SEEDS[0], slug)) for slug in BESIDE}
    write(
        options.out,
        "Attribution, held to its promises",
        [about(works, told, joined), *tables(told, bounds, beside)],
        {
            "works": len(works),
            "artists": len(works.artists),
            "joined": joined,
            "divisions": len(SEEDS),
            "rate": RATE,
            "figures": told.to_json(),
            "intervals": bounds,
            "beside": {slug: one.to_json() for slug, one in beside.items()},
            "outcomes": outcomes(together),
        },
        {"p-values": draw_p_values(together.pairs), "reliability": draw_reliability(together.pairs)},
        weights=WEIGHTS,
        limit=options.limit,
    )


def read_galleries(packages: Path, limit: int | None) -> tuple[dict[str, SureWorks], list[list[str]]]:
    """Return the drawings as a gallery by descriptor, and the spellings that were taken for one artist."""
    drawings = measured_drawings(packages, limit)
    cache = RESULTS / "openclipart_artists"
    describers = [
        encoder_describer("lite", device="cpu"),
        *(baseline_describer(slug, device="cpu") for slug in BESIDE),
    ]
    drawings, (looks, *descriptors) = described(drawings, [look_describer(), *describers], packages, cache)
    groups = same_thing(
        [(place, bytes.fromhex(drawing.sha256)) for place, drawing in enumerate(drawings)], hashes(looks)
    )
    names = one_name([drawing.artist for drawing in drawings])
    artists = [frozenset([names[drawing.artist]]) for drawing in drawings]
    joined: dict[str, list[str]] = {}
    for name, kept in sorted(names.items()):
        joined.setdefault(kept, []).append(name)
    galleries = {
        describer.slug: sure_works(rows, artists, groups)
        for describer, rows in zip(describers, descriptors, strict=True)
    }
    return galleries, [spellings for spellings in joined.values() if len(spellings) > 1]


def one_name(names: Sequence[str]) -> dict[str, str]:
    """Return what to call each artist: spellings are joined where all words of one are in the other, two at least."""
    counts = {name: names.count(name) for name in set(names)}
    words = {name: frozenset(re.findall(r"\w+", _BRACKETS.sub(" ", name).casefold())) for name in counts}
    kept: dict[str, str] = {}
    for name in sorted(counts, key=lambda one: (-counts[one], one)):
        same = [
            other
            for other in kept.values()
            if min(len(words[name]), len(words[other])) >= 2
            and (words[name] <= words[other] or words[other] <= words[name])
        ]
        kept[name] = same[0] if same else name
    return kept


def ask(works: SureWorks, seed: int, slug: str) -> Held:
    with progress_bar(f"{slug}, division {seed + 1}", "folds") as bar:
        return hold_out(works, seed=seed, rate=RATE, on_progress=bar)


def join(parts: Sequence[Held]) -> Held:
    starts = np.cumsum([0, *(len(part.queries.known) for part in parts)])
    queries = Queries(
        *(_joined([getattr(part.queries, one.name) for part in parts]) for one in fields(Queries))
    )
    moved = [
        replace(part.pairs, query=part.pairs.query + start)
        for part, start in zip(parts, starts[:-1], strict=True)
    ]
    pairs = Pairs(*(_joined([getattr(part, one.name) for part in moved]) for one in fields(Pairs)))
    return Held(queries, pairs)


def _joined(values: list) -> object:
    if isinstance(values[0], tuple):
        return tuple(one for value in values for one in value)
    return np.concatenate(values)


def intervals(held: Held) -> dict[str, tuple[float, float]]:
    """Return the interval of each share of works, from drawing artists anew."""
    queries = held.queries
    names, numbers = np.unique(queries.artist, return_inverse=True)
    dice = np.random.default_rng(0)
    draws = dice.multinomial(len(names), np.full(len(names), 1 / len(names)), size=RESAMPLES)
    sizes = np.bincount(numbers)
    named = np.isin(queries.outcome, ("artist", "group"))
    every = np.ones(len(numbers), dtype=bool)

    def drawn(values: NDArray, among: NDArray[np.bool_]) -> tuple[float, float]:
        hits = np.bincount(numbers, values * among, minlength=len(names)) / sizes
        total = np.bincount(numbers, among, minlength=len(names)) / sizes
        shares = (draws @ hits) / np.maximum(draws @ total, 1e-12)
        low, high = np.quantile(shares, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        return float(low), float(high)

    passed = queries.passed_wrong / np.maximum(queries.passed, 1)
    found = queries.wrong / np.maximum(queries.found, 1)
    return {
        "passed_rate": drawn(passed, every),
        "outside_passed_rate": drawn(passed, ~queries.known),
        "discovery_rate": drawn(found, every),
        "outside_discovery_rate": drawn(found, ~queries.known),
        "recall": drawn(queries.found_right, queries.known),
        "readable_recall": drawn(queries.found_right, queries.readable),
        "top1": drawn(queries.first_right, queries.known),
        "abstention": drawn(np.array(queries.outcome) == "abstained", every),
        "named": drawn(named, every),
        "answer_right": drawn(queries.answer_right, named),
    }


def outcomes(held: Held) -> dict[str, float]:
    """Return the share of works, each artist counting the same, by what was said and why."""
    queries = held.queries
    sizes = {name: queries.artist.count(name) for name in set(queries.artist)}
    weights = np.array([1 / sizes[name] for name in queries.artist])
    said = [
        f"{one}: {reason}" if reason else one
        for one, reason in zip(queries.outcome, queries.reason, strict=True)
    ]
    return {name: float(weights[np.array(said) == name].sum() / weights.sum()) for name in sorted(set(said))}


def about(works: SureWorks, told: Figures, joined: list[list[str]]) -> str:
    spellings = "; ".join(" = ".join(names) for names in joined)
    return (
        f"{len(works):,} drawings by {len(works.artists)} artists, {works.repeated + works.contested:,} further pictures left"
        f" out as copies or contested; {told.queries:,} questions, {told.wrong_pairs:,} pairs with a wrong artist, in"
        f" {len(SEEDS)} divisions of five folds. Taken for one artist: {spellings}. All shares in percent, every artist"
        f" counting the same; {CONFIDENCE:.0%} intervals over artists."
    )


def tables(told: Figures, bounds: dict[str, tuple[float, float]], beside: dict[str, Figures]) -> list[str]:
    promise = [
        ("p ≤ 0.05, wrong artists", percent(told.wrong_below_5), "", "at most 6"),
        ("p ≤ 0.05, maker not in the gallery", percent(told.outside_below_5), "", "at most 6"),
        ("p ≤ 0.01, wrong artists", percent(told.wrong_below_1), "", "at most 1.5"),
        ("p ≤ 0.01, maker not in the gallery", percent(told.outside_below_1), "", "at most 1.5"),
        ("false discoveries, the procedure alone", *both(told, bounds, "passed_rate"), "at most 12"),
        ("… maker not in the gallery", *both(told, bounds, "outside_passed_rate"), "at most 12"),
        ("false discoveries, as reported", *both(told, bounds, "discovery_rate"), "at most 12"),
        ("… maker not in the gallery", *both(told, bounds, "outside_discovery_rate"), "at most 12"),
        ("Cllr", f"{told.cllr:.3f}", "", "below 1"),
    ]
    power = [
        ("maker found", *both(told, bounds, "recall")),
        ("maker found, of those whose gap is above 0", *both(told, bounds, "readable_recall")),
        ("maker scores highest", *both(told, bounds, "top1")),
        ("nothing said (abstained)", *both(told, bounds, "abstention")),
        ("an artist or a group named", *both(told, bounds, "named")),
        ("names that are right", *both(told, bounds, "answer_right")),
    ]
    others = [
        (
            slug,
            percent(one.outside_below_5),
            percent(one.discovery_rate),
            percent(one.recall),
            percent(one.raw.discovery_rate),
            percent(one.raw.right),
            percent(one.raw_nearest.discovery_rate),
            percent(one.raw_nearest.right),
        )
        for slug, one in {"lite": told, **beside}.items()
    ]
    head = (
        "", "p ≤ 0.05, maker not here", "false, as reported", "found, as reported", "false, prototype at 0.8",
        "found, prototype at 0.8", "false, nearest work at 0.8", "found, nearest work at 0.8",
    )  # fmt: skip
    return [
        "What is promised, at q = 0.1:",
        table(("", "measured", "interval", "promised"), promise),
        "What it costs:",
        table(("", "measured", "interval"), power),
        WHY,
        table(head, others),
    ]


def both(told: Figures, bounds: dict[str, tuple[float, float]], name: str) -> tuple[str, str]:
    low, high = bounds[name]
    return percent(getattr(told, name)), f"{percent(low)} to {percent(high)}"


def percent(share: float) -> str:
    return f"{100 * share:.2f}" if share < 0.02 else f"{100 * share:.1f}"


def draw_p_values(pairs: Pairs) -> Figure:
    """Draw how often wrong artists have a p-value so low or lower: on the line or below is as promised."""
    figure, axes = plain_figure(6.0, 4.6)
    levels = np.geomspace(1e-3, 1, 200)
    lines: list[tuple[str, NDArray[np.bool_], int]] = [
        ("wrong artists, maker in the gallery", ~pairs.own & pairs.known, 0),
        ("wrong artists, maker not in the gallery", ~pairs.known, 5),
        ("the makers themselves", pairs.own, 2),
    ]
    for label, among, colour in lines:
        order = np.argsort(pairs.p_values[among])
        values, weights = pairs.p_values[among][order], pairs.weights[among][order]
        share = np.append(0, np.cumsum(weights) / weights.sum())
        axes.plot(
            levels, share[np.searchsorted(values, levels, side="right")], label=label, color=COLOURS[colour]
        )
    axes.plot(levels, levels, color="#666666", linestyle=":", label="as promised")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(1e-4, 1.2)
    axes.set_xlabel("p-value")
    axes.set_ylabel("share at or below it")
    axes.legend(fontsize=8, frameon=False)
    return figure


def draw_reliability(pairs: Pairs) -> Figure:
    """Draw, for prior odds of one to one, how often the same artist was right against how often that was said."""
    figure, axes = plain_figure(5.2, 4.6)
    found = reliability(pairs)
    axes.plot([0, 1], [0, 1], color="#666666", linestyle=":")
    axes.plot([one.said for one in found], [one.seen for one in found], marker="o", color=COLOURS[0])
    axes.set_xlabel("said: probability of the same artist at even odds")
    axes.set_ylabel("seen")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    return figure


if __name__ == "__main__":
    main()
