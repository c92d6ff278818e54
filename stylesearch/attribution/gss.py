"""GSS: how near a whole set of images is in style to each artist."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stylesearch.attribution.prototypes import Prototypes
from stylesearch.errors import InputError
from stylesearch.evaluation.ranking import unit
from stylesearch.evaluation.resampling import resample_counts

RESAMPLES = 1000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class StyleSimilarity:
    """The general style similarity of a set of images to each of some artists.

    Attributes
    ----------
    artists:
        Names.
    scores:
        ``[artists]`` cosine, -1 to 1, of the set's mean descriptor with the artist's prototype.
    low, high:
        ``[artists]`` interval from drawing the set's images anew with replacement. It tells how much hangs on which images
        the set happens to hold, not how much on which works the archive happens to have.
    images:
        How many the set has.
    """

    artists: tuple[str, ...]
    scores: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    images: int


def style_similarity(
    descriptors: NDArray[np.floating],
    prototypes: Prototypes,
    *,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> StyleSimilarity:
    """Work out GSS as Somepalli et al. 2024 (arXiv 2404.01292) do: mean descriptor against mean descriptor.

    Parameters
    ----------
    descriptors:
        ``[n, dim]`` of the set, which may be one image.
    prototypes:
        Of the artists.
    resamples:
        At least 1.
    confidence:
        Share of the resamples that the interval holds, above 0 and below 1.
    seed:
        The same seed gives the same intervals.

    Raises
    ------
    InputError
        ``parameter``, if a number is out of range; else as :func:`~stylesearch.evaluation.ranking.unit` does.
    """
    if resamples < 1 or not 0 < confidence < 1:
        raise InputError(
            f"An interval cannot be worked out with {resamples} resamples and confidence {confidence}.",
            hint="Use a resample at least, and a confidence between 0 and 1.",
            code="parameter",
        )
    rows = unit(np.asarray(descriptors)).astype(np.float64)
    directions = _directions(prototypes.means)
    scores = (_directions(rows.mean(axis=0, keepdims=True)) @ directions.T)[0]
    counts = resample_counts(len(rows), resamples, seed=(seed,))
    drawn = _directions(counts @ rows) @ directions.T
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return StyleSimilarity(prototypes.artists, scores, low, high, len(rows))


def _directions(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rows of unit norm; a mean of descriptors that cancel out has no direction and stays zero."""
    norms = np.linalg.norm(means, axis=1, keepdims=True)
    directions: NDArray[np.float64] = np.divide(means, norms, out=np.zeros_like(means), where=norms > 0)
    return directions
