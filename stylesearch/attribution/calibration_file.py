"""A calibration as bytes: plain arrays and JSON in one file, which nothing is run from."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylesearch.attribution.calibration import Calibration
from stylesearch.attribution.frozen import Frozen
from stylesearch.attribution.gaps import SetGap
from stylesearch.attribution.likelihood import LikelihoodRatios
from stylesearch.attribution.matching import Matching
from stylesearch.attribution.null import Null, Standards
from stylesearch.attribution.prototypes import Prototypes
from stylesearch.attribution.sure_works import SureWorks
from stylesearch.errors import ServiceError
from stylesearch.evaluation.ranking import unit

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """A calibration with the gallery that it knows, but for the gallery's descriptors.

    Attributes
    ----------
    calibration:
        The calibration.
    images, members, stands_for, makers, maker_artists, artists:
        As those of :class:`~stylesearch.attribution.frozen.Frozen` and its works.
    """

    calibration: Calibration
    images: NDArray[np.int64]
    members: NDArray[np.int64]
    stands_for: NDArray[np.int64]
    makers: NDArray[np.int64]
    maker_artists: NDArray[np.int64]
    artists: tuple[str, ...]

    def of(self, places: NDArray[np.int64], rows: NDArray[np.float32]) -> Frozen:
        """Return a part of the frozen gallery.

        Parameters
        ----------
        places:
            ``[n]`` which of the images, in rising order.
        rows:
            ``[n, dim]`` their descriptors as they are stored.
        """
        works = SureWorks(
            unit(rows),
            np.arange(len(rows)),
            self.artists,
            self.makers[places],
            self.maker_artists,
            (),
            repeated=0,
            contested=0,
        )
        new = np.full(len(self.images), -1, dtype=np.int64)
        new[places] = np.arange(len(places))
        here = new[self.stands_for] >= 0
        return Frozen(works, self.images[places], self.members[here], new[self.stands_for[here]])

    def standing_for(self, image_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the places of the works that some images are pictures of."""
        places: NDArray[np.int64] = np.unique(self.stands_for[np.isin(self.members, image_ids)])
        return places


def to_bytes(calibration: Calibration, frozen: Frozen) -> bytes:
    """Return a calibration as bytes; equal ones are equal bytes."""
    works, standards, null = frozen.works, calibration.standards, calibration.null
    facts = {
        "format": FORMAT,
        "artists": works.artists,
        "prototypes": calibration.prototypes.artists,
        "matchings": [asdict(one) for one in calibration.matchings],
        "rivals": [gap.rival for gap in calibration.gaps],
        "pairs": null.pairs,
        "likelihood": [calibration.likelihood.artists, calibration.likelihood.pairs],
        "lead": _finite(calibration.lead),
        "loneliest": calibration.loneliest,
        "few": calibration.few,
        "works": calibration.works,
        "makers": calibration.makers,
    }
    arrays: dict[str, Any] = {
        "facts": np.frombuffer(json.dumps(facts, sort_keys=True).encode(), dtype=np.uint8),
        "images": frozen.images,
        "members": frozen.members,
        "stands_for": frozen.stands_for,
        "makers": works.makers,
        "maker_artists": works.maker_artists,
        "means": calibration.prototypes.means,
        "prototype_works": calibration.prototypes.works,
        "offsets": calibration.offsets,
        "centre": standards.centre,
        "spread": standards.spread,
        "null_makers": standards.makers,
        "null_works": standards.works,
        "shown": standards.shown,
        "weights": null.weights,
        "gaps": np.array([[gap.gap, gap.low, gap.high] for gap in calibration.gaps]),
        "starts": calibration.likelihood.starts,
        "log10": calibration.likelihood.log10,
    }
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def digest_of(data: bytes) -> str:
    """Return what a calibration is called: the SHA-256 of its bytes in hex."""
    return sha256(data).hexdigest()


def from_bytes(data: bytes) -> Kept:
    """Read a calibration.

    Raises
    ------
    ServiceError
        ``calibration_damaged``, if it is none.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        return _kept(json.loads(found["facts"].tobytes()), found)
    except (KeyError, ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ServiceError(
            f"The calibration in the catalogue is damaged: {type(error).__name__}.",
            hint="Run 'stylesearch calibrate' again.",
            code="calibration_damaged",
        ) from None


def _kept(facts: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Kept:
    calibration = Calibration(
        prototypes=Prototypes(tuple(facts["prototypes"]), arrays["means"], arrays["prototype_works"]),
        offsets=arrays["offsets"],
        standards=Standards(
            arrays["centre"], arrays["spread"], arrays["null_makers"], arrays["null_works"], arrays["shown"]
        ),
        matchings=tuple(
            Matching(tuple(one["by"]), one["movement"], one["medium"], one["years"] and tuple(one["years"]))
            for one in facts["matchings"]
        ),
        gaps=tuple(
            SetGap(float(gap), float(low), float(high), tuple(rival))
            for (gap, low, high), rival in zip(arrays["gaps"], facts["rivals"], strict=True)
        ),
        null=Null(arrays["weights"], int(facts["pairs"])),
        likelihood=LikelihoodRatios(arrays["starts"], arrays["log10"], *map(int, facts["likelihood"])),
        lead=float("inf") if facts["lead"] is None else float(facts["lead"]),
        loneliest=float(facts["loneliest"]),
        few=facts["few"],
        works=int(facts["works"]),
        makers=int(facts["makers"]),
    )
    return Kept(
        calibration,
        arrays["images"],
        arrays["members"],
        arrays["stands_for"],
        arrays["makers"],
        arrays["maker_artists"],
        tuple(facts["artists"]),
    )


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
