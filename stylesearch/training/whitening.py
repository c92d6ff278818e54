"""Fits the whitening of the encoder ``lite``: what varies within a style is turned down, so that styles stand out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stylesearch.encoders.lite import WHITENING_PATH, LiteEncoder
from stylesearch.encoders.preprocessing import SQUASH_224
from stylesearch.encoders.protocol import Pixels
from stylesearch.training.data.icons import crossed_icons, icon_batches
from stylesearch.training.data.packages import ICON_THEMES

DIM = 256
SHRINKAGE = 0.03
"""Share of a round scatter that is mixed in; without it the quietest directions would drown the rest."""
CONTENT_WEIGHT = 3.0
"""How many times more the scatter that styles share, for they drew the same thing, counts than other scatter."""
MOST_PER_STYLE = 400
_INNER = 0.56
_TINY = 1e-6

Statistics = NDArray[np.float64]
Labels = NDArray[np.str_]


def inner(pixels: Pixels) -> Pixels:
    """Cut out the middle of a picture, some 56 % of each side: one without margins, as paintings and photographs are."""
    height, width = pixels.shape[:2]
    top, left = int(height * (1 - _INNER) / 2), int(width * (1 - _INNER) / 2)
    return pixels[top : max(top + 1, height - top), left : max(left + 1, width - left)]


def scatter_within(residuals: Statistics, styles: Labels) -> NDArray[np.float64]:
    """Return the mean over styles, each counted once, of the covariance within a style.

    Parameters
    ----------
    residuals:
        ``[n, p]``, each less its style's mean.
    styles:
        ``[n]`` names.
    """
    covariances = [rows.T @ rows / len(rows) for rows in _groups(residuals, styles)]
    scatter: NDArray[np.float64] = np.mean(covariances, axis=0)
    return scatter


def scatter_of_contents(residuals: Statistics, contents: Labels, *, least: int = 3) -> NDArray[np.float64]:
    """Return the covariance of what styles have in common when they depict one thing.

    Parameters
    ----------
    residuals:
        ``[n, p]``, each less its style's mean.
    contents:
        ``[n]`` names.
    least:
        Contents with fewer pictures are left out; their mean says more of the pictures than of the content.
    """
    groups = [rows for rows in _groups(residuals, contents) if len(rows) >= least]
    if not groups:
        return np.zeros((residuals.shape[1],) * 2)
    means = np.array([rows.mean(axis=0) for rows in groups])
    sizes = np.array([len(rows) for rows in groups], dtype=np.float64)
    scatter: NDArray[np.float64] = (means * sizes[:, None]).T @ means / sizes.sum()
    return scatter


def _groups(rows: Statistics, labels: Labels) -> Iterator[Statistics]:
    for label in np.unique(labels):
        yield rows[labels == label]


def fit(
    whole: Statistics, middles: Statistics, styles: Labels, contents: Labels, *, dim: int = DIM
) -> tuple[Statistics, Statistics]:
    """Fit the map from channel statistics to descriptors.

    The statistics are standardised; the scatter within styles, with that of contents added and shrunk towards a
    round one, is whitened; of the result the ``dim`` directions with most variance are kept. Statistics of middles
    count as further pictures of the same style, so that a margin is no matter of style.

    Parameters
    ----------
    whole, middles:
        ``[n, p]`` channel statistics of the pictures and of their middles (:func:`inner`).
    styles, contents:
        ``[n]`` names.
    dim:
        Length of a descriptor, at most ``p``.

    Returns
    -------
    mean, projection
        ``[p]`` and ``[p, dim]``.
    """
    both = np.concatenate([whole, middles])
    mean, deviation = both.mean(axis=0), both.std(axis=0) + _TINY
    standard = (both - mean) / deviation
    labels = np.tile(styles, 2)
    residuals = np.empty_like(standard)
    for style in np.unique(labels):
        members = labels == style
        residuals[members] = standard[members] - standard[members].mean(axis=0)

    scatter = scatter_within(residuals, labels)
    scatter += CONTENT_WEIGHT * scatter_of_contents(residuals[: len(whole)], contents)
    size = len(scatter)
    scatter = (1 - SHRINKAGE) * scatter + SHRINKAGE * np.trace(scatter) / size * np.eye(size)
    values, vectors = np.linalg.eigh(scatter)
    whitened = standard @ (vectors / np.sqrt(values))
    axes = np.linalg.eigh(whitened.T @ whitened)[1][:, ::-1][:, :dim]
    projection = vectors / np.sqrt(values) @ axes / deviation[:, None]
    # An eigenvector's sign is the linear algebra library's choice; settle it, so that a fit can be repeated.
    largest = projection[np.abs(projection).argmax(axis=0), np.arange(dim)]
    return mean, projection * np.sign(largest)


def fit_on_themes(root: Path, out: Path, *, device: str = "auto") -> str:
    """Fit on the icon themes under a folder, those kept for testing left out, and write the weights file.

    Parameters
    ----------
    root:
        Folder that holds ``<package>/usr/share/icons/<theme>``.
    out:
        The safetensors file to write.
    device:
        Where the network runs.

    Returns
    -------
    str
        One line that says what it was fitted on.

    Raises
    ------
    InputError
        If there are no two themes with icons in common.
    """
    from safetensors.numpy import save

    encoder = LiteEncoder(device=device)
    drawings, whole, middles = [], [], []
    for icons, pictures in icon_batches(crossed_icons(root, ICON_THEMES, most=MOST_PER_STYLE)):
        drawings += icons
        whole.append(encoder.statistics(pictures))
        middles.append(encoder.statistics([inner(pixels) for pixels in pictures]))
    styles = np.array([icon.style for icon in drawings])
    contents = np.array([icon.content for icon in drawings])
    mean, projection = fit(np.concatenate(whole), np.concatenate(middles), styles, contents)

    names = sorted(set(styles.tolist()))
    summary = f"{len(drawings)} icons, whole and their middles, of {len(names)} themes: {', '.join(names)}"
    metadata = {
        "fitted_on": summary,
        "preprocessing": SQUASH_224,
        "shrinkage": str(SHRINKAGE),
        "content_weight": str(CONTENT_WEIGHT),
    }
    tensors = {
        "mean": mean.astype(np.float32),
        "projection": np.ascontiguousarray(projection, dtype=np.float32),
    }
    out.write_bytes(save(tensors, metadata=metadata))
    return summary


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the fit from the command line."""
    parser = argparse.ArgumentParser(prog="python -m stylesearch.training.whitening", description=__doc__)
    parser.add_argument(
        "--themes", type=Path, required=True, help="folder of unpacked Debian packages of icon themes"
    )
    parser.add_argument("--out", type=Path, default=WHITENING_PATH, help="weights file to write")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args(arguments)
    summary = fit_on_themes(options.themes, options.out, device=options.device)
    sys.stdout.write(f"Wrote {options.out}, fitted on {summary}.\n")


if __name__ == "__main__":
    main()
