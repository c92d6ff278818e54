"""Stylistic resemblance of one image to the artists of a calibrated gallery, as a report tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sqlalchemy.orm import Session

from stylesearch.attribution.calibrating import latest, load, of_gallery, told
from stylesearch.attribution.calibration import Calibration, Judged, judge
from stylesearch.attribution.findings import Conclusion, adjusted, conclude
from stylesearch.attribution.null import SHOWN_HIGH, SHOWN_LOW
from stylesearch.attribution.verbal import in_words
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.encoders.protocol import Descriptors
from stylesearch.evaluation.labels import Indices

CANDIDATES = 10
"""Artists with the highest scores that a report tells of."""

Status = Literal["current", "stale", "none"]


@dataclass(frozen=True, slots=True)
class Resemblance:
    """What a calibration says of an image.

    Attributes
    ----------
    status:
        ``current``: the calibration is of this very gallery. ``stale``: the gallery has changed since, so nothing is said
        by it. ``none``: there is none.
    calibration:
        The calibration as JSON values; the stale one where it is stale.
    conclusion:
        What may be said; ``None`` where nothing is calibrated.
    candidates:
        The artists who score highest, as JSON values.
    null:
        The null of the first of them, for a plot.
    """

    status: Status
    calibration: dict[str, Any] | None = None
    conclusion: Conclusion | None = None
    candidates: tuple[dict[str, Any], ...] = ()
    null: dict[str, Any] | None = None


def resemblance(
    session: Session,
    encoder: EncoderRow,
    root: str,
    query: Descriptors,
    *,
    copies: Indices,
    nearest_artists: tuple[str, ...] = (),
    calibration_id: str | None = None,
) -> Resemblance:
    """Judge an image by the calibration of a gallery.

    Parameters
    ----------
    root:
        Of the gallery as it is in the caller's transaction.
    query:
        ``[1, dim]``, of unit norm.
    copies:
        Ids of images that are copies of it.
    nearest_artists:
        Who made the nearest work, if that is sure.
    calibration_id:
        Which calibration of the gallery to use, if there are several; the last by default.

    Raises
    ------
    ServiceError
        ``calibration_damaged``.
    """
    row = of_gallery(session, encoder, root, digest=calibration_id)
    if row is None:
        stale = latest(session, encoder)
        if stale is None:
            return Resemblance("none")
        return Resemblance("stale", told(stale))
    calibration, frozen = load(session, encoder, row, near=query[0], copies=copies)
    judged = judge(calibration, frozen.works, query, leave_out=frozen.copies(copies))
    said = conclude(
        calibration,
        standard=judged.standard[0],
        p_values=judged.p_values[0],
        crowding=float(judged.crowding[0]),
        nearest_artists=nearest_artists,
    )
    order = np.argsort(-np.nan_to_num(judged.standard[0], nan=-np.inf), kind="stable")[:CANDIDATES]
    candidates = _candidates(calibration, judged, said, order)
    return Resemblance("current", told(row), said, candidates, _null(calibration, judged, int(order[0])))


def _candidates(
    calibration: Calibration, judged: Judged, said: Conclusion, order: Indices
) -> tuple[dict[str, Any], ...]:
    q_values = adjusted(judged.p_values[0])
    found = []
    for place in order.tolist():
        gap, matching = calibration.gaps[place], calibration.matchings[place]
        log10 = float(judged.log10[0, place])
        found.append(
            {
                "name": calibration.prototypes.artists[place],
                "works": int(calibration.prototypes.works[place]),
                "score": float(judged.scores[0, place]),
                "standard_score": float(judged.standard[0, place]),
                "p_value": float(judged.p_values[0, place]),
                "q_value": float(q_values[place]),
                "found": place in said.found,
                "log10_likelihood_ratio": log10,
                "in_words": in_words(log10) if np.isfinite(log10) else None,
                "gap": {
                    "value": gap.gap,
                    "low": gap.low,
                    "high": gap.high,
                    "rival": list(gap.rival),
                    "readable": gap.tells_apart,
                },
                "null": {
                    "makers": int(calibration.standards.makers[place]),
                    "works": int(calibration.standards.works[place]),
                    "matched_by": list(matching.by),
                },
            }
        )
    return tuple(found)


def _null(calibration: Calibration, judged: Judged, place: int) -> dict[str, Any] | None:
    if not np.isfinite(judged.standard[0, place]):
        return None
    return {
        "artist": calibration.prototypes.artists[place],
        "standard_score": float(judged.standard[0, place]),
        "low": SHOWN_LOW,
        "high": SHOWN_HIGH,
        "shares": [round(float(share), 6) for share in calibration.standards.shown[place]],
    }
