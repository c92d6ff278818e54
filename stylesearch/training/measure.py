"""Measures encoders on the icon themes kept for testing: does style win over content?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stylesearch.encoders.backbone import load_backbone
from stylesearch.encoders.preprocessing import squash_batch
from stylesearch.encoders.protocol import Pixels
from stylesearch.encoders.registry import encode_checked, get_encoder
from stylesearch.training.icons import Icon, crossed_icons, icon_batches

RANKS = 10
_LEVELS = 8

Vectors = NDArray[np.float32]
Labels = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Figures:
    """How well descriptors find style.

    Attributes
    ----------
    recall_at_1:
        Share of queries whose nearest other picture is of the same style.
    map_at_10:
        Mean precision over the first 1 to 10 results, then over queries.
    auc:
        Chance that a pair of one style with different contents is more alike than a pair of one content in different
        styles; 0.5 is no preference.
    """

    recall_at_1: float
    map_at_10: float
    auc: float


def figures(vectors: Vectors, styles: Labels, contents: Labels) -> Figures:
    """Measure leave-one-out retrieval of style by cosine; the same content in other styles is left in.

    Parameters
    ----------
    vectors:
        ``[n, dim]`` of unit norm, n above :data:`RANKS`.
    styles, contents:
        ``[n]`` names.
    """
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -np.inf)
    same_style = styles[:, None] == styles
    nearest = np.argsort(-alike, axis=1, kind="stable")[:, :RANKS]
    hits = np.take_along_axis(same_style, nearest, axis=1)
    precision = hits.cumsum(axis=1) / np.arange(1, RANKS + 1)

    pairs = np.triu_indices(len(vectors), 1)
    same_content = contents[:, None] == contents
    wanted = alike[pairs][(same_style & ~same_content)[pairs]]
    lures = np.sort(alike[pairs][(~same_style & same_content)[pairs]])
    below = np.searchsorted(lures, wanted, "left") + np.searchsorted(lures, wanted, "right")
    return Figures(
        recall_at_1=float(hits[:, 0].mean()),
        map_at_10=float(precision.mean()),
        auc=float(below.mean() / (2 * len(lures))),
    )


def colour_histogram(images: Sequence[Pixels]) -> Vectors:
    """Return ``[n, 512]`` unit vectors of how often each of 512 colours occurs: a baseline."""
    rows = []
    for pixels in images:
        levels = (pixels // (256 // _LEVELS)).reshape(-1, 3).astype(np.int64)
        rows.append(np.bincount(levels @ [_LEVELS**2, _LEVELS, 1], minlength=_LEVELS**3))
    return _unit(np.array(rows, dtype=np.float32))


def pooled_features(device: str = "cpu") -> Callable[[Sequence[Pixels]], Vectors]:
    """Return a baseline encoder: the network's last stage averaged over the picture, ``[n, 320]`` unit vectors."""
    import torch

    network = torch.nn.Sequential(*load_backbone()).to(device)

    def pool(images: Sequence[Pixels]) -> Vectors:
        with torch.inference_mode():
            maps = network(torch.from_numpy(squash_batch(images)).to(device))
            return _unit(maps.mean(dim=(2, 3)).cpu().numpy())

    return pool


def _unit(rows: Vectors) -> Vectors:
    unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def reduced(pixels: Pixels, side: int) -> Pixels:
    """Return a picture as ``[side, side, 3]``, so that all have as little detail as the coarsest one has."""
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BOX))


def measure(root: Path, encoder: str, *, side: int | None = None) -> dict[str, Figures]:
    """Measure an encoder and two baselines on the testing themes.

    Parameters
    ----------
    root:
        Folder that holds ``<package>/usr/share/icons/<theme>``.
    encoder:
        Slug.
    side:
        Reduce every picture to this many pixels first: some themes come as drawings and some as small pixel images,
        and without this their sharpness alone tells them apart.

    Raises
    ------
    InputError
        If the encoder is unknown or there are no two testing themes with icons in common.
    """
    built = get_encoder(encoder)
    describers: dict[str, Callable[[Sequence[Pixels]], Vectors]] = {
        encoder: lambda images: encode_checked(built, images),
        "pooled": pooled_features(),
        "colours": colour_histogram,
    }
    drawings: list[Icon] = []
    vectors: dict[str, list[Vectors]] = {name: [] for name in describers}
    for icons, pictures in icon_batches(crossed_icons(root, testing=True)):
        drawings += icons
        if side is not None:
            pictures = [reduced(pixels, side) for pixels in pictures]  # noqa: PLW2901 - the same pictures, reduced
        for name, describe in describers.items():
            vectors[name].append(describe(pictures))
    styles = np.array([icon.style for icon in drawings])
    contents = np.array([icon.content for icon in drawings])
    return {name: figures(np.concatenate(parts), styles, contents) for name, parts in vectors.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures as a table."""
    parser = argparse.ArgumentParser(prog="python -m stylesearch.training.measure", description=__doc__)
    parser.add_argument(
        "--themes", type=Path, required=True, help="folder of unpacked Debian packages of icon themes"
    )
    parser.add_argument("--encoder", default="lite", help="slug of the encoder to measure")
    parser.add_argument("--side", type=int, help="reduce every picture to this many pixels a side first")
    options = parser.parse_args(arguments)
    for name, row in measure(options.themes, options.encoder, side=options.side).items():
        values = f"R@1 {row.recall_at_1:.1%}  mAP@10 {row.map_at_10:.1%}  AUC {row.auc:.3f}"
        sys.stdout.write(f"{name:10s} {values}\n")


if __name__ == "__main__":
    main()
