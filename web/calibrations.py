"""What the last calibration of the gallery says of an artist; read once a process, for it is large."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from stylesearch.attribution.calibration import Calibration
from stylesearch.attribution.calibration_file import from_bytes
from stylesearch.catalog.calibrations import CalibrationRow
from stylesearch.errors import StylesearchError
from stylesearch.search.service import StyleSearch
from web.recent import Recent

_known: Recent[str, Calibration] = Recent(2)


@dataclass(frozen=True, slots=True)
class Standing:
    """A calibration and an artist's place in it; either may be missing."""

    calibration: Calibration | None = None
    place: int | None = None


def standing_of(session: Session, style_search: StyleSearch, artist: str) -> Standing:
    """Return where an artist stands in the last calibration of the gallery that serves."""
    try:
        encoder = style_search.gallery_encoder(session)
    except StylesearchError:  # there is no gallery to have been calibrated
        return Standing()
    latest = (
        select(CalibrationRow.id, CalibrationRow.digest)
        .where(CalibrationRow.encoder_id == encoder.id)
        .order_by(CalibrationRow.id.desc())
        .limit(1)
    )
    row = session.execute(latest).one_or_none()
    if row is None:
        return Standing()
    found = _known.get(row.digest)
    if found is None:
        data = session.scalar(select(CalibrationRow.data).where(CalibrationRow.id == row.id))
        assert data is not None
        found = from_bytes(data).calibration
        _known.put(row.digest, found)
    artists = found.prototypes.artists
    return Standing(found, artists.index(artist) if artist in artists else None)
