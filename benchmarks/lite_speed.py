"""How many pictures a second does the encoder `lite` describe, and how many does the plain way with the same network?

    python benchmarks/lite_speed.py --packages FOLDER

FOLDER keeps the Debian packages whose pictures are described; missing ones are fetched into it. All contenders get the same
pictures, decoded and cut to squares beforehand, and all processors. They take turns, in another order each round, so that
what else the machine does hits them alike; medians over rounds are shown, and ratios are taken within a round.

- lite: what `stylesearch encode` runs on a processor, ONNX Runtime.
- torch, fused: the same weights in torch, batch norms folded into the convolutions, channels last.
- torch, plain: timm's own modules in evaluation mode with their batch norms, channels first, 32 pictures at a time; and
  once more with the batch that suits it best.
- ViT-L/14: the network of `csd-vit-l-14`, with random weights, as stylesearch runs it. The weights do not change its speed.

The table and the plot are written to benchmarks/results/lite_speed.
"""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from crossed_icons import measured_icons
from matplotlib.figure import Figure
from record import arguments, plain_figure, table, write
from torch import nn

from stylesearch.encoders.backbone import load_network
from stylesearch.encoders.csd import CSDEncoder, build_module
from stylesearch.encoders.decoding import SHORTEST_SIDE
from stylesearch.encoders.devices import usable_processors
from stylesearch.encoders.lite import PREPROCESSING, WEIGHTS, LiteEncoder
from stylesearch.encoders.lite_network import CORRELATED, DEPTHS, build_network, map_statistics
from stylesearch.encoders.preprocessing import LITE_DEVIATION, LITE_MEAN
from stylesearch.encoders.protocol import Descriptors, Pixels
from stylesearch.evaluation.plots import COLOURS
from stylesearch.images.decode import decode

PLAIN_BATCH = 32
BATCHES = (1, 2, 4, 8, 16, 32)
LEAST_COSINE = 0.999
"""How alike the contenders' descriptors of one picture must be; otherwise their speeds say nothing."""

VIT_SHARE = 16
"""The large network gets one picture of so many, or nobody would wait for it."""

Describe = Callable[[Sequence[Pixels]], Descriptors]


@dataclass
class Contender:
    name: str
    describe: Describe
    squares: Sequence[Pixels]
    batch: int
    rates: list[float] = field(default_factory=list)

    def run(self) -> Descriptors:
        """Describe all pictures and note how many it were a second."""
        start = time.perf_counter()
        parts = [
            self.describe(self.squares[first : first + self.batch])
            for first in range(0, len(self.squares), self.batch)
        ]
        self.rates.append(len(self.squares) / (time.perf_counter() - start))
        return np.concatenate(parts)


