"""Calibrates the gallery of the catalogue, and finds what was calibrated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

import stylesearch
from stylesearch.attribution.calibration import FEWEST_WORKS, Calibration, calibrate
from stylesearch.attribution.calibration_file import Kept, digest_of, from_bytes, to_bytes
from stylesearch.attribution.checking import figures
from stylesearch.attribution.findings import DISCOVERY_RATE
from stylesearch.attribution.frozen import Frozen, descriptors_of, nearest_images, read_frozen
from stylesearch.attribution.gallery import read_leaves
from stylesearch.attribution.heldout import FOLDS, hold_out
from stylesearch.attribution.verbal import SCALE_SOURCE
from stylesearch.catalog.calibrations import CalibrationRow
from stylesearch.catalog.database import Database
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.encoders.protocol import Descriptors
from stylesearch.errors import InputError
from stylesearch.evaluation.csls import NEIGHBOURS
from stylesearch.evaluation.labels import Indices

Progress = Callable[[int, int], None]

NEAREST_READ = 600
"""Nearest images that are read to say how crowded it is around a descriptor; if that is too few, all are."""

NONE: Indices = np.zeros(0, dtype=np.int64)


def calibrate_gallery(
    database: Database,
    encoder: Callable[[Session], EncoderRow],
    *,
    check: bool = True,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> CalibrationRow:
    """Calibrate the gallery of an encoder and keep the calibration; return its row.

    The gallery is read in one snapshot; what is written meanwhile is not in it, and makes the calibration stale.

    Parameters
    ----------
    encoder:
        Finds the encoder's row.
    check:
        Whether to hold works and artists out and count what came of them; that takes five times as long.
    seed:
        The same seed gives the same calibration of the same gallery.
    on_progress:
        Called after each fold of what is held out with how many are done and how many there are.

    Raises
    ------
    NotFoundError
        ``empty_gallery``.
    InputError
        ``no_sure_works`` or ``too_few_artists``.
    """
    with database.session(snapshot=True) as session:
        row = encoder(session)
        leaves = read_leaves(session, row)
        frozen = read_frozen(session, row)
    calibration = calibrate(frozen.works, seed=seed)
    checked = _checked(frozen, seed, on_progress) if check else None
    data = to_bytes(calibration, frozen)
    kept = CalibrationRow(
        digest=digest_of(data),
        encoder_id=row.id,
        gallery_root=leaves.root(),
        summary=summary_of(calibration, frozen),
        figures=checked,
        data=data,
        leaves=leaves.to_bytes(),
    )
    with database.session() as session:
        session.add(kept)
        session.flush()
        session.refresh(kept)
        session.expunge(kept)
    return kept


def _checked(frozen: Frozen, seed: int, on_progress: Progress | None) -> dict[str, Any]:
    """Return the figures of works held out; why there are none, where too little would be left."""
    try:
        return figures(hold_out(frozen.works, seed=seed, on_progress=on_progress)).to_json()
    except InputError as error:
        return {"problem": error.message}


def summary_of(calibration: Calibration, frozen: Frozen) -> dict[str, Any]:
    """Return what a calibration rests on, as JSON values."""
    low, high = calibration.likelihood.bounds
    return {
        "software": stylesearch.__version__,
        "works": calibration.works,
        "artists": len(calibration.prototypes),
        "artists_of_few_works": len(calibration.few),
        "fewest_works": FEWEST_WORKS,
        "readable": int(calibration.judged.sum()),
        "repeated": frozen.works.repeated,
        "contested": frozen.works.contested,
        "pairs": calibration.null.pairs,
        "floor": calibration.null.floor,
        "rate": DISCOVERY_RATE,
        "lead": calibration.lead if calibration.lead < float("inf") else None,
        "loneliest": calibration.loneliest,
        "likelihood_bounds": [low, high],
        "scale": SCALE_SOURCE,
        "folds": FOLDS,
    }


def latest(session: Session, encoder: EncoderRow) -> CalibrationRow | None:
    """Return the calibration of an encoder that was made last."""
    return session.scalar(
        select(CalibrationRow)
        .where(CalibrationRow.encoder_id == encoder.id)
        .order_by(CalibrationRow.id.desc())
        .limit(1)
    )


def of_gallery(
    session: Session, encoder: EncoderRow, root: str, *, digest: str | None = None
) -> CalibrationRow | None:
    """Return the last calibration of a gallery, by its root; or, of several, the one of a digest if it is among them."""
    return session.scalar(
        select(CalibrationRow)
        .where(CalibrationRow.encoder_id == encoder.id, CalibrationRow.gallery_root == root)
        .order_by((CalibrationRow.digest == (digest or "")).desc(), CalibrationRow.id.desc())
        .limit(1)
    )


def load(
    session: Session,
    encoder: EncoderRow,
    row: CalibrationRow,
    *,
    near: Descriptors | None = None,
    copies: Indices = NONE,
) -> tuple[Calibration, Frozen]:
    """Return a calibration and the gallery that it is of, whose descriptors are in the catalogue unchanged.

    Parameters
    ----------
    near:
        ``[dim]``: only as much of the gallery is wanted as says how crowded it is around this descriptor.
    copies:
        Ids of images that are copies of what is asked about; the works that they are pictures of are in the part as well.

    Raises
    ------
    ServiceError
        ``calibration_damaged``.
    """
    kept = from_bytes(row.data)
    places = np.arange(len(kept.images))
    if near is not None:
        nearest = nearest_images(session, encoder, near, NEAREST_READ)
        wanted = np.union1d(kept.standing_for(nearest), kept.standing_for(copies))
        if _enough(kept, np.setdiff1d(wanted, kept.standing_for(copies))):
            places = wanted
    return kept.calibration, kept.of(places, descriptors_of(session, encoder, kept.images[places]))


def _enough(kept: Kept, places: Indices) -> bool:
    """Whether some works hold enough neighbours, whichever artist's are left out of them."""
    companies = kept.maker_artists[kept.makers[places]]
    artists, counts = np.unique(companies[companies >= 0], return_counts=True)
    return len(artists) > 0 and len(places) - int(counts.max()) >= NEIGHBOURS


def told(row: CalibrationRow) -> dict[str, Any]:
    """Return a calibration as JSON values: its id, when it was made, of which gallery, and what it rests on."""
    return {
        "id": row.digest,
        "created_at": row.created_at.astimezone(UTC).isoformat(timespec="seconds"),
        "gallery_root": row.gallery_root,
        "summary": row.summary,
        "held_out": row.figures,
    }
