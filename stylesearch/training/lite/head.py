"""The head of the encoder ``lite``: begun as a whitening in closed form, then trained with the objective of CSD."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from stylesearch.encoders.lite_network import LiteHead
from stylesearch.training.augment import StoredViews
from stylesearch.training.datasets import FeatureSet
from stylesearch.training.trainable import Trainable

KEPT = 1024
"""Directions that the whitening keeps."""

HIDDEN = 1024
DROPOUT = 0.2
"""Share of the whitened numbers that are left out of each picture in training."""

SHRINKAGE = 0.1
"""Share of a round scatter that is mixed in; without it the quietest directions would drown the rest."""

CONTENT_WEIGHT = 10.0
"""How many times more the scatter that styles share, for they drew the same thing, counts than other scatter."""

_FEWEST_OF_CONTENT = 3
_TINY = 1e-4
_BEND_SCALE = 0.1

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Whitening:
    """A map under which what varies within a style is small and alike in all directions.

    Attributes
    ----------
    mean:
        ``[p]``: taken away first.
    projection:
        ``[p, kept]``: the directions in which styles differ most come first.
    """

    mean: Matrix
    projection: Matrix


def fit_whitening(
    statistics: NDArray[np.float32],
    styles: NDArray[np.int64],
    contents: NDArray[np.int64],
    *,
    kept: int = KEPT,
) -> Whitening:
    """Fit a whitening by the scatter within styles and by that of contents.

    Parameters
    ----------
    statistics:
        ``[n, views, p]``.
    styles:
        ``[n]`` numbers from 0.
    contents:
        ``[n]`` numbers from 0; below 0 for none.
    kept:
        Directions to keep, at most p.
    """
    count, views, length = statistics.shape
    mean = statistics.mean(axis=(0, 1), dtype=np.float64)
    deviation = statistics.std(axis=(0, 1), dtype=np.float64) + _TINY
    within, residuals = np.zeros((length, length)), np.empty((count, length), np.float32)
    centres, several = [], 0
    for style in range(int(styles.max()) + 1):
        members = np.flatnonzero(styles == style)
        standard = (statistics[members] - mean) / deviation
        centre = standard.mean(axis=(0, 1))
        apart = (standard - centre).astype(np.float32)
        centres.append(centre)
        residuals[members] = apart[:, 0]
        if len(members) > 1:
            rows = apart.reshape(-1, length)
            within += rows.T @ rows / (len(rows) - views)
            several += 1
    scatter = within / several + CONTENT_WEIGHT * _content_scatter(residuals, contents)
    scatter = (1 - SHRINKAGE) * scatter + SHRINKAGE * np.trace(scatter) / length * np.eye(length)
    values, vectors = np.linalg.eigh(scatter)
    whitening = vectors / np.sqrt(values)
    spread = np.array(centres) @ whitening
    directions = np.linalg.svd(spread - spread.mean(axis=0), full_matrices=True)[2][:kept].T
    return Whitening(mean, whitening @ directions / deviation[:, None])


def _content_scatter(residuals: NDArray[np.float32], contents: NDArray[np.int64]) -> Matrix:
    """Return the covariance of what styles have in common when they show one thing.

    Contents with few pictures are left out; their mean says more of the pictures than of the content.
    """
    known = np.flatnonzero(contents >= 0)
    counts = np.bincount(contents[known]) if len(known) else np.zeros(1, np.int64)
    sums = np.zeros((len(counts), residuals.shape[1]))
    np.add.at(sums, contents[known], residuals[known])
    enough = counts >= _FEWEST_OF_CONTENT
    if not enough.any():
        return np.zeros((residuals.shape[1],) * 2)
    means = sums[enough] / counts[enough, None]
    scatter: Matrix = (means * counts[enough, None]).T @ means / counts[enough].sum()
    return scatter


def begun_head(whitening: Whitening, *, dim: int, hidden: int = HIDDEN) -> LiteHead:
    """Return a head that gives the whitened statistics' first ``dim`` directions, and a little that training may use."""
    length, kept = whitening.projection.shape
    head = LiteHead(length, kept=kept, hidden=hidden, dim=dim, dropout=DROPOUT)
    with torch.no_grad():
        head.whitening.weight.copy_(torch.from_numpy(whitening.projection.T))
        head.whitening.bias.copy_(torch.from_numpy(-whitening.mean @ whitening.projection))
        head.straight.weight.copy_(torch.eye(dim, kept))
        head.bent.weight.mul_(_BEND_SCALE)
        head.bent.bias.zero_()
    head.whitening.requires_grad_(requires_grad=False)
    return head


def trainable_head(
    data: FeatureSet, *, fitted_on: NDArray[np.bool_], dim: int, kept: int = KEPT
) -> Trainable:
    """Return a head to be trained on statistics.

    Parameters
    ----------
    data:
        Statistics with their labels.
    fitted_on:
        ``[n]``: which pictures the whitening is fitted on.
    dim:
        Length of a descriptor.
    """
    chosen = np.flatnonzero(fitted_on)
    styles = np.array([data.labels.tags[place][0] for place in chosen.tolist()])
    numbered = np.unique(styles, return_inverse=True)[1].astype(np.int64)
    whitening = fit_whitening(data.features[chosen], numbered, data.labels.contents[chosen], kept=kept)
    head = begun_head(whitening, dim=dim)
    return Trainable(
        name="the head of lite",
        module=head,
        head=("",),
        views=StoredViews(whole_first=True),
        weights=head.state_dict,
        settings={
            "dim": dim,
            "kept": kept,
            "hidden": HIDDEN,
            "dropout": DROPOUT,
            "shrinkage": SHRINKAGE,
            "content weight": CONTENT_WEIGHT,
            "fitted on": len(chosen),
        },
    )
