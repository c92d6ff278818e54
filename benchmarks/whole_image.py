"""Which way of making a picture square keeps the style of a long one? Scrolls and friezes, made up and real.

    python benchmarks/whole_image.py --packages FOLDER

FOLDER keeps the Debian packages, which are fetched into it if they are missing. Nothing of what is measured on was trained
on. The encoder is `lite`, with each of its whole-image policies in turn.

Made up: strips of squares, wide ones and tall ones in turn, made of icons of one theme. In the first kind only the two ends
hold an icon, and white lies between them; in the second every square holds another icon. Each strip is a query against
single icons, which are square, so that all policies see those alike; strips and single icons never show the same things.
A hit is an icon of the strip's theme.

Real: the drawings of the artists with ten or more in the Open Clip Art Library, by how long they are. Each is a query
against all others, described by the same policy. A hit is a drawing by the same artist.

mAP@10 is counted as in the paper on Contrastive Style Descriptors. The table and the plot are written to
benchmarks/results/whole_image; descriptors of drawings are kept beside those of openclipart_artists.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from crossed_icons import measured_icons
from matplotlib.figure import Figure
from numpy.typing import NDArray
from openclipart_artists import NAME as ARTISTS
from openclipart_artists import (
    K,
    described,
    look_describer,
    measured_drawings,
    percent,
    precision_over_ranks,
)
from record import arguments, plain_figure, table, write

from stylesearch.encoders.decoding import SHORTEST_SIDE
from stylesearch.encoders.lite import PREPROCESSING, SLUG, WEIGHTS
from stylesearch.encoders.preprocessing import POLICIES
from stylesearch.encoders.protocol import Encoder, Pixels
from stylesearch.encoders.registry import get_encoder
from stylesearch.evaluation.describing import Describer, encoder_describer
from stylesearch.evaluation.labels import Relevance
from stylesearch.evaluation.plots import COLOURS
from stylesearch.evaluation.protocols import retrieval
from stylesearch.evaluation.ranking import rank, unit
from stylesearch.images.decode import decode
from stylesearch.training.data.icons import Icon

LENGTHS = (1, 2, 3, 4, 6, 8, 12)
"""How many squares a strip is long."""

STRIPS = 16
"""Strips of each theme and length."""

KINDS = {"ends": "style at the ends only", "throughout": "style throughout"}
SHAPES = (1.0, 1.5, 2.0, 3.0)
"""From which ratio of sides on a real drawing belongs to a column."""

_SIDE = PREPROCESSING.size
_ICON_LIMITS = {"max_bytes": 16 * 1024**2, "max_pixels": 4_000_000, "shortest_side": SHORTEST_SIDE}


def main() -> None:
    parser = arguments(
        __doc__, "whole_image", limit="most drawings of one artist and icons of one theme, to try it out"
    )
    options = parser.parse_args()

    made_up, counts = measure_strips(options.packages, options.limit)
    real, queries = measure_drawings(options.packages, options.limit, options.out.parent / ARTISTS)
    report(options.out, made_up, counts, real, queries, options.limit)


def encoders() -> dict[str, Encoder]:
    """Return `lite` with each policy."""
    return {policy: get_encoder(SLUG, policy=policy, device="cpu") for policy in POLICIES}


def measure_strips(
    packages: Path, most: int | None
) -> tuple[dict[str, dict[str, list[float]]], dict[str, int]]:
    """Return mAP@10 by kind, policy and length, and how much was measured."""
    in_strips, single = parted(measured_icons(packages, most))
    by_policy = encoders()
    gallery = by_policy[PREPROCESSING.policy].encode([square(icon) for icon in single])
    styles = [icon.style for icon in single]
    found: dict[str, dict[str, list[float]]] = {kind: {policy: [] for policy in POLICIES} for kind in KINDS}
    for kind in KINDS:
        for length in LENGTHS:
            labels, pictures = zip(*strips(in_strips, kind, length), strict=True)
            for policy, encoder in by_policy.items():
                result = retrieval(encoder.encode(pictures), gallery, labels, styles, ks=[K])
                found[kind][policy].append(result.map_at[K])
            print(
                f"{kind}, {length}: "
                + ", ".join(f"{name} {percent(one[-1])}" for name, one in found[kind].items()),
                flush=True,
            )
    return found, {"strips": len(labels), "icons": len(single), "themes": len(set(styles))}


def parted(icons: Sequence[Icon]) -> tuple[list[Icon], list[Icon]]:
    """Divide icons into those that strips are made of and those that are searched, which show other things."""
    contents = sorted({icon.content for icon in icons})
    random.Random(0).shuffle(contents)
    first = set(contents[: len(contents) // 2])
    return [icon for icon in icons if icon.content in first], [
        icon for icon in icons if icon.content not in first
    ]


@lru_cache(maxsize=4096)
def square(icon: Icon) -> Pixels:
    return PREPROCESSING.squares(decode(icon.path.read_bytes(), **_ICON_LIMITS).pixels)[0]


def strips(icons: Sequence[Icon], kind: str, length: int) -> Iterator[tuple[str, Pixels]]:
    """Yield strips with their themes, the same each time."""
    by_style: dict[str, list[Icon]] = {}
    for icon in icons:
        by_style.setdefault(icon.style, []).append(icon)
    for style, own in sorted(by_style.items()):
        for number in range(STRIPS):
            dice = random.Random(f"{style} {number}")
            chosen = dice.choices(own, k=max(LENGTHS))
            filled = {0, length - 1} if kind == "ends" else set(range(length))
            cells = [square(chosen[place]) if place in filled else None for place in range(length)]
            yield style, strip(cells, upright=bool(number % 2))


def strip(cells: Sequence[Pixels | None], *, upright: bool) -> Pixels:
    """Lay squares side by side, or one below the other; nothing is white."""
    white = np.full((_SIDE, _SIDE, 3), 255, np.uint8)
    return np.concatenate([white if cell is None else cell for cell in cells], axis=0 if upright else 1)


def measure_drawings(
    packages: Path, most: int | None, cache: Path
) -> tuple[dict[str, list[float]], list[int]]:
    """Return mAP@10 of real drawings by policy and shape, and how many drawings of each shape were searched with."""
    describers = [policy_describer(policy, encoder) for policy, encoder in encoders().items()]
    drawings, (looks, *descriptors) = described(
        measured_drawings(packages, most), [look_describer(), *describers], packages, cache
    )
    names = np.array([drawing.artist for drawing in drawings])
    ratios = np.maximum(looks[:, -1], 1 / looks[:, -1])
    shapes = np.searchsorted(SHAPES, ratios, side="right") - 1
    found: dict[str, list[float]] = {policy: [] for policy in POLICIES}
    queries = []
    for shape in range(len(SHAPES)):
        asked = np.flatnonzero((shapes == shape) & np.isin(names, repeated(names)))
        queries.append(len(asked))
        for policy, rows in zip(POLICIES, descriptors, strict=True):
            ranking = rank(
                unit(rows[asked]), unit(rows), Relevance(names[asked], names), k=K,
                query_groups=asked, gallery_groups=np.arange(len(rows)),
            )  # fmt: skip
            found[policy].append(
                float(precision_over_ranks(ranking.hits).mean()) if len(asked) else float("nan")
            )
    return found, queries


def repeated(names: NDArray[np.str_]) -> NDArray[np.str_]:
    known, counts = np.unique(names, return_counts=True)
    return known[counts > 1]


def policy_describer(policy: str, encoder: Encoder) -> Describer:
    """Return a policy of `lite` as a describer whose descriptors are kept under a name of its own."""
    plain = encoder_describer(SLUG, device="cpu")
    if policy == PREPROCESSING.policy:
        return plain
    return replace(
        plain,
        slug=f"{SLUG}-{policy}",
        digest=encoder.spec.digest,
        prepare=encoder.prepare,
        describe=encoder.encode_prepared,
    )


def report(
    out: Path,
    made_up: dict[str, dict[str, list[float]]],
    counts: dict[str, int],
    real: dict[str, list[float]],
    queries: list[int],
    limit: int | None,
) -> None:
    head = ("", *(f"{length} : 1" if length > 1 else "square" for length in LENGTHS))
    about = (
        f"mAP@{K} in percent of `{SLUG}` by whole-image policy. Made up: {counts['strips']} strips of each length, "
        f"searched in {counts['icons']:,} icons of {counts['themes']} themes."
    )
    sections = [about]
    for kind, title in KINDS.items():
        rows = [(policy, *map(percent, values)) for policy, values in made_up[kind].items()]
        sections += [f"Strips, {title}:", table(head, rows)]
    shapes = [f"{low:g} to {high:g}" for low, high in pairwise(SHAPES)] + [f"{SHAPES[-1]:g} and more"]
    labels = [f"{shape} ({count:,})" for shape, count in zip(shapes, queries, strict=True)]
    rows = [(policy, *map(percent, values)) for policy, values in real.items()]
    sections += [
        "Drawings of the Open Clip Art Library, by the ratio of their sides, with how many were searched with:",
        table(("", *labels), rows),
    ]
    values = {
        "k": K, "lengths": LENGTHS, "strips": made_up, "counts": counts, "shapes": SHAPES, "drawings": real,
        "drawings_searched_with": queries,
    }  # fmt: skip
    write(
        out,
        "Whole-image policies",
        sections,
        values,
        {"map": draw(made_up, real, labels)},
        weights=WEIGHTS,
        limit=limit,
    )


def draw(
    made_up: dict[str, dict[str, list[float]]], real: dict[str, list[float]], shapes: list[str]
) -> Figure:
    figure, axes = plain_figure(10.0, 3.8, ncols=3, sharey=True)
    for index, policy in enumerate(POLICIES):
        looks = {"color": COLOURS[index], "marker": "os^D"[index], "markersize": 5, "label": policy}
        for one, kind in zip(axes, KINDS, strict=False):
            one.plot(LENGTHS, [100 * value for value in made_up[kind][policy]], **looks)
        axes[2].plot(range(len(shapes)), [100 * value for value in real[policy]], **looks)
    for one, title in zip(
        axes, [*(f"strips, {title}" for title in KINDS.values()), "real drawings"], strict=True
    ):
        one.set_title(title, fontsize=10)
    for one in axes[:2]:
        one.set_xscale("log", base=2)
        one.set_xticks(LENGTHS, list(map(str, LENGTHS)))
        one.minorticks_off()
        one.set_xlabel("times as long as wide")
    axes[2].set_xticks(range(len(shapes)), [shape.replace(" (", "\n(") for shape in shapes], fontsize=8)
    axes[2].set_xlabel("times as long as wide (drawings)")
    axes[0].set_ylim(0, None)
    axes[0].set_ylabel(f"mAP@{K}, percent")
    axes[0].legend(fontsize=8, frameon=False)
    return figure


if __name__ == "__main__":
    main()
