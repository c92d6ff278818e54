"""What every encoder's result must be before anyone stores it or compares with it."""

from __future__ import annotations

import numpy as np

from stylesearch.encoders.protocol import Descriptors
from stylesearch.errors import StylesearchError

UNIT_TOLERANCE = 1e-3
"""How far from 1 a norm may be; wide enough for half precision, narrow enough to catch a missing normalisation."""


def checked(descriptors: Descriptors, *, count: int, dim: int) -> Descriptors:
    """Return the descriptors if they are what an encoder owes.

    Parameters
    ----------
    descriptors:
        What the encoder returned.
    count, dim:
        The shape it owes.

    Raises
    ------
    StylesearchError
        ``descriptor_invalid``, if the shape or type differs, or a row is not finite or not of unit norm.
    """
    if descriptors.shape != (count, dim) or descriptors.dtype != np.float32:
        raise _invalid(f"is {descriptors.dtype} {list(descriptors.shape)}, not float32 {[count, dim]}")
    if not np.isfinite(descriptors).all():
        row = int(np.flatnonzero(~np.isfinite(descriptors).all(axis=1))[0])
        raise _invalid(f"is not finite for image {row} of the batch")
    norms = np.linalg.norm(descriptors.astype(np.float64), axis=1)
    if (np.abs(norms - 1.0) > UNIT_TOLERANCE).any():
        row = int(np.abs(norms - 1.0).argmax())
        raise _invalid(f"has the norm {norms[row]:.4g} for image {row} of the batch, not 1")
    return descriptors


def _invalid(what: str) -> StylesearchError:
    return StylesearchError(
        f"The encoder's result {what}.",
        hint="Nothing was stored. Check the encoder's weights and the device.",
        code="descriptor_invalid",
    )
