"""What may be said of an image's style: artists found, a group that cannot be told apart, nobody, or nothing at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stylesearch.attribution.calibration import Calibration
from stylesearch.evaluation.labels import Mask

Outcome = Literal["artist", "group", "nobody", "abstained"]
Reason = Literal["out_of_domain", "null_too_small", "gap_reaches_zero", "too_few_works", "not_told_apart"]

DISCOVERY_RATE = 0.1
"""Share of wrong artists among those found that is put up with, on average."""

MOST_NAMED = 5
"""Artists of a group that are named; a larger one says nothing about anybody."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What may be said.

    Attributes
    ----------
    outcome:
        ``artist``: one is found, and told apart from the next. ``group``: one of several. ``nobody``: no artist scores
        higher than others' works do. ``abstained``: the scores say nothing here.
    names:
        The artist, the group, or those on whose account nothing is said.
    reason:
        Why nothing is said, or why a group; ``None`` otherwise.
    found:
        Places of the artists who pass the Benjamini–Hochberg procedure and whose gap is above 0, the highest score first;
        nobody where nothing is said.
    """

    outcome: Outcome
    names: tuple[str, ...]
    reason: Reason | None
    found: tuple[int, ...]


def discoveries(p_values: NDArray[np.float64], rate: float = DISCOVERY_RATE) -> Mask:
    """Return which p-values are discoveries by the procedure of Benjamini and Hochberg.

    Parameters
    ----------
    p_values:
        ``[..., candidates]``; NaN for one that is no candidate.
    rate:
        The rate of false discoveries to keep to.
    """
    known = np.isfinite(p_values)
    order = np.argsort(np.where(known, p_values, np.inf), axis=-1, kind="stable")
    ordered = np.take_along_axis(np.where(known, p_values, np.inf), order, axis=-1)
    count = np.maximum(known.sum(axis=-1, keepdims=True), 1)
    ranks = np.arange(1, p_values.shape[-1] + 1)
    passed = ordered <= rate * ranks / count
    last = np.where(passed, ranks, 0).max(axis=-1, keepdims=True)
    found = np.zeros(p_values.shape, dtype=bool)
    np.put_along_axis(found, order, ranks <= last, axis=-1)
    return found


def adjusted(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each p-value the lowest rate at which it would be a discovery; NaN for one that is no candidate.

    Parameters
    ----------
    p_values:
        ``[candidates]``.
    """
    known = np.flatnonzero(np.isfinite(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    raised = p_values[order] * len(order) / np.arange(1, len(order) + 1)
    values = np.full(p_values.shape, np.nan)
    values[order] = np.minimum(1.0, np.minimum.accumulate(raised[::-1])[::-1])
    return values


def conclude(
    calibration: Calibration,
    *,
    standard: NDArray[np.float64],
    p_values: NDArray[np.float64],
    crowding: float,
    nearest_artists: Sequence[str] = (),
    rate: float = DISCOVERY_RATE,
) -> Conclusion:
    """Draw the conclusion about one image.

    All artists are candidates of the procedure, also those whose gap reaches 0. These are then not named for it, which
    only takes away from what was found.

    Parameters
    ----------
    standard, p_values:
        ``[artists]`` of :class:`~stylesearch.attribution.calibration.Judged`.
    crowding:
        Of the image.
    nearest_artists:
        Who made the nearest work, if that is sure.
    rate:
        Of false discoveries.
    """
    candidates = int(np.isfinite(p_values).sum())
    if crowding < calibration.loneliest:
        return Conclusion("abstained", (), "out_of_domain", ())
    if calibration.null.floor * candidates > rate:
        return Conclusion("abstained", (), "null_too_small", ())
    scores = np.where(np.isfinite(standard), standard, -np.inf)
    passed = discoveries(p_values, rate)
    contenders = [int(place) for place in np.argsort(-scores, kind="stable") if passed[place]]
    if contenders:
        return _among(calibration, scores, contenders)
    few = tuple(name for name in nearest_artists if name in calibration.few)
    if few:
        return Conclusion("abstained", few, "too_few_works", ())
    return Conclusion("nobody", (), None, ())


def _among(calibration: Calibration, scores: NDArray[np.float64], contenders: list[int]) -> Conclusion:
    """Draw the conclusion where artists pass, the highest score first."""
    artists, judged = calibration.prototypes.artists, calibration.judged
    found = tuple(place for place in contenders if judged[place])
    first = contenders[0]
    if not judged[first]:
        return Conclusion("abstained", (artists[first],), "gap_reaches_zero", ())
    rivals = [place for place in contenders[1:] if scores[first] - scores[place] < calibration.lead]
    names = tuple(artists[place] for place in (first, *rivals))
    if not rivals:
        return Conclusion("artist", names, None, found)
    if len(names) > MOST_NAMED:
        return Conclusion("abstained", names[:MOST_NAMED], "not_told_apart", ())
    return Conclusion("group", names, "not_told_apart", found)