class PlainLite(nn.Module):
    """The network as timm builds it, as far as `lite` needs it, with the statistics and the head of `lite`."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        whole = load_network()
        self.stem, self.norm, self.stages = whole.conv_stem, whole.bn1, whole.blocks[: DEPTHS - 1]
        self.head = head

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        seen = self.norm(
            self.stem((pixels.permute(0, 3, 1, 2).float().contiguous() - LITE_MEAN) / LITE_DEVIATION)
        )
        statistics = [map_statistics(seen, correlated=True)]
        for depth, stage in enumerate(self.stages, start=1):
            seen = stage(seen)
            statistics.append(map_statistics(seen, correlated=depth < CORRELATED))
        return self.head(torch.cat(statistics, dim=1))


class RandomCSD(CSDEncoder):
    """The network of CSD, with the weights that it is built with."""

    def build(self) -> nn.Module:
        return build_module(self.variant.architecture, self.variant.image_size)


def main() -> None:
    parser = arguments(__doc__, "lite_speed")
    parser.add_argument(
        "--weights", type=Path, default=WEIGHTS, help="weights of lite; by default the installed ones"
    )
    parser.add_argument("--limit", type=int, default=128, help="pictures a round")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument(
        "--no-vit", action="store_true", help="leave out the large network, which needs 2 GB of memory"
    )
    options = parser.parse_args()

    torch.set_num_threads(usable_processors())
    squares = read_squares(options.packages, options.limit)
    contenders = make_contenders(squares, options.weights, vit=not options.no_vit)
    found = {one.name: one.run() for one in contenders}  # warms up, too
    for one in contenders:
        one.rates.clear()
    order = random.Random(0)
    for number in range(options.rounds):
        for one in order.sample(contenders, len(contenders)):
            one.run()
        print(
            f"round {number + 1}: " + ", ".join(f"{one.name} {one.rates[-1]:.1f}" for one in contenders),
            flush=True,
        )
    report(options.out, contenders, found, options.weights)


def read_squares(packages: Path, count: int) -> list[Pixels]:
    """Return pictures of the themes that `lite` is measured on, cut to squares."""
    icons = measured_icons(packages)
    chosen = random.Random(0).sample(icons, min(count, len(icons)))
    limits = {"max_bytes": 16 * 1024**2, "max_pixels": 4_000_000, "shortest_side": SHORTEST_SIDE}
    return [PREPROCESSING.squares(decode(icon.path.read_bytes(), **limits).pixels)[0] for icon in chosen]


def make_contenders(squares: list[Pixels], weights: Path, *, vit: bool) -> list[Contender]:
    encoder = LiteEncoder(weights=weights, device="cpu")
    encoder.load()
    state = encoder.weights.read()
    fused = build_network(state, "the weights").to(memory_format=torch.channels_last)
    plain = PlainLite(build_network(state, "the weights").head).requires_grad_(requires_grad=False).eval()

    def prepared(chosen: Sequence[Pixels]) -> Descriptors:
        return encoder.encode_prepared([square[None] for square in chosen])

    batches = {
        name: best_batch(in_torch(network), squares) for name, network in (("fused", fused), ("plain", plain))
    }
    contenders = [
        Contender("lite", prepared, squares, PLAIN_BATCH),
        Contender("torch, fused", in_torch(fused), squares, batches["fused"]),
        Contender(f"torch, plain, {PLAIN_BATCH} at a time", in_torch(plain), squares, PLAIN_BATCH),
        Contender("torch, plain, best batch", in_torch(plain), squares, batches["plain"]),
    ]
    if vit:
        large = RandomCSD("csd-vit-l-14", weights, device="cpu", precision="fp32")
        contenders.append(
            Contender(
                "ViT-L/14",
                lambda chosen: large.encode_prepared([square[None] for square in chosen]),
                squares[::VIT_SHARE],
                PLAIN_BATCH,
            )
        )
    return contenders


def in_torch(network: nn.Module) -> Describe:
    def describe(squares: Sequence[Pixels]) -> Descriptors:
        with torch.inference_mode():
            return network(torch.from_numpy(np.stack(squares))).numpy()

    return describe


def best_batch(describe: Describe, squares: Sequence[Pixels]) -> int:
    """Return the batch that is quickest, by the better of two runs each."""
    some = squares[:PLAIN_BATCH]
    tried = [Contender(str(batch), describe, some, batch) for batch in BATCHES]
    for one in [*tried, *tried[::-1]]:
        one.run()
    return max(tried, key=lambda one: max(one.rates)).batch


def report(out: Path, contenders: list[Contender], found: dict[str, Descriptors], weights: Path) -> None:
    plain = next(one for one in contenders if one.batch == PLAIN_BATCH and "plain" in one.name)
    ratios = {
        one.name: [rate / base for rate, base in zip(one.rates, plain.rates, strict=True)]
        for one in contenders
    }
    cosines = {
        name: np.sum(rows * found["lite"], axis=1) for name, rows in found.items() if name != "ViT-L/14"
    }
    least = min(float(values.min()) for values in cosines.values())
    if not least >= LEAST_COSINE:
        raise SystemExit(
            f"The contenders do not compute the same: a cosine of {least:.6f}. Nothing was written; "
            "do not change the weights while this runs."
        )
    batches = {one.name: one.batch for one in contenders} | {"lite": 2, "ViT-L/14": 4}
    rows = [
        (
            one.name,
            str(batches[one.name]),
            f"{statistics.median(one.rates):.1f}",
            f"{min(one.rates):.1f} to {max(one.rates):.1f}",
            f"{statistics.median(ratios[one.name]):.2f}",
            f"{cosines[one.name].min():.6f}" if one.name in cosines else "",
        )
        for one in contenders
    ]
    head = (
        "",
        "pictures at a time",
        "pictures a second",
        "lowest to highest",
        "times the plain way",
        "least cosine to lite",
    )
    about = (
        f"{len(contenders[0].squares)} pictures, {len(plain.rates)} rounds in turns, fp32, decoding left out. "
        "Medians over rounds; ratios are taken within each round."
    )
    values = {
        "pictures": {one.name: len(one.squares) for one in contenders},
        "batch": batches,
        "pictures_a_second": {one.name: one.rates for one in contenders},
        "ratio_to_plain": ratios,
        "least_cosine": {name: float(values.min()) for name, values in cosines.items()},
    }
    write(
        out, "Speed of lite", [about, table(head, rows)], values, {"rates": draw(contenders)}, weights=weights
    )


def draw(contenders: list[Contender]) -> Figure:
    figure, axes = plain_figure(8.0, 0.9 + 0.5 * len(contenders))
    for place, one in enumerate(contenders):
        middle = statistics.median(one.rates)
        axes.barh(place, middle, 0.6, color=COLOURS[0] if one.name == "lite" else "#bbbbbb")
        axes.plot(one.rates, [place] * len(one.rates), "|", color="black", markersize=9, alpha=0.5)
        axes.annotate(
            f"{middle:.1f}", (max(one.rates), place), (6, 0), textcoords="offset points", va="center"
        )
    axes.set_yticks(range(len(contenders)), [one.name for one in contenders])
    axes.set_ylim(len(contenders) - 0.5, -0.5)
    axes.set_xlim(0, 1.12 * max(max(one.rates) for one in contenders))
    axes.set_xlabel("pictures a second; a mark for each round")
    return figure


if __name__ == "__main__":
    main()
